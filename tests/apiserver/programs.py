"""Where `make apiserver` put the programs."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

_BUILD = Path(__file__).with_name("build.sh")


@cache
def _directory() -> Path:
    said = subprocess.run(["bash", _BUILD, "--where"], stdout=subprocess.PIPE, check=True)
    return Path(said.stdout.decode().strip())


def missing() -> str:
    """Return why there is no API server to start, or "" if there is."""
    return "" if _directory().is_dir() else "needs the API server: run make apiserver"


def program(name: str) -> Path:
    """Return the path of kube-apiserver, etcd or kube-proxy."""
    return _directory() / name


def crds(channel: str) -> Path:
    """Return the file with the CRDs of a channel of network-policy-api: standard, experimental."""
    return _directory() / "crds" / f"{channel}.yaml"
