"""The command line when something is wrong: nothing half done, a message, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from command import CLUSTER, CNPC, STORIES, cnpc, contents, run

DENY = STORIES / "1-deny"

SMALL_DISK = """
mount -t tmpfs -o size=8k tmpfs "$1" || exit 99
echo untouched > "$1/worker-1.nft"
"$2" compile "$3" "$4" -o "$1"
echo "code $?"
ls -A "$1"
cat "$1/worker-1.nft"
"""


@pytest.fixture
def wrong(tmp_path: Path) -> tuple[Path, Path]:
    """Two files with three faults."""
    policy = (DENY / "policy.yaml").read_text()
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(policy.replace("tier: Admin", "tier: Amdin").replace("10", "-1"))
    second.write_text(policy.replace("action: Deny", "action: Drop").replace("name: c", "name: d"))
    return first, second


def test_all_faults_of_all_files_come_in_order_and_no_output_changes(
    tmp_path: Path, wrong: tuple[Path, Path]
) -> None:
    output = tmp_path / "out"
    assert cnpc("compile", CLUSTER, DENY, "-o", output).code == 0
    before = contents(output)
    done = cnpc("compile", wrong[1], CLUSTER, wrong[0], "-o", output)
    assert (done.code, done.out) == (2, "")
    heads = [line for line in done.err.splitlines() if "error: " in line]
    places = [line.split(" error: ")[0] for line in heads]
    assert places == [f"{wrong[0]}:8:9:", f"{wrong[0]}:9:13:", f"{wrong[1]}:15:13:"], done.err
    assert contents(output) == before


def test_a_directory_that_cannot_be_written_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path / "file" / "below")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("cnpc: error: cannot write ")
    assert done.err.rstrip().endswith("Not a directory")


@pytest.mark.requires_root_and_nft
def test_a_full_disk_ends_with_3_and_leaves_all_as_it_was(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = run("unshare", "-m", "sh", "-c", SMALL_DISK, "sh", disk, CNPC, CLUSTER, DENY)
    assert done.out.splitlines() == ["code 3", "worker-1.nft", "untouched"], done.err
    assert done.err.startswith(f"cnpc: error: cannot write {disk}/worker-")
    assert done.err.endswith(".nft: No space left on device\n")


def test_a_name_that_is_taken_by_a_directory_leaves_all_files_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "worker-2.nft").mkdir()
    done = cnpc("compile", CLUSTER, "-o", tmp_path)
    assert done.code == 3
    assert done.err == f"cnpc: error: cannot write {tmp_path}/worker-2.nft: Is a directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["worker-2.nft"]


@pytest.mark.parametrize("command", ["compile", "stats"])
@pytest.mark.parametrize(
    ("where", "why"),
    [("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")],
)
def test_a_standard_output_that_is_full_or_closed_ends_with_3(
    command: str, where: str, why: str
) -> None:
    done = run("sh", "-c", f"'{CNPC}' {command} '{CLUSTER}' '{DENY}' --node worker-1 >{where}")
    assert done.code == 3
    assert done.err.startswith("cnpc: error: ")
    assert done.err.endswith(f"{why}\n")


def test_where_nothing_is_printed_standard_output_may_be_closed(tmp_path: Path) -> None:
    done = run("sh", "-c", f"'{CNPC}' compile '{CLUSTER}' -o '{tmp_path}' >&-")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("-h >/dev/full", 3),
        ("compile no-such-file 2>/dev/full", 2),
        ("compile no-such-file 2>&-", 2),
        ("compile - <&-", 2),
        ("--version >&-", 3),
    ],
)
def test_streams_that_are_closed_or_full_do_not_change_the_answer(command: str, code: int) -> None:
    done = run("sh", "-c", f"'{CNPC}' {command}")
    assert done.code == code
    assert "Traceback" not in done.err
    assert "internal error" not in done.err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    script = f"set -o pipefail; '{CNPC}' compile '{tmp_path}' --node node-1 | head -n 1"
    (tmp_path / "big.yaml").write_text(many_policies(2000))
    done = run("bash", "-c", script)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("# Network policy of node node-1,")


def test_a_reader_that_reads_nothing_is_no_error() -> None:
    script = f"set -o pipefail; '{CNPC}' compile -q '{CLUSTER}' --node worker-1 | true"
    done = run("bash", "-c", script)
    assert (done.code, done.err) == (0, "")


def many_policies(number: int) -> str:
    """Return a pod and so many policies for it that the ruleset fills a pipe."""
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: d},"
    pod += " spec: {nodeName: node-1, containers: []}, status: {phase: Running, podIP: 10.0.0.1}}"
    policies = (
        f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,"
        f" metadata: {{name: p{index}, namespace: d}},"
        f" spec: {{podSelector: {{}}, ingress: [{{ports: [{{port: {index + 1}}}]}}]}}}}"
        for index in range(number)
    )
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: d}}"
    return "\n---\n".join((namespace, pod, *policies))


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGINT, "cnpc: interrupted\n"), (signal.SIGTERM, "")],
)
def test_a_signal_ends_with_its_number_and_leaves_nothing_behind(
    number: signal.Signals, said: str, tmp_path: Path
) -> None:
    pipe, output = tmp_path / "pipe.yaml", tmp_path / "out"
    os.mkfifo(pipe)
    # A job in the background of a script ignores SIGINT, and so would all that it starts.
    heeding = ("env", "--default-signal=INT")
    process = subprocess.Popen(
        [*heeding, CNPC, "compile", pipe, "-o", output], stderr=subprocess.PIPE, text=True
    )
    with pipe.open("w"):  # opens once cnpc reads, which then waits for more
        process.send_signal(number)
        _, message = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert message.lstrip() == said  # after the ^C
    assert not output.exists()
