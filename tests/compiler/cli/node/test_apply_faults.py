"""cnpc as a process on a node where things go wrong: the old or the new ruleset is in force."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.nftables.node.client import CommandNft
from netcluster import Namespace
from rulesets import blocks, changed, ruleset
from small_folder import CALL, apply_there
from trials import TRIALS, long_enough, until
from worlds import LARGE, seeded

pytestmark = pytest.mark.requires_root_and_nft

WORLD = list(seeded(3, LARGE).objects())


class Host:
    """A network namespace with a folder for the record."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.a, self.b = folder / "a.nft", folder / "b.nft"
        self.a.write_text(ruleset(WORLD))
        after = changed(changed(WORLD, Random(1)), Random(2))  # noqa: S311 - reproducible
        self.b.write_text(ruleset(after))
        self.wanted = {path: self._alone(path) for path in (self.a, self.b)}

    def _alone(self, path: Path) -> object:
        space = Namespace()
        try:
            with space.entered():
                CommandNft().run(path.read_text())
                return blocks(CommandNft().run("list table inet cnpc"))
        finally:
            space.close()

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", CALL, *map(str, arguments), "--state-dir", str(self.state)]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def cnpc(self, *arguments: object, code: int = 0) -> str:
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        assert process.returncode == code, output
        return output

    def in_force(self) -> Path | None:
        """Return which of the two rulesets is loaded, exactly."""
        try:
            listed = blocks(CommandNft().run("list table inet cnpc"))
        except Exception:  # noqa: BLE001 - whatever it is, nothing is loaded then
            return None
        return next((path for path, wanted in self.wanted.items() if wanted == listed), None)


@pytest.fixture
def host(space: Namespace, tmp_path: Path) -> Host:  # noqa: ARG001 - in it
    return Host(tmp_path)


