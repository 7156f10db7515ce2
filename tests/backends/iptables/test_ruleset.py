"""The three files read back: what they hold, and every cut or change that shows."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from cnpc.backends.iptables.listing import readable
from cnpc.backends.iptables.names import FAMILIES, SUFFIXES
from cnpc.backends.iptables.ruleset import IptablesRuleset, read_iptables
from cnpc.compiler.errors import InputError
from cnpc.compiler.ir.match import Hook
from cnpc.compiler.ir.program import Chain, Program
from cnpc.compiler.options import DenyWith
from rulesets import changed, earlier, trio, trio_of
from worlds import SMALL, seeded

WORLD = list(seeded(4, SMALL).objects())
A = trio(WORLD)


def lines(layout: IptablesRuleset) -> set[str]:
    """Return what is loaded of a layout."""
    rules = [
        rule for own in layout.families.values() for item in own.values() for rule in item.rules
    ]
    return {*rules, *(line for item in layout.sets.values() for line in item.text.splitlines())}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_read_is_all_that_there_is(seed: int) -> None:
    made = trio(list(seeded(seed).objects()))
    said = {
        line
        for text in made.texts.values()
        for line in text.splitlines()
        if line and line[0] not in "#*:" and not line.startswith(("-I", "-D", "-X", "COMMIT"))
    }
    assert lines(made.layout) == said
    for family, own in made.layout.families.items():
        assert list(own) == [line.split(" ")[0][1:] for line in made.texts[family].splitlines()
                             if line.startswith(":")][: len(own)]  # fmt: skip
    assert made.layout.header == ("Network policy", "", "  A policy")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_cut_is_an_error(suffix: str) -> None:
    text = A.texts[suffix]
    random = Random(0)  # noqa: S311 - reproducible, not secret
    for place in [*random.sample(range(len(text)), 150), 0, len(text) - 1]:
        with pytest.raises(InputError):  # where a set is cut off whole, a rule asks for it
            read_iptables({**A.texts, suffix: text[:place]})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_line_more_or_less_is_an_error(suffix: str) -> None:
    """Rules are no more checked than by the tools; that a line is missing between them is not."""
    whole = A.texts[suffix].splitlines(keepends=True)
    random = Random(1)  # noqa: S311 - reproducible, not secret
    for place in random.sample(range(len(whole)), min(60, len(whole))):
        for line in ("-A FORWARD -j ACCEPT\n", "destroy others\n", "COMMIT\n", "x\n"):
            with pytest.raises(InputError):
                read_iptables({**A.texts, suffix: "".join([*whole[:place], line, *whole[place:]])})


@pytest.mark.parametrize(
    ("suffix", "old", "new", "words"),
    [
        ("v4", "# A policy", "# Another", "not of one compilation"),
        ("v4", "-j RETURN", "-j CNPC-none", "there is no chain CNPC-none"),
        ("v6", "-A CNPC-FORWARD", "-A FORWARD", "no rule of the chain CNPC-FORWARD"),
        ("v6", "-A CNPC-FORWARD", "-A CNPC-INPUT", "no rule of the chain CNPC-FORWARD"),
        ("v4", "*mangle", "*nat", "no table mangle begins here"),
        ("ipset", "\nadd ", "\nadd x", "not as compile writes it"),
        ("ipset", "\nflush ", "\ndestroy ", "not as compile writes it"),
        ("ipset", "create cnpc-", "create others-", "no set begins here"),
        ("ipset", "# Loaded by", "# Lost by", "not a text for ipset"),
    ],
)
def test_what_is_wrong_is_named(suffix: str, old: str, new: str, words: str) -> None:
    text = A.texts[suffix].replace("#   A policy", "# A policy")
    texts = {name: item.replace("#   A policy", "# A policy") for name, item in A.texts.items()}
    assert old in text
    with pytest.raises(InputError) as found:
        read_iptables({**texts, suffix: text.replace(old, new, 1)}, {suffix: "given"})
    (diagnostic,) = found.value.diagnostics
    assert words in diagnostic.message
    assert str(diagnostic.span).startswith("given:")


def test_an_entry_that_was_exchanged_is_found() -> None:
    text = A.texts["ipset"]
    place = text.index("\nadd ")
    line = text[place + 1 : text.index("\n", place + 1)]
    altered = text.replace(line, f"{line.rsplit(' ', 1)[0]} 192.0.2.99", 1)
    with pytest.raises(InputError, match="not the entries"):
        read_iptables({**A.texts, "ipset": altered})


def test_a_ruleset_may_be_without_sets() -> None:
    made = trio_of(Program("n", (), (), (Chain("forward", (), Hook.FORWARD),)))
    assert not made.layout.sets
    assert [item.note for item in made.layout.families["v6"].values()] == ["forward", "input"]


REJECTING = trio(WORLD, deny_with=DenyWith.REJECT)


def test_what_rejects_is_said_for_two_tables() -> None:
    assert (A.layout.tables, REJECTING.layout.tables) == (("mangle",), ("filter", "security"))
    differing = []
    for family in FAMILIES:
        assert not A.layout.rules(family, "filter")
        first, behind = (REJECTING.layout.rules(family, table) for table in ("filter", "security"))
        assert first.keys() == behind.keys()
        for name, rules in first.items():
            both = zip(rules, behind[name], strict=True)
            differing += [(mine, other) for mine, other in both if mine != other]
    assert differing
    for mine, other in differing:
        assert mine.partition(" -j REJECT ")[0] == other.removesuffix(" -j DROP")


def test_rulesets_of_an_earlier_version_are_for_the_new_tables() -> None:
    for made in (A, REJECTING):
        old = earlier(made)
        assert [line for line in old.texts["v4"].splitlines() if line[:1] == "*"] == ["*filter"] * 2
        assert old.layout == made.layout


@pytest.mark.parametrize(
    ("texts", "old", "new", "words"),
    [
        (REJECTING.texts, "*filter", "*mangle", "no table mangle begins here"),
        (REJECTING.texts, "*security", "*raw", "no table mangle begins here"),
        (earlier(REJECTING).texts, "*filter", "*mangle", "mangle is no table for REJECT"),
        (A.texts, "*mangle", "*filter", "not of one compilation"),
    ],
)
def test_tables_that_do_not_go_together(
    texts: Mapping[str, str], old: str, new: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_iptables({**texts, "v4": texts["v4"].replace(old, new)})


def test_both_tables_must_judge_alike() -> None:
    rule = "-A CNPC-FORWARD -m conntrack --ctstate ESTABLISHED -j RETURN\n"
    text = "".join(REJECTING.texts["v4"].rpartition(rule)[::2])
    with pytest.raises(InputError, match="security does not judge as filter does"):
        read_iptables({**REJECTING.texts, "v4": text})


def test_files_of_different_versions_do_not_go_together() -> None:
    other = next(
        made
        for seed in range(50)
        if (made := trio(changed(WORLD, Random(seed)))).layout.sets.keys() - A.layout.sets.keys()  # noqa: S311 - not secret
    )
    with pytest.raises(InputError, match="is not in the"):
        read_iptables({**other.texts, "ipset": A.texts["ipset"]})


def test_in_words_sets_and_chains_keep_their_names() -> None:
    shown = readable(A.layout)
    text = repr(shown.chains)
    assert "v4 forward" in shown.chains
    assert "CNPC-" not in text
    for name in shown.sets:
        assert name in {item.rpartition("-")[0] for item in A.layout.sets}
