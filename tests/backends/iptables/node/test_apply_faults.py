"""cnpc as a process on a node of iptables where things go wrong: old or new is in force, whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.iptables.names import SUFFIXES, TABLES
from cnpc.backends.iptables.node.tools import FLAVOURS, PROGRAM
from cnpc.backends.iptables.ruleset import IptablesRuleset
from cnpc.backends.linux.programs import found
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run
from rulesets import changed, ruleset, trio
from small_folder import CALL, apply_there
from trials import TRIALS, long_enough, until
from worlds import LARGE, seeded

pytestmark = pytest.mark.requires_root_and_nft

WORLD = list(seeded(2, LARGE).objects())
"""One of both families, of which every text changes."""

_PROGRAMS = tuple(
    f"{name}{end}" for name in ("iptables", "ip6tables") for end in ("", "-save", "-restore")
)


def versions() -> tuple[RulesetSource[IptablesRuleset], RulesetSource[IptablesRuleset]]:
    after = changed(changed(WORLD, Random(1)), Random(2))  # noqa: S311 - reproducible
    return trio(WORLD), trio(after)


class Host:
    """A network namespace with one kind of iptables, and a folder for the record."""

    def __init__(self, folder: Path, flavour: str) -> None:
        self.folder, self.flavour = folder, flavour
        self.state = folder / "state"
        tools = folder / "tools"
        tools.mkdir()
        for name in _PROGRAMS:
            kind = name.replace("tables", f"tables-{flavour}")
            (tools / name).symlink_to(found(kind) or kind)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        self.a, self.b = folder / "a.v4", folder / "b.v6"
        self.wanted = {}
        for path, made in zip((self.a, self.b), versions(), strict=True):
            for suffix in SUFFIXES:
                path.with_suffix(f".{suffix}").write_text(made.texts[suffix])
            self.wanted[path] = self._alone(made)

    def _alone(self, made: RulesetSource[IptablesRuleset]) -> Mapping[str, list[str]]:
        space = Namespace()
        try:
            with space.entered():
                IptablesLoader(self.flavour).load(made.texts)
                return self.loaded()
        finally:
            space.close()

    def loaded(self) -> dict[str, list[str]]:
        """Return what is loaded of ours, by family, and the sets."""
        texts = {
            name: "".join(run((f"{name}-{self.flavour}-save", "-t", table)) for table in TABLES)
            for name in PROGRAM.values()
        }
        own = {
            name: [line.partition(" [")[0] for line in text.splitlines() if "CNPC-" in line]
            for name, text in texts.items()
        }
        sets = sorted(line.split(" bucketsize")[0] for line in run(("ipset", "save")).splitlines())
        return {**own, "sets": [line for line in sets if " cnpc-" in line]}

    def start(self, *arguments: object, code: str = CALL) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", code, *map(str, arguments), "--state-dir", str(self.state)]
        return subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )

    def cnpc(self, *arguments: object, code: int = 0) -> str:
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        assert process.returncode == code, output
        assert "Traceback" not in output
        return output

    def in_force(self) -> Path | None:
        """Return which of the two rulesets is loaded, exactly."""
        loaded = self.loaded()
        return next((path for path, wanted in self.wanted.items() if wanted == loaded), None)

    def families_are_whole(self) -> bool:
        """Tell whether each family is one of the two rulesets, or nothing at all."""
        loaded = self.loaded()
        return all(
            loaded[name] in [[], *(wanted[name] for wanted in self.wanted.values())]
            for name in ("iptables", "ip6tables")
        )


@pytest.fixture(params=FLAVOURS)
def host(
    request: pytest.FixtureRequest,
    space: Namespace,  # noqa: ARG001 - in it
    tmp_path: Path,
) -> Host:
    if found(f"iptables-{request.param}-save") is None:
        pytest.skip(f"needs iptables-{request.param}")
    return Host(tmp_path, request.param)


def test_killed_at_any_moment(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        process = host.start("apply", wanted)
        time.sleep(random.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert host.families_are_whole()
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        host.cnpc("status")


_KILLED = """
import os, sys
from cnpc.backends.iptables.node import tools as iptables_tools
run, left = iptables_tools.run, [int(sys.argv.pop(1))]
def counted(argv, *others):
    if "restore" in " ".join(argv) or "destroy" in argv:
        if left[0] == 0: os.kill(os.getpid(), 9)
        left[0] -= 1
    return run(argv, *others)
