"""The node's programs: found in absolute folders alone, ended when they hang, read as bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...compiler.errors import NodeError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are found, after the folders of PATH."""
LONGEST_SECONDS = 300.0
"""A million elements take a tenth of that."""

_PACKAGES: Mapping[str, str] = {"ipset": "ipset", "nft": "nftables", "unshare": "util-linux"}
_AS_IT_IS: Mapping[str, str] = {}
_BYTES = "surrogateescape"  # comments of others may be any bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and what it printed; bytes that are not UTF-8 are surrogates."""

    code: int
    out: str
    err: str


def search_path() -> str:
    """Return the folders of programs.

    An empty or relative part of PATH means the current folder, which anybody may have filled.
    """
    chosen = [part for part in os.environ.get("PATH", "").split(":") if part.startswith("/")]
    return ":".join([*chosen, SYSTEM_PATH])


def found(name: str) -> str | None:
    """Return the path of a program; None where there is none."""
    return shutil.which(name, path=search_path())


def missing(name: str) -> NodeError:
    """Return the error for a program that is not there."""
    return NodeError(f"there is no {name}; install the package {_PACKAGES.get(name, 'iptables')}")


def run(argv: Sequence[str], text: str = "", env: Mapping[str, str] = _AS_IT_IS) -> Finished:
    """Run a program to its end with a text on its standard input.

    ``env`` is added to the environment. NodeError where it is missing, cannot be started, or hangs.
    """
    path = found(argv[0])
    if path is None:
        raise missing(argv[0])
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, and names of ours
            [path, *argv[1:]],
            input=text.encode(errors=_BYTES),
            capture_output=True,
            check=False,
            env={**os.environ, "PATH": search_path(), **env},  # what it starts, it finds as we do
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NodeError(f"{argv[0]} has not ended after {LONGEST_SECONDS:.0f} s") from None
    except OSError as refusal:
        raise NodeError(f"cannot run {path}: {refusal.strerror or refusal}") from None
    return Finished(done.returncode, _decoded(done.stdout), _decoded(done.stderr))


def _decoded(data: bytes) -> str:
    return data.decode(errors=_BYTES)
