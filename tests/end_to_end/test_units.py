"""The units in deploy/: systemd understands them, and they come after whoever empties rules."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command import CNPC

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = ("cnpc.service", "cnpc-watch.service")
EARLY = ("nftables", "iptables", "ip6tables", "netfilter-persistent", "ufw", "firewalld")
"""What flushes rules before the network is up, as Debian and Fedora order it."""

OTHERS = {
    **dict.fromkeys(
        EARLY,
        "[Unit]\nDefaultDependencies=no\nWants=network-pre.target\n"
        "Before=network-pre.target shutdown.target\nConflicts=shutdown.target\n"
        "[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=sysinit.target\n",
    ),
    "firewalld": "[Unit]\nBefore=network-pre.target\nWants=network-pre.target\nAfter=dbus.service\n"
    "[Service]\nExecStart=/bin/true\n",
    "docker": "[Unit]\nAfter=network-online.target firewalld.service\n"
    "[Service]\nExecStart=/bin/true\n",
    "networkd": "[Unit]\nDefaultDependencies=no\nAfter=network-pre.target\n"
    "Before=network.target\n[Service]\nExecStart=/bin/true\n",
}


def after(unit: str) -> set[str]:
    """Return what a unit is ordered after."""
    text = (DEPLOY / unit).read_text()
    return {
        name for line in re.findall(r"^After=(.*)$", text, re.MULTILINE) for name in line.split()
    }


def test_the_ruleset_comes_after_what_begins_with_an_empty_filter() -> None:
    wanted = {f"{name}.service" for name in EARLY}
    assert wanted <= after("cnpc.service")
    assert wanted | {"docker.service", "cnpc.service"} <= after("cnpc-watch.service")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of units where both are installed, beside all others that are named."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    for name, text in OTHERS.items():
        (tmp_path / f"{name}.service").write_text(text)
    wants = tmp_path / "sysinit.target.wants"
    wants.mkdir()
    for name in (*(f"{name}.service" for name in EARLY), "cnpc.service"):
        (wants / name).symlink_to(tmp_path / name)
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/local/bin/cnpc", str(CNPC)))
    return tmp_path


def told(folder: Path, unit: str) -> list[str]:
    """Return what systemd says of our units, and of cycles."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in done.stderr.splitlines() if "cnpc" in line or "cycle" in line]


@pytest.mark.parametrize("unit", [*UNITS, "networkd.service", "multi-user.target"])
def test_systemd_understands_the_units(folder: Path, unit: str) -> None:
    """Neither a word that is unknown, nor a cycle in the order."""
    assert told(folder, unit) == []


def test_what_is_wrong_would_be_told(folder: Path) -> None:
    """docker comes after the network, and the network after cnpc.service."""
    path = folder / "cnpc.service"
    path.write_text(path.read_text().replace("[Service]", "After=networkd.service\n[Service]"))
    (folder / "sysinit.target.wants" / "networkd.service").symlink_to(folder / "networkd.service")
    assert any("cycle" in line for line in told(folder, "sysinit.target"))
    path.write_text(path.read_text().replace("RemainAfterExit", "StayAfterExit"))
    assert any("StayAfterExit" in line for line in told(folder, "cnpc.service"))


def test_the_units_run_what_there_is() -> None:
    starts = [
        re.search(r"^ExecStart=(.*)$", (DEPLOY / name).read_text(), re.MULTILINE) for name in UNITS
    ]
    assert [found[1] for found in starts if found] == [
        "/usr/local/bin/cnpc boot",
        "/usr/local/bin/cnpc apply --watch",
    ]
