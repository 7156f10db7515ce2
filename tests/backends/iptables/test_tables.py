"""In which tables iptables judges: nobody's accept lets in what is denied, and old rules move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift, RulesetSource
from cnpc.backends.apply.engine import Engine
from cnpc.backends.iptables.names import FAMILIES, HOOKS, TABLES
from cnpc.backends.iptables.node import tools
from cnpc.backends.iptables.node.tools import FLAVOURS, PROGRAM
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.backends.iptables.ruleset import IptablesRuleset
from cnpc.backends.iptables.tables import DROPPING, REJECTING, rules_in, tables_for
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from cnpc.compiler.options import DenyWith, Options, OwnNode
from cnpc.compiler.pipeline import Pipeline
from end_to_end.test_special_packets import cluster_documents, policy
from engines import both_engine, kernel_engine
from netcluster import TCP, UDP, Cluster, IptablesLoader, Namespace, Probe, Verdict
from netcluster.namespaces import run
from own_rules import alone, applied_earlier, ours
from rulesets import earlier, trio, trio_of
from semantics.evaluation import read
from small_cluster import ADDRESS, A, B, C, verdicts
from worlds import seeded

pytestmark = pytest.mark.requires_root_and_nft

WORLD = list(seeded(4).objects())
DENIED = {DenyWith.DROP: Verdict.DROPPED, DenyWith.REJECT: Verdict.REJECTED}
by_flavour = pytest.mark.parametrize("flavour", FLAVOURS)
both_ways = pytest.mark.parametrize("deny_with", DenyWith)


def test_a_ruleset_that_rejects_is_in_two_tables() -> None:
    comment = '-A CNPC-1 -m comment --comment "-j REJECT --reject-with x" -j DROP'
    rejects = "-A CNPC-1 -p tcp -j REJECT --reject-with tcp-reset"
    assert tables_for([comment]) == tables_for([]) == DROPPING
    assert tables_for([comment, rejects]) == REJECTING
    assert rules_in("filter", (comment, rejects)) == (comment, rejects)
    assert rules_in("security", (comment, rejects)) == (comment, "-A CNPC-1 -p tcp -j DROP")


def isolated(deny_with: DenyWith) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset of n1, where a pod is isolated, from its own node too."""
    inputs = read([*cluster_documents(), policy("a", ingress=[], egress=[])], unknown=False)
    options = Options(deny_with, OwnNode.ENFORCE)
    pipeline = Pipeline(
        inputs.snapshot, inputs.policies, options, passes=PASSES_WITHOUT_MAPS
    )  # fmt: skip
    return trio_of(pipeline.program("n1"))


PROBES = tuple(
    Probe(source, ADDRESS[end][family], protocol, 80)
    for family, protocol in product((0, 1), (TCP, UDP))
    for source, end in ((A, C), (C, A), (A, B), (A, "n1"), (B, C), (C, B), ("n1", A))
)


def expected(denied: Verdict) -> list[Verdict]:
    """Return the verdicts of the probes: what A has to do with is denied, but for its own node."""
    passes = {(B, C), (C, B), ("n1", A)}
    ends = {address: name for name in (A, B, C, "n1") for address in ADDRESS[name]}
    return [
        Verdict.ACCEPTED if (probe.source, ends[probe.destination]) in passes else denied
        for probe in PROBES
    ]


def everywhere(flavour: str, *rule: str) -> None:
    """Run iptables with the arguments for both families and hooks; HOOK stands for these."""
    for name, hook in product(PROGRAM.values(), HOOKS):
        words = [hook if word == "HOOK" else word for word in rule]
        run((f"{name}-{flavour}", *words))


KUBE_FORWARD = ("-m", "comment", "--comment", "kubernetes forwarding rules", "-j", "ACCEPT")


@by_flavour
@both_ways
def test_nobodys_accept_in_filter_lets_in_what_is_denied(
    cluster: Cluster, flavour: str, deny_with: DenyWith, tmp_path: Path
) -> None:
    """As kube-proxy, the CNI plugin firewall, docker and iptables -F do it, whenever they start."""
    loader = IptablesLoader(flavour)
    cluster.install("n1", isolated(deny_with).texts, loader)
    denied = DENIED[deny_with]
    assert verdicts(cluster, *PROBES) == expected(denied)
    with cluster.namespace("n1").entered():
        engine = kernel_engine(f"iptables-{flavour}", tmp_path)
        engine.apply(isolated(deny_with))
        everywhere(flavour, "-t", "filter", "-I", "HOOK", *KUBE_FORWARD)
    cluster.flush_conntrack()
    assert verdicts(cluster, *PROBES) == expected(Verdict.DROPPED)
    with cluster.namespace("n1").entered():
        drops = deny_with is DenyWith.DROP
        assert engine.look()[1].drift is (Drift.NONE if drops else Drift.CHANGED)
        everywhere(flavour, "-F")
    assert verdicts(cluster, *PROBES) == expected(Verdict.DROPPED)
    with cluster.namespace("n1").entered():
        assert engine.restore() is (Drift.NONE if drops else Drift.CHANGED)
    assert verdicts(cluster, *PROBES) == expected(denied)


