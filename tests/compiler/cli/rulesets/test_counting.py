"""Counters stay once they were asked for, until somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.compiler.cli.rulesets.counting import counting
from cnpc.compiler.cli.rulesets.digest_line import NO_DIGEST, edited, with_digest
from cnpc.compiler.cli.rulesets.read_header import header_of_text
from command import CLUSTER, STORIES, cnpc
from netcluster import Namespace

TEXT = f'# Network policy\n# Options: -O2\n# {NO_DIGEST}\n\n\t\tdrop comment "Admin a"\n'
SIGNED = with_digest({"nft": TEXT})["nft"]


def test_a_counting_ruleset_says_so_and_has_its_own_digest() -> None:
    made = counting(SIGNED)
    assert '\t\tcounter drop comment "Admin a"\n' in made
    assert header_of_text(made).has_counters
    assert not edited({"nft": made})
    assert counting(made) == made


def test_what_was_edited_stays_edited() -> None:
    assert edited({"nft": counting(SIGNED.replace("drop", "accept"))})


@pytest.mark.requires_root_and_nft
def test_counters_stay_until_told_otherwise(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
) -> None:
    environment = {"CNPC_STATE_DIR": str(tmp_path / "state")}
    files = []
    for story in ("1-deny", "2-allow"):
        done = cnpc("compile", CLUSTER, STORIES / story, "-o", tmp_path / story)
        assert done.code == 0, done.err
        files.append(tmp_path / story / "worker-1.nft")

    def apply(*arguments: str | Path) -> str:
        done = cnpc("apply", *arguments, environment=environment)
        assert done.code == 0, done.err
        return done.out

    def counted() -> bool:
        return "packets" in cnpc("status", environment=environment).out

    apply(files[0])
    assert not counted()
    assert ": with counters, " in apply(files[0], "--counters")
    assert counted()
    assert cnpc("diff", files[0], environment=environment).code == 0
    assert "nothing to do" in apply(files[0])
    apply(files[1])
    assert counted()
    cnpc("rollback", environment=environment)
    assert counted()
    assert ": without counters, " in apply(files[0], "--no-counters")
    assert "nothing to do" in apply(files[0])
    assert not counted()
