"""``cnpc apply`` of a ruleset that is in force: it says so, and whatever differs is found."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from cnpc.backends.iptables.names import SUFFIXES
from cnpc.backends.iptables.node.tools import system_tools
from command import CLUSTER, STORIES, Done, cnpc
from imported import START, imported
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run

pytestmark = pytest.mark.requires_root_and_nft

DENY = STORIES / "1-deny"
SUFFIX = {"nftables": "nft", "iptables": "v4"}
BACKEND_OF = {f".{suffix}": backend for backend, suffix in SUFFIX.items()}
ALREADY = re.compile(r"[0-9a-f-]+ is in force already; nothing to do\n")
IMPORTED = START | {
    "backends",
    "backends.apply",
    "backends.apply.generation_check",
    "backends.apply.private_files",
    "backends.apply.record",
    "backends.apply.store",
    "backends.iptables",
    "backends.iptables.names",
    "backends.iptables.node",
    "backends.iptables.node.active",
    "backends.iptables.node.legacy",
    "backends.linux",
    "backends.linux.boot_clock",
    "backends.linux.bridges",
    "backends.linux.links",
    "backends.linux.machine_id",
    "backends.linux.netlink",
    "backends.nftables",
    "backends.nftables.names",
    "backends.nftables.node",
    "backends.nftables.node.generation",
    "compiler.cli.node",
    "compiler.cli.node.apply",
    "compiler.cli.node.options",
    "compiler.cli.option_types",
    "compiler.cli.output.json_output",
    "compiler.cli.rulesets",
    "compiler.cli.rulesets.file_names",
    "compiler.options",
}
OF_IPTABLES = {
    "backends.iptables.node.generation",
    "backends.iptables.node.tools",
    "backends.linux.programs",
}


@pytest.fixture(params=SUFFIX)
def backend(request: pytest.FixtureRequest, space: Namespace) -> str:  # noqa: ARG001 - be in it
    return str(request.param)


@pytest.fixture
def file(backend: str, tmp_path: Path) -> Path:
    """Return a file of a ruleset that is in force."""
    done = cnpc("compile", CLUSTER, DENY, "--backend", backend, "-o", tmp_path)
    assert done.code == 0, done.err
    path = tmp_path / f"worker-1.{SUFFIX[backend]}"
    assert " is in force: " in apply(path).out
    return path


def apply(path: Path, *options: str) -> Done:
    done = cnpc("apply", path, *options, environment=state(path))
    assert done.code == 0, done.err
    return done


def state(path: Path) -> Mapping[str, str]:
    return {"CNPC_STATE_DIR": str(path.parent / "state")}


def test_what_nobody_touched_is_not_looked_at(file: Path, backend: str) -> None:
    done = apply(file)
    assert ALREADY.fullmatch(done.out)
    assert done.err == ""
    assert apply(file, "--quiet") == Done(0, "", "")
    found = imported("apply", "--quiet", str(file), environment=state(file))
    assert found.own == IMPORTED | (OF_IPTABLES if backend == "iptables" else set())
    assert not found.dear


def test_after_commits_of_others_one_look_is_enough(file: Path) -> None:
    run(("nft", "add", "table", "inet", "others"))
    run(("iptables", "-N", "OTHERS"))
    assert ALREADY.fullmatch(apply(file).out)
    found = imported("apply", "--quiet", str(file), environment=state(file))
    assert "backends.apply.engine" not in found.own


FOREIGN = {
    "nftables": (
        "nft flush ruleset",
        "nft delete table inet cnpc",
        "nft flush chain inet cnpc forward",
        "nft insert rule inet cnpc forward accept",
        "nft add chain inet cnpc surprise",
    ),
    "iptables": (
        "iptables -t mangle -F",
        "ip6tables -t mangle -F FORWARD",
        "iptables -t mangle -I CNPC-FORWARD -j ACCEPT",
        "iptables -t mangle -I FORWARD -j ACCEPT",
        "for t in ip ip6; do ${t}tables -t mangle -F; ${t}tables -t mangle -X; done; ipset destroy",
        "ipset flush",
        "ipset create cnpc-surprise hash:ip",
        "ipset create cnpc-surprise hash:ip timeout 0",
    ),
}


@pytest.mark.parametrize(
    ("backend", "change"),
    [(backend, change) for backend, changes in FOREIGN.items() for change in changes],
    indirect=["backend"],
)
def test_what_others_change_is_found(file: Path, change: str) -> None:
    run(("sh", "-ec", change))
    done = apply(file)
    assert done.err.startswith("cnpc: warning: ")
    assert " is in force: " in done.out
    assert ALREADY.fullmatch(apply(file).out)


def by_hand(file: Path, backend: str) -> None:
    """Load the files of a backend as docs/iptables.md does, or nft -f."""
    if backend == "nftables":
        run(("nft", "-f", str(file.with_suffix(".nft"))))
    else:
        texts = {suffix: file.with_suffix(f".{suffix}").read_text() for suffix in SUFFIXES}
        IptablesLoader(system_tools().flavour).load(texts)


@pytest.mark.parametrize("forgotten", [True, False])
def test_what_was_loaded_of_the_other_kind_is_told_and_removed(
    file: Path, backend: str, *, forgotten: bool
) -> None:
    (other,) = SUFFIX.keys() - {backend}
    done = cnpc("compile", CLUSTER, DENY, "--backend", other, "-o", file.parent)
    assert done.code == 0, done.err
    by_hand(file, other)
    if forgotten:
        shutil.rmtree(file.parent / "state")
    status = cnpc("status", environment=state(file))
    assert status.code == 1
    told = re.search(r"but rules of cnpc in (\S+) judge", status.out)
    assert told is not None, status.out
    done = apply(file)
    if not forgotten:
        assert (
            done.err == f"cnpc: warning: rules of cnpc in {told[1]} judged too; they were removed\n"
        )
        assert told[1].startswith(other)
        assert ALREADY.fullmatch(done.out)
    assert cnpc("status", environment=state(file)).code == 0
    done = apply(file)
    assert ALREADY.fullmatch(done.out)
    assert done.err == ""


def test_another_text_is_loaded(file: Path) -> None:
    other = cnpc(
        "compile",
        CLUSTER,
        STORIES / "2-allow",
        "--backend",
        BACKEND_OF[file.suffix],
        "-o",
        file.parent,
    )
    assert other.code == 0, other.err
    assert " is in force: " in apply(file).out
    assert ALREADY.fullmatch(apply(file).out)


def test_an_altered_copy_is_written_again(file: Path) -> None:
    copies = {path: path.read_bytes() for path in (file.parent / "state/rulesets").iterdir()}
    for path in copies:
        path.write_text("altered")
    assert ALREADY.fullmatch(apply(file).out)
    assert {path: path.read_bytes() for path in copies} == copies


@pytest.mark.parametrize("backend", ["iptables"], indirect=True)
@pytest.mark.parametrize("named", [("ipset",), ("v6", "v4"), ("v4", "ipset", "v6")])
def test_any_of_three_files_names_all(file: Path, named: tuple[str, ...]) -> None:
    paths = [file.with_suffix(f".{suffix}") for suffix in named]
    assert ALREADY.fullmatch(cnpc("apply", *paths, environment=state(file)).out)


def test_options_mean_what_they_do_otherwise(file: Path, backend: str) -> None:
    (other,) = SUFFIX.keys() - {backend}
    done = cnpc("apply", file, "--backend", other, environment=state(file))
    assert (done.code, done.out) == (2, "")
    assert ALREADY.fullmatch(apply(file, "--backend", backend).out)
    assert apply(file, "--check").out.startswith("the kernel accepts it: it is in force already")
    assert ALREADY.fullmatch(apply(file, "--confirm", "60").out)


@pytest.mark.parametrize("backend", ["nftables"], indirect=True)
def test_counters_are_another_ruleset(file: Path) -> None:
    assert " is in force: " in apply(file, "--counters").out
    assert " is in force: " in apply(file, "--no-counters").out


@pytest.mark.parametrize("backend", ["nftables"], indirect=True)
def test_a_pipe_is_read_once(file: Path) -> None:
    text = file.read_text()
    file.unlink()
    os.mkfifo(file)
    writer = threading.Thread(target=file.write_text, args=(text,))
    writer.start()
    assert ALREADY.fullmatch(apply(file).out)
    writer.join()


def test_a_damaged_record_is_told(file: Path) -> None:
    (file.parent / "state/record.json").write_text("{")
    for command in ("boot", "status", "rollback"):
        done = cnpc(command, environment=state(file))
        assert done.code == 3
        assert "record.json is damaged (Expecting" in done.err
    done = apply(file)
    assert done.err == (
        "cnpc: warning: the record of what was loaded had been damaged; it was put right\n"
    )
    assert " is in force: " in done.out
    assert ALREADY.fullmatch(apply(file).out)


def test_flush_needs_no_record(file: Path) -> None:
    (file.parent / "state/record.json").write_text("{")
    done = cnpc("flush", environment=state(file))
    assert (done.code, done.out) == (0, "no policy is in force any more\n")
    assert done.err.startswith("cnpc: warning: the record of what was loaded has been damaged; ")
    assert "CNPC-" not in run(("iptables-save",)) + run(("ip6tables-save",))
    assert "cnpc" not in run(("nft", "list", "tables"))
    assert cnpc("flush", environment=state(file)) == Done(0, "nothing of cnpc was here\n", "")