@by_flavour
@both_ways
def test_an_accept_in_front_of_the_judging_table_is_put_behind(
    cluster: Cluster, flavour: str, deny_with: DenyWith, tmp_path: Path
) -> None:
    tables = DROPPING if deny_with is DenyWith.DROP else REJECTING
    cluster.install("n1", isolated(deny_with).texts, IptablesLoader(flavour))
    with cluster.namespace("n1").entered():
        engine = kernel_engine(f"iptables-{flavour}", tmp_path)
        engine.apply(isolated(deny_with))
        for table in tables:
            everywhere(flavour, "-t", table, "-I", "HOOK", *KUBE_FORWARD)
    cluster.flush_conntrack()
    assert verdicts(cluster, *PROBES) == [Verdict.ACCEPTED] * len(PROBES)
    with cluster.namespace("n1").entered():
        assert engine.look()[1].drift is Drift.CHANGED
        assert engine.restore() is Drift.CHANGED  # what --watch does
    cluster.flush_conntrack()
    assert verdicts(cluster, *PROBES) == expected(DENIED[deny_with])


@pytest.fixture
def engine(space: Namespace, flavour: str, tmp_path: Path) -> Engine:  # noqa: ARG001 - be in it
    return both_engine(flavour, tmp_path)


@by_flavour
@both_ways
def test_an_earlier_version_s_rules_move(
    engine: Engine, flavour: str, deny_with: DenyWith, tmp_path: Path
) -> None:
    made = trio(WORLD, deny_with=deny_with)
    moves: tuple[Callable[[], object], ...] = (
        lambda: engine.apply(earlier(made)),
        lambda: engine.apply(made),
        engine.restore,
        lambda: engine.boot(pytest.fail),
    )
    for move in moves:
        applied_earlier(made, flavour, tmp_path)
        assert engine.look()[1].drift is Drift.EARLIER
        move()
        assert ours(flavour) == alone(flavour, made)
        assert engine.look()[1].drift is Drift.NONE
        engine.flush(pytest.fail)
        assert not ours(flavour)


@by_flavour
def test_what_an_earlier_version_had_loaded_can_be_rolled_back_to(
    engine: Engine, flavour: str, tmp_path: Path
) -> None:
    made, other = trio(WORLD), trio(list(seeded(5).objects()))
    applied_earlier(made, flavour, tmp_path)
    outcome = engine.apply(other)
    assert (outcome.plan.kind, outcome.drift) == (PlanKind.REPLACE, Drift.EARLIER)
    assert ours(flavour) == alone(flavour, other)
    engine.rollback()
    assert ours(flavour) == alone(flavour, made)
    assert engine.look()[1].drift is Drift.NONE


@by_flavour
def test_one_way_to_deny_follows_the_other(engine: Engine, flavour: str) -> None:
    drops, rejects = (trio(WORLD, deny_with=way) for way in DenyWith)
    for made in (drops, rejects, drops):
        assert engine.apply(made).plan.kind in {PlanKind.LOAD, PlanKind.RULES}
        assert ours(flavour) == alone(flavour, made)
        assert engine.look()[1].drift is Drift.NONE
        assert engine.apply(made).plan.kind is PlanKind.NOTHING


@by_flavour
def test_a_flush_removes_old_and_new(engine: Engine, flavour: str) -> None:
    for deny_with in DenyWith:
        made = trio(WORLD, deny_with=deny_with)
        IptablesLoader(flavour).load(made.texts)
        IptablesLoader(flavour).load(earlier(made).texts)
    assert engine.view.leftovers(engine.read()) == (f"iptables-{flavour}",)
    assert engine.flush(pytest.fail)
    assert not ours(flavour)
    assert engine.view.leftovers(engine.read()) == ()


@by_flavour
@both_ways
def test_a_change_in_any_of_the_tables_is_found(
    engine: Engine, flavour: str, deny_with: DenyWith
) -> None:
    made = trio(WORLD, deny_with=deny_with)
    engine.apply(made)
    for table, family in product(made.layout.tables, FAMILIES):
        command = (f"{PROGRAM[family]}-{flavour}", "-t", table)
        for change in (("-F",), ("-I", "INPUT", "-j", "ACCEPT"), ("-A", "CNPC-FORWARD")):
            run((*command, *change))
            assert engine.look()[1].drift is Drift.CHANGED
            assert engine.restore() is Drift.CHANGED
            assert engine.look()[1].drift is Drift.NONE
            run((*command, "-F", "INPUT"))
            engine.restore()
    assert ours(flavour) == alone(flavour, made)


@by_flavour
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("table", TABLES)
def test_whichever_commit_is_refused_those_before_it_are_taken_back(
    engine: Engine, flavour: str, family: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one table to two others are six commits: four to judge, and two to remove."""
    drops, rejects = (trio(WORLD, deny_with=way) for way in DenyWith)
    engine.apply(drops)
    before, record, real = ours(flavour), engine.read(), tools.run

    def refusing(argv: Sequence[str], text: str = "", *env: Mapping[str, str]) -> str:
        command = f"{PROGRAM[family]}-{flavour}-restore"
        if argv[0] == command and "--test" not in argv and text.startswith(f"*{table}\n"):
            raise NodeError("refused")
        return real(argv, text, *env)

    monkeypatch.setattr(tools, "run", refusing)
    with pytest.raises(NodeError, match="refused"):
        engine.apply(rejects)
    monkeypatch.setattr(tools, "run", real)
    assert (ours(flavour), engine.read()) == (before, record)
    assert engine.apply(rejects).plan.kind is PlanKind.RULES
