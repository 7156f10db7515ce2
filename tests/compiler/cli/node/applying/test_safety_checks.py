"""Rulesets that seem to be given by mistake are loaded only if told to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from cnpc.compiler.cli.node.applying.safety_checks import check_permitted
from cnpc.compiler.cli.node.options import Permits
from cnpc.compiler.cli.rulesets.read_header import Header
from cnpc.compiler.errors import CnpcError
from command import CLUSTER, STORIES, Done, cnpc
from netcluster import Namespace

ALLOW = STORIES / "2-allow"
IN_FORCE = Header("n1", "", ("a", "b"), 2, 9, ("red/x",))
NOTHING = Permits(empty=False, other_node=False)
SUFFIX = {"nftables": "nft", "iptables": "v4"}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (Header("n2", "", ("a",)), "the ruleset of node n2, and that of node n1 is in force"),
        (Header("n1"), "no policies, and 2 policies are in force"),
        (Header("n1", "", (), 0, 9, ()), "no policies"),
        (Header("n1", "", (), 7, 0, ()), "no policies"),
        (Header("n1", "", (), 7, 9, ("red/x",)), "no policies"),
    ],
)
def test_what_seems_a_mistake_is_refused(new: Header, words: str) -> None:
    with pytest.raises(CnpcError, match=words) as refusal:
        check_permitted(new, IN_FORCE, NOTHING)
    assert refusal.value.exit_code == 2
    check_permitted(new, IN_FORCE, Permits(empty=True, other_node=True))
    check_permitted(new, None, NOTHING)


@pytest.mark.parametrize(
    "new",
    [
        Header("n1", "", ("a",)),
        Header("n1", "", (), 7, 9, ()),  # all its pods are gone, and others are there
    ],
)
def test_what_may_well_be_meant_is_not_refused(new: Header) -> None:
    check_permitted(new, IN_FORCE, NOTHING)


def test_where_nothing_was_in_force_an_empty_ruleset_is_none_less() -> None:
    check_permitted(Header("n1"), Header("n1"), NOTHING)


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize("backend", SUFFIX)
def test_the_commands_refuse_and_the_old_ruleset_stays(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
    backend: str,
) -> None:
    environment = {"CNPC_STATE_DIR": str(tmp_path / "state")}
    full = compiled(tmp_path / "full", backend, ALLOW)
    empty = compiled(tmp_path / "empty", backend)
    assert run("apply", full["worker-1"], environment=environment).code == 0
    for command in ("apply", "save"):
        done = run(command, empty["worker-1"], environment=environment)
        assert (done.code, done.out) == (2, "")
        assert "--allow-empty" in done.err
        done = run(command, full["worker-2"], environment=environment)
        assert (done.code, done.out) == (2, "")
        assert "--force" in done.err
    assert "cluster-wide-allow-example" in run("status", environment=environment).out
    told = run("diff", empty["worker-1"], environment=environment)
    assert told.out.startswith("2 policies fewer\n- ClusterNetworkPolicy ")
    allowed = run("apply", "--allow-empty", empty["worker-1"], environment=environment)
    assert allowed.out.endswith(" ms\n")
    assert ": 2 policies fewer, " in allowed.out


def compiled(folder: Path, backend: str, *policies: Path) -> Mapping[str, Path]:
    """Return a file of each node's ruleset."""
    done = cnpc("compile", CLUSTER, *policies, "--backend", backend, "-o", folder)
    assert done.code == 0, done.err
    names = ("worker-1", "worker-2")
    return {name: folder / f"{name}.{SUFFIX[backend]}" for name in names}


def run(*arguments: str | Path, environment: Mapping[str, str]) -> Done:
    """Run cnpc with a record of its own."""
    return cnpc(*arguments, environment=environment)