def test_killed_at_any_moment(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        process = host.start("apply", wanted)
        time.sleep(random.uniform(0.05, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        host.cnpc("status")


def test_killed_between_commits(host: Host) -> None:
    """Kill by the commit's number, where a random moment seldom falls."""
    script = (
        "import os, sys\n"
        "from cnpc.backends.nftables.node import kernel as node\n"
        "commit, left = node.LinuxKernel.commit, [int(sys.argv.pop(1))]\n"
        "def counted(self, text):\n"
        "    if left[0] == 0: os.kill(os.getpid(), 9)\n"
        "    left[0] -= 1\n"
        "    commit(self, text)\n"
        "node.LinuxKernel.commit = counted\n"
        "from cnpc.compiler.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    host.cnpc("apply", host.a)
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        argv = [sys.executable, "-c", script, str(number % 5), "apply", str(wanted)]
        done = subprocess.run(
            [*argv, "--state-dir", str(host.state)], capture_output=True, check=False
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        if done.returncode:
            assert "interrupted" in host.cnpc("status", code=1)
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        assert CommandNft().run("list tables").count("cnpc") == 1


def test_the_kernel_refuses_in_the_middle_of_the_text(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    lines = host.b.read_text().split("\n")
    rules = [number for number, line in enumerate(lines) if line.endswith("accept")]
    rules += [number for number, line in enumerate(lines) if ' comment "' in line[2:]]
    broken = host.b.with_name("refused.nft")
    for _ in TRIALS:
        place = random.choice([number for number in rules if not lines[number].startswith("#")])
        # Well-formed, and still nothing that a kernel takes: a chain that nobody has.
        text = [*lines[:place], "\t\tgoto nowhere", *lines[place + 1 :]]
        broken.write_text("\n".join(text))
        assert "No such file" in host.cnpc("apply", broken, code=3)
        assert host.in_force() == host.a
        host.cnpc("status")
    host.cnpc("apply", host.b)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_the_kernel_refuses_a_later_commit(host: Host, lasting: bool) -> None:  # noqa: FBT001 - a parameter
    """As it does without memory: whichever commit of a plan it is, in the middle of its text."""
    script = (
        "import sys\n"
        "from cnpc.backends.nftables.node import kernel as node\n"
        "commit, left, lasting = node.LinuxKernel.commit, [int(sys.argv.pop(1))], sys.argv.pop(1)\n"
        "def refused(self, text):\n"
        "    left[0] -= 1\n"
        "    wrong = left[0] == -1 or left[0] < 0 and lasting == 'True'\n"
        "    commit(self, text + 'add rule inet cnpc forward goto nowhere\\n' * wrong)\n"
        "node.LinuxKernel.commit = refused\n"
        "from cnpc.compiler.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    host.cnpc("apply", host.a)
    for number in TRIALS:
        wanted, old = (host.a, host.b) if number % 2 else (host.b, host.a)
        argv = [sys.executable, "-c", script, str(number % 5), str(lasting), "apply"]
        done = subprocess.run(
            [*argv, str(wanted), "--state-dir", str(host.state)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (3 if lasting else 0), done.stderr
        assert "Traceback" not in done.stderr
        assert lasting or host.in_force() == wanted
        if lasting and number % 5 == 0:
            assert host.in_force() == old
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        host.cnpc("status")


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_full_or_read_only_folder(host: Host, fault: str) -> None:
    """In a mount namespace, where the folder is a file system of its own."""
    host.cnpc("apply", host.a)
    for _ in TRIALS:
        done = apply_there(host.b, host.state, fault)
        assert done.returncode == 3, done.stderr
        assert "cannot use" in done.stderr
        assert host.in_force() == host.a
    host.cnpc("apply", host.b)
    assert host.in_force() == host.b


def test_a_folder_that_may_have_room_for_the_ruleset_but_not_for_the_record(host: Host) -> None:
    host.cnpc("apply", host.a)
    for room in range(8, 1000, 16):
        done = apply_there(host.b, host.state, "full", room=room)
        if done.returncode == 0:
            break
        assert done.returncode == 3, done.stderr
        assert host.in_force() == host.a
    assert room > 2 * 8 + 16
    assert host.in_force() == host.b


def test_a_truncated_or_altered_ruleset(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    text = host.b.read_bytes()
    broken = host.b.with_name("broken.nft")
    for number in TRIALS:
        place = random.randrange(len(text))
        data = text[:place] if number % 2 else text[:place] + b"\0}\xff" + text[place:]
        broken.write_bytes(data)
        output = host.cnpc("apply", broken, code=2)
        assert "broken.nft" in output
        assert "Traceback" not in output
        assert host.in_force() == host.a
    host.cnpc("apply", host.b)


def test_a_foreign_flush_during_an_apply(host: Host) -> None:
    host.cnpc("apply", host.a)
    random = Random(0)  # noqa: S311 - reproducible, not secret
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        process = host.start("apply", wanted)
        time.sleep(random.uniform(0.1, 0.6))
        CommandNft().run("flush ruleset")
        process.communicate()
        host.cnpc("apply", wanted)
        assert host.in_force() == wanted
        host.cnpc("status")


def test_two_applies_at_once_wait_for_each_other(host: Host) -> None:
    host.cnpc("apply", host.a)
    for _ in range(3):
        both = [host.start("apply", path) for path in (host.a, host.b, host.a, host.b)]
        outputs = [process.communicate()[0] for process in both]
        assert [process.returncode for process in both] == [0] * 4, outputs
        assert host.in_force()
        host.cnpc("status")


def test_without_json_and_without_the_library(host: Host, tmp_path: Path) -> None:
    """An nft that knows no JSON, found first; the bindings cannot be imported."""
    tools = tmp_path / "tools"
    tools.mkdir()
    wrapper = tools / "nft"
    wrapper.write_text(
        '#!/bin/sh\ncase " $* " in *" -j "*|*" --json "*) echo "no JSON" >&2; exit 1;; esac\n'
        'exec /usr/sbin/nft "$@"\n'
    )
    wrapper.chmod(0o755)
    (tools / "nftables.py").write_text("raise ImportError\n")
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(tools)}
    for number in TRIALS:
        wanted = host.a if number % 2 else host.b
        argv = [sys.executable, "-c", CALL, "apply", str(wanted), "--state-dir", str(host.state)]
        subprocess.run(argv, env=environment, check=True, capture_output=True)
        assert host.in_force() == wanted


def test_the_old_ruleset_comes_back_without_a_confirmation(host: Host) -> None:
    seconds = long_enough(lambda: host.cnpc("apply", host.a))
    process = host.start("apply", host.b, "--confirm", seconds)
    assert "goes away" in process.communicate()[0]
    assert host.in_force() == host.b
    until(lambda: host.in_force() == host.a)
    assert "too late: " in host.cnpc("apply", "--confirmed", code=1)
    assert "nobody confirmed it in time" in host.cnpc("status")


def test_while_one_waits_apply_says_what_becomes_of_it(host: Host) -> None:
    host.cnpc("apply", host.a)
    told = host.cnpc("apply", host.b, "--confirm", "60")
    version = told.partition(" ")[0]
    again = host.cnpc("apply", host.b).splitlines()
    assert again[0] == f"{version} is in force already; nothing to do"
    assert again[1].startswith("it goes away in ")
    told = host.cnpc("apply", host.a)
    assert told.startswith(
        f"cnpc: warning: the confirmation of {version} is no longer waited for\n"
    )
    assert "no ruleset waits" in host.cnpc("apply", "--confirmed", code=1)


def test_a_confirmed_ruleset_stays(host: Host) -> None:
    seconds = long_enough(lambda: host.cnpc("apply", host.a))
    host.cnpc("apply", host.b, "--confirm", seconds)
    assert "stays" in host.cnpc("apply", "--confirmed")
    time.sleep(seconds + 1)
    assert host.in_force() == host.b


def test_what_is_saved_is_not_in_force(host: Host) -> None:
    host.cnpc("apply", host.a)
    saved = host.cnpc("save", host.b).removeprefix("the next boot loads ").strip()
    told = json.loads(host.cnpc("status", "--json"))
    assert told["next_boot"] == saved != told["version"]
    status = host.cnpc("status")
    assert f"{told['version']} is in force" in status
    assert f"the next boot loads {saved}" in status
    host.cnpc("flush")
    assert "next boot" not in host.cnpc("status", code=1)
    assert host.cnpc("rollback") == f"{told['version']} is in force again\n"
    assert host.in_force() == host.a


def test_what_is_saved_meanwhile_does_not_confirm(host: Host) -> None:
    seconds = long_enough(lambda: host.cnpc("apply", host.a))
    host.cnpc("apply", host.b, "--confirm", seconds)
    host.cnpc("save", host.b)
    until(lambda: host.in_force() == host.a)
    assert "the next boot loads" in host.cnpc("status")


def test_status_tells_what_rules_matched(host: Host) -> None:
    host.cnpc("apply", "--counters", host.a)
    told = json.loads(host.cnpc("status", "--json"))
    assert told["drift"] is None
    assert told["counters"]
    assert all(item["rule"] and item["packets"] == 0 for item in told["counters"])
    assert "nothing to do" in host.cnpc("apply", "--counters", host.a)
    host.cnpc("diff", "--counters", host.a)
    host.cnpc("diff", host.a, code=1)


def test_what_was_removed_is_not_called_in_force(host: Host) -> None:
    host.cnpc("apply", host.a)
    CommandNft().run("delete table inet cnpc")
    (told,) = host.cnpc("status", code=1).splitlines()
    assert told.startswith("NOT in force: ")
    assert told.endswith(" was removed from the kernel; cnpc apply puts it back")
    everything = host.cnpc("diff", host.a, code=1)
    assert "the ruleset has been removed from the kernel; apply puts it right" in everything
    assert "+ chain forward" in everything
    assert "the ruleset had been removed from the kernel; it was put" in host.cnpc("apply", host.a)


def test_what_another_boot_or_namespace_had_is_not_here(host: Host) -> None:
    host.cnpc("apply", host.a)
    with closing(Namespace()) as other, other.entered():
        first, second = host.cnpc("status", code=1).splitlines()
        assert first == "no ruleset is in force"
        assert second.startswith("the next boot loads ")
        assert "+ chain forward" in host.cnpc("diff", host.a, code=1)


def test_watch_undoes_a_flush(host: Host) -> None:
    process = host.start("apply", host.a, "--watch")
    until(lambda: host.in_force() == host.a)
    time.sleep(0.5)
    host.cnpc("save", host.b)
    for change in ("flush ruleset", "delete table inet cnpc", "flush chain inet cnpc forward"):
        CommandNft().run(change)
        until(lambda: host.in_force() == host.a)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert output.count("it was put right") >= 3
