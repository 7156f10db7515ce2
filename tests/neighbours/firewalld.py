"""firewalld in a node's namespace, on a bus of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from apiserver import Process
from netcluster import Namespace

COMMANDS = ("firewalld", "firewall-cmd", "dbus-daemon")
"""What must be there: packages firewalld and dbus."""

# Whoever is on this bus may do anything on it: it is a test's alone.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_DEFAULTS = Path("/etc/firewalld/firewalld.conf")


class Firewalld:
    """firewalld that trusts all interfaces; its rules go when it stops."""

    def __init__(self, space: Namespace, folder: Path) -> None:
        self._space = space
        self._bus_path = folder / "bus"
        self._environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._bus_path}"}
        bus = folder / "bus.conf"
        bus.write_text(_BUS.format(path=self._bus_path))
        self._bus = Process(["dbus-daemon", f"--config-file={bus}", "--nofork"], folder / "bus.log")
        settings = folder / "firewalld"
        settings.mkdir()
        defaults = re.sub("(?m)^DefaultZone=.*", "DefaultZone=trusted", _DEFAULTS.read_text())
        (settings / "firewalld.conf").write_text(defaults)
        flags = ("--nofork", "--nopid", "--log-target=console", f"--system-config={settings}")
        self._process = Process(
            ["firewalld", *flags],
            folder / "firewalld.log",
            environment=self._environment,
            within=space.entered,
        )

    def start(self) -> None:
        """Start it, and its bus at the first time, and wait until it has loaded its rules."""
        if not self._bus.running:
            self._bus.start(self._bus_path.exists)
        self._process.start(lambda: self._call("--state") == 0)

    def reload(self) -> None:
        """Have it load its rules anew."""
        assert self._call("--reload") == 0

    def stop(self) -> None:
        """Let it end, which removes its rules."""
        self._process.stop()

    def close(self) -> None:
        """End it and its bus."""
        self._process.kill()
        self._bus.kill()

    def _call(self, option: str) -> int:
        """Return the exit code of firewall-cmd."""
        environment = {**os.environ, **self._environment}
        return subprocess.run(
            ["firewall-cmd", "--quiet", option],
            env=environment,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