iptables_tools.run = counted
from cnpc.compiler.cli.main import main
main(sys.argv[1:])
"""


def test_killed_between_any_two_steps(host: Host) -> None:
    """Sets, test, test, commit, commit, destroy: kill ahead of each, in turn."""
    host.cnpc("apply", host.a)
    killed = 0
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        with host.start(number % 7, "apply", wanted, code=_KILLED) as process:
            output, _ = process.communicate()
        assert process.returncode in {0, -signal.SIGKILL}, output
        if process.returncode:
            killed += 1
            assert host.families_are_whole()
            assert "interrupted" in host.cnpc("status", code=1)
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
    assert killed >= len(TRIALS) / 2


def test_a_refusal_in_the_middle_of_the_text(host: Host) -> None:
    """What only the kernel refuses, of either family: a chain that leads to itself."""
    host.cnpc("apply", host.a)
    wrong = host.folder / "wrong"
    rule = "-A CNPC-FORWARD -m conntrack --ctstate ESTABLISHED -j RETURN\n"
    for number in TRIALS:
        for suffix in SUFFIXES:
            text = host.b.with_suffix(f".{suffix}").read_text()
            if suffix == SUFFIXES[1 + number % 2]:
                text = text.replace(rule, f"{rule}-A CNPC-FORWARD -j CNPC-FORWARD\n", 1)
            wrong.with_suffix(f".{suffix}").write_text(text)
        output = host.cnpc("apply", wrong.with_suffix(".v4"), code=3)
        assert "Too many links" in output or "failed" in output
        assert host.in_force() == host.a
        host.cnpc("status")
    host.cnpc("apply", host.b)
    assert host.in_force() == host.b


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_full_or_read_only_folder(host: Host, fault: str) -> None:
    """In a mount namespace, where the folder is a file system of its own."""
    host.cnpc("apply", host.a)
    for _ in TRIALS:
        done = apply_there(host.b, host.state, fault, host.environment)
        assert done.returncode == 3, done.stderr
        assert "cannot use" in done.stderr
        assert host.in_force() == host.a
    host.cnpc("apply", host.b)
    assert host.in_force() == host.b


def test_a_truncated_or_altered_ruleset(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    broken = host.folder / "broken"
    for number in TRIALS:
        chosen = random.choice(SUFFIXES)
        for suffix in SUFFIXES:
            data = host.b.with_suffix(f".{suffix}").read_bytes()
            if suffix == chosen:
                place = random.randrange(len(data))
                altered = data[:place] + b"\0}\xff" + data[place:]
                data = data[:place] if number % 2 else altered
            broken.with_suffix(f".{suffix}").write_bytes(data)
        output = host.cnpc("apply", broken.with_suffix(".ipset"), code=2)
        assert "broken." in output
        assert host.in_force() == host.a
    host.cnpc("apply", host.b)


def test_a_foreign_flush_during_an_apply(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    tables = ("iptables -t mangle", "ip6tables -t mangle")
    script = "; ".join([*(f"{name} -F; {name} -X" for name in tables), "ipset destroy"])
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        process = host.start("apply", wanted)
        time.sleep(random.uniform(0.1, 0.6))
        subprocess.run(["sh", "-c", script], env=host.environment, capture_output=True, check=False)
        output, _ = process.communicate()
        assert process.returncode in {0, 3}, output
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        host.cnpc("status")


def test_two_applies_at_once_wait_for_each_other(host: Host) -> None:
    host.cnpc("apply", host.a)
    both = [host.start("apply", path) for path in (host.a, host.b, host.a, host.b)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0] * 4, outputs
    assert host.in_force()
    host.cnpc("status")


def test_a_killed_switch_of_the_packet_filter(host: Host) -> None:
    """Whichever is applied next, the other leaves nothing behind."""
    nft = host.folder / "c.nft"
    nft.write_text(ruleset(WORLD))
    random = Random(0)  # noqa: S311 - reproducible, not secret
    for number in TRIALS:
        process = host.start("apply", host.a if number % 2 else nft)
        time.sleep(random.uniform(0.1, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        wanted = (host.a, nft)[number // 2 % 2]
        host.cnpc("apply", wanted)
        host.cnpc("status")
        assert ("inet cnpc" in run(("nft", "list", "tables"))) == (wanted == nft)
        assert host.in_force() == (None if wanted == nft else wanted)
        assert any(host.loaded().values()) == (wanted != nft)


def test_the_old_ruleset_comes_back_without_a_confirmation(host: Host) -> None:
    seconds = long_enough(lambda: host.cnpc("apply", host.a))
    process = host.start("apply", host.b, "--confirm", seconds)
    assert "goes away" in process.communicate()[0]
    assert host.in_force() == host.b
    until(lambda: host.in_force() == host.a)
    assert "too late: " in host.cnpc("apply", "--confirmed", code=1)
    assert "nobody confirmed it in time" in host.cnpc("status")
    host.cnpc("apply", host.b, "--confirm", seconds)
    assert "stays" in host.cnpc("apply", "--confirmed")
    time.sleep(seconds + 1)
    assert host.in_force() == host.b


def test_status_diff_rollback_boot_and_flush(host: Host) -> None:
    assert "accepts it" in host.cnpc("apply", "--check", host.a)
    assert not any(host.loaded().values())
    host.cnpc("apply", host.a)
    assert "nothing to do" in host.cnpc("apply", host.a.with_suffix(".ipset"))
    told = json.loads(host.cnpc("status", "--json"))
    assert told["drift"] is None
    assert all(item["chain"].startswith(("v4 CNPC-", "v6 CNPC-")) for item in told["counters"])
    assert told["counters"]
    assert host.cnpc("diff", host.a) == ""
    assert "chain v4 " in host.cnpc("diff", host.b, code=1)
    host.cnpc("save", host.b)
    host.cnpc("boot")
    assert host.in_force() == host.b
    host.cnpc("rollback")
    assert host.in_force() == host.a
    host.cnpc("flush")
    assert not any(host.loaded().values())
    assert "nothing of cnpc" in host.cnpc("flush")


def test_watch_undoes_what_others_do(host: Host) -> None:
    changes = (  # one commit each, as it may be put right between two
        "iptables -t mangle -F",
        "iptables -t mangle -I FORWARD -j ACCEPT",
        "printf '*mangle\\nCOMMIT\\n' | ip6tables-restore",
        "ipset save $(ipset -n list | grep local4) | sed -n 's/^add/del/p;T;q' | ipset restore",
        "iptables -t mangle -D FORWARD -j CNPC-FORWARD",
    )
    output = ""
    with host.start("apply", host.a, "--watch") as process:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        os.set_blocking(pipe, False)

        def put_right() -> int:
            nonlocal output
            with suppress(BlockingIOError):
                output += os.read(pipe, 65536).decode()
            return output.count("it was put right")

        try:
            until(lambda: host.in_force() == host.a)
            time.sleep(0.5)
            for number, change in enumerate(changes, start=1):
                subprocess.run(["sh", "-c", change], env=host.environment, check=True)
                until(lambda: put_right() == number and host.in_force() == host.a)  # noqa: B023 - called here
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0, output
