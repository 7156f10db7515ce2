"""``cnpc apply`` with its record on a file system of its own that is full or read-only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CALL = "import sys; from cnpc.compiler.cli.main import main; main(sys.argv[1:])"


def apply_there(
    ruleset: Path,
    state: Path,
    fault: str,
    environment: Mapping[str, str] | None = None,
    room: int = 8,
) -> subprocess.CompletedProcess[str]:
    """Apply in a mount namespace, where the folder has so many KiB left, or is "read-only"."""
    pages = [-(-path.stat().st_size // 4096) for path in state.rglob("*") if path.is_file()]
    size = f"size={4 * sum(pages) + room}k" if fault == "full" else "size=8m"
    freeze = 'mount -o remount,ro "$2" && ' if fault == "read-only" else ""
    script = (
        f'cp -a "$2" "$2.copy" && mount -t tmpfs -o mode=700,{size} none "$2" && '
        f'cp -a "$2.copy/." "$2/" && rm -rf "$2.copy" && {freeze}'
        f'exec "{sys.executable}" -c \'{CALL}\' apply "$1" --state-dir "$2"'
    )
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(ruleset), str(state)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
