"""Programs that fail, hang, print nonsense or nothing, or are missing: all that cnpc runs."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.iptables.node import dataplane, tools
from cnpc.backends.iptables.node.active import where_active
from cnpc.backends.iptables.node.doctor import look_at_iptables
from cnpc.backends.iptables.node.tools import FLAVOURS
from cnpc.backends.linux import doctor, programs
from cnpc.backends.linux.finding import Level
from cnpc.backends.nftables.node.client import CommandNft
from cnpc.compiler.errors import NodeError
from engines import kernel_engine
from fake_programs import FAULTS, Programs
from netcluster import Namespace
from rulesets import trio
from worlds import seeded

ROOT = Path(__file__).parents[3]
FAMILIES = ("iptables", "ip6tables")


def test_only_absolute_folders_are_searched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ipset").write_text("#!/bin/sh\n")
    (tmp_path / "ipset").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in ("", ":", ".", f"::{tmp_path.name}:../{tmp_path.name}", None):
        if path is None:
            monkeypatch.delenv("PATH")
        else:
            monkeypatch.setenv("PATH", path)
        assert programs.search_path() == programs.SYSTEM_PATH
        assert programs.found("ipset") != "./ipset"
        assert programs.found("ipset") != str(tmp_path / "ipset")
    monkeypatch.setenv("PATH", f":{tmp_path}:")
    assert programs.found("ipset") == str(tmp_path / "ipset")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programs:
    return Programs(monkeypatch, tmp_path / "bin")


@pytest.mark.parametrize("fault", FAULTS)
def test_how_a_program_ends(folder: Programs, fault: str) -> None:
    folder.script("nft", "cat")
    assert programs.run(["nft"], "\udcff\n").out == "\udcff\n"
    folder.spoil("nft", fault)
    if fault.startswith(("fails", "prints")):
        done = programs.run(["nft"], "text")
        assert done.code == fault.startswith("fails")
        assert done.err == ("a reason\n" if fault == "fails" else "")
        assert ("\udcff" in done.out) == (fault == "prints nonsense")
        return
    words = {
        "hangs": "nft has not ended after 0 s",
        "cannot be started": "cannot run .*/nft: Exec format error",
        "is missing": "there is no nft; install the package nftables",
    }
    with pytest.raises(NodeError, match=words[fault]):
        programs.run(["nft"], "text")


def refused(use: Callable[[], object]) -> None:
    with pytest.raises((NodeError, FileNotFoundError)):  # for the latter open_nft has words
        use()


def of_nft(fault: str) -> None:
    """A commit that nft only pretends to have made is found by whoever looks at the kernel."""
    if fault.startswith("prints"):
        CommandNft().run("table inet x { }")
    else:
        refused(lambda: CommandNft().run("table inet x { }"))


def of_ipset(fault: str) -> None:
    if fault == "prints nothing":
        assert not tools.ipset_headers()
        assert not tools.ipset_saved()
        return
    refused(tools.ipset_headers)
    refused(tools.ipset_saved)


def of_save(fault: str) -> None:
    refused(lambda: tools.Tools("legacy", FAMILIES).save("v4", "mangle"))
    assert fault in FAULTS


def of_version(fault: str) -> None:
    """Whether it is of nft or legacy is not guessed."""
    if fault == "is missing" and programs.found("iptables"):
        assert tools.system_tools().families == ("v4",)
        return
    refused(tools.system_tools)
    assert fault in FAULTS


def of_unshare(fault: str) -> None:
    found = [item.level for item in look_at_iptables()]
    assert (Level.WARNING in found) != fault.startswith("prints")


def of_doctor(fault: str) -> None:
    """It looks further all the same."""
    assert list(doctor.examine(Path("/nowhere")))
    assert fault in FAULTS


USES: dict[str, Callable[[str], None]] = {
    "nft": of_nft,
    "ipset": of_ipset,
    "unshare": of_unshare,
    "systemctl": of_doctor,
    "iptables": of_version,
    "ip6tables": of_version,
    "iptables-save": of_save,
    "iptables-nft-save": of_doctor,
    "iptables-legacy-save": of_doctor,
}
"""Every program, and what has to hold where something is wrong with it."""
KEPT_WHOLE = ("ipset", *(f"{name}{end}" for name in FAMILIES for end in ("-save", "-restore")))
"""Those that change the kernel, or say what is there; see below."""


def named() -> Iterator[str]:
    """Give the first words of what is run, as the source has them."""
    for top in ("backends", "compiler"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Name(id=name) | ast.Attribute(attr=name),
                        args=[ast.List(elts=[ast.Constant(value=str(first)), *_]), *_],
                    ) if name == "run":
                        yield first
                    case ast.Call(
                        func=ast.Name(id="_output"), args=[ast.Constant(value=str(first)), *_]
                    ):
                        yield first
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess"))):
                        assert path.name in {"confirm.py", "programs.py"}, path


def test_every_program_that_is_run_is_in_the_table() -> None:
    assert set(named()) <= USES.keys()


@pytest.mark.requires_root_and_nft
@pytest.mark.usefixtures("space")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", USES)
def test_what_a_program_does_wrong_is_told(folder: Programs, name: str, fault: str) -> None:
    for other in {*USES, *KEPT_WHOLE, "sh"}:
        if path := shutil.which(other, path=folder.real):
            folder.link(other, str(Path(path).resolve()) if "tables" in other else path)
    folder.script(name, ":")
    folder.spoil(name, fault)
    USES[name](fault)


@pytest.fixture(params=FLAVOURS)
def engine(
    request: pytest.FixtureRequest,
    space: Namespace,  # noqa: ARG001 - in it
    folder: Programs,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Engine:
    for name in KEPT_WHOLE:
        kind = name.replace("tables", f"tables-{request.param}")
        path = shutil.which(kind, path=folder.real)
        if path is None:
            pytest.skip(f"needs {kind}")
        folder.link(kind, path)
    monkeypatch.setattr(dataplane, "_TRIES", 2)
    return kernel_engine(f"iptables-{request.param}", tmp_path / "state", lambda _: None)


WORLD = list(seeded(4).objects())
A, B = trio(WORLD), trio(WORLD[:-1])


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", KEPT_WHOLE)
def test_nothing_is_claimed_of_what_a_program_did_not_do(
    engine: Engine, folder: Programs, name: str, fault: str
) -> None:
    engine.apply(A)
    (kind,) = [path.name for path in folder.folder.iterdir() if path.name.endswith(_end(name))
               and path.name.startswith(name.partition("-")[0])]  # fmt: skip
    path = str((folder.folder / kind).readlink())
    steps: Sequence[tuple[Callable[[], object], Callable[[], bool]]] = (
        (lambda: engine.apply(B), lambda: engine.apply(B).plan.operations == 0),
        (lambda: engine.flush(pytest.fail), lambda: not where_active()),
    )
    for change, is_so in steps:
        folder.spoil(kind, fault)
        try:
            change()
            claimed = True
        except NodeError:
            claimed = False
        folder.link(kind, path)
        assert is_so() or not claimed
    engine.apply(B)
    assert engine.apply(B).plan.operations == 0
    assert where_active()


def _end(name: str) -> str:
    return name.partition("-")[2]
