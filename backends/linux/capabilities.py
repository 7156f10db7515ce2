"""What this process may do, whoever runs it (capabilities(7))."""

from __future__ import annotations

import os
import re
from pathlib import Path

_STATUS = Path("/proc/self/status")
_EFFECTIVE = re.compile(r"^CapEff:\s*([0-9a-f]+)$", re.MULTILINE)
_NET_ADMIN = 12  # linux/capability.h: CAP_NET_ADMIN


def has_net_admin() -> bool:
    """Tell whether the kernel lets this process change the network; without /proc, root may."""
    try:
        found = _EFFECTIVE.search(_STATUS.read_text())
    except OSError:
        found = None
    return bool(int(found[1], 16) >> _NET_ADMIN & 1) if found else os.geteuid() == 0
