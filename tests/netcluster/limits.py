"""What the machine must allow."""

from __future__ import annotations

import os
import resource
import shutil

from .namespaces import Namespace, write_sysctls


def raise_file_limit() -> None:
    """Allow as many open files as the hard limit does: each namespace has a dozen sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def missing() -> str:
    """Return why this process cannot build a cluster, or "" if it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in ("nft", "ip"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    try:
        _try()
    except OSError as error:
        return f"needs network namespaces: {error}"
    return ""


def _try() -> None:
    space = Namespace()
    try:
        with space.entered():
            write_sysctls([("ipv4/ip_forward", "1")])  # a container may have /proc/sys read-only
    finally:
        space.close()
