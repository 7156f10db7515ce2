from __future__ import annotations

import pytest
from cnpc.backends.nftables.decompile import program_of
from cnpc.backends.nftables.render import Nftables
from cnpc.backends.nftables.ruleset import read_ruleset
from cnpc.compiler.errors import NodeError
from cnpc.compiler.ir.match import KeyType
from cnpc.compiler.ir.program import Program, map_of
from cnpc.compiler.net import Family
from cnpc.compiler.options import DenyWith, Options, OwnNode
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline
from forced import make_ports_pay
from msgspec.structs import replace
from semantics.evaluation import read
from worlds import seeded


def plain(program: Program) -> Program:
    """Without what a text does not say, or says in words that were made fit for it."""
    return replace(
        program,
        node="",
        sets=tuple(replace(item, note="") for item in program.sets),
        maps=tuple(
            map_of(item.name, item.family, item.key, item.elements) for item in program.maps
        ),
        chains=tuple(
            replace(chain, rules=tuple(replace(rule, origins=()) for rule in chain.rules))
            for chain in program.chains
        ),
    )


@pytest.mark.parametrize("level", sorted(PASSES))
@pytest.mark.parametrize("seed", range(15))
def test_a_text_means_the_program_that_it_was_made_of(seed: int, level: int) -> None:
    inputs = read(seeded(seed).objects(), unknown=False)
    options = Options(
        DenyWith.REJECT if seed % 2 else DenyWith.DROP,
        OwnNode.ENFORCE if seed % 3 else OwnNode.EXEMPT,
    )
    pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level)
    for node in pipeline.resolver.node_names():
        program = pipeline.program(node)
        text = Nftables().build(program, ("x",)).texts["nft"]
        assert plain(program_of(read_ruleset(text))) == plain(program)


def test_the_family_of_a_map_of_ports_is_that_of_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    make_ports_pay(monkeypatch)
    found = set()
    for seed in range(40):
        inputs = read(seeded(seed).objects(), unknown=False)
        pipeline = Pipeline(inputs.snapshot, inputs.policies)
        for node in pipeline.resolver.node_names():
            program = pipeline.program(node)
            text = Nftables().build(program, ("x",)).texts["nft"]
            assert plain(program_of(read_ruleset(text))) == plain(program)
            found |= {item.family for item in program.maps if KeyType.ADDRESS not in item.key}
    assert found == set(Family)


def test_a_comment_says_nothing_of_families() -> None:
    text = """table inet cnpc
delete table inet cnpc
table inet cnpc {
	map m {
		type inet_proto . inet_service : verdict
		size 16
		elements = {
			tcp . 80 : accept
		}
	}

	chain forward {
		type filter hook forward priority -5; policy accept;
		meta nfproto ipv6 meta l4proto . th dport vmap @m
		drop comment "meta nfproto ipv4 meta l4proto . th dport vmap @m"
	}
}
"""
    (found,) = program_of(read_ruleset(text)).maps
    assert found.family is Family.IPV6


@pytest.mark.parametrize("rule", ["meta mark 1 accept", "tcp dport 80 queue", "ip saddr"])
def test_a_rule_that_means_something_else_is_named(rule: str) -> None:
    inputs = read(seeded(1).objects(), unknown=False)
    pipeline = Pipeline(inputs.snapshot, inputs.policies)
    program = pipeline.program(pipeline.resolver.node_names()[0])
    text = Nftables().build(program, ("x",)).texts["nft"]
    layout = read_ruleset(text.replace("ct state established accept", rule))
    with pytest.raises(NodeError, match=rule):
        program_of(layout)
