"""No packet that all versions allow is lost, and none that all deny passes, while they change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.iptables.names import HOOKS, OWN
from cnpc.backends.iptables.node.tools import FLAVOURS, PROGRAM
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.backends.nftables.plan import PlanKind
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook, KeyType
from cnpc.compiler.ir.program import Program
from cnpc.compiler.net import Family, Protocol
from cnpc.compiler.options import DEFAULT_LEVEL
from cnpc.compiler.passes import cost_model
from engines import BY_COMMAND, KINDS, NFT_KINDS, both_engine, kernel_engine
from forced import make_ports_pay
from lowered import NAMESPACES, cnp, lower, namespace, node, np, pod
from netcluster import ClusterError, IptablesLoader, Namespace
from netcluster.namespaces import run
from rulesets import Documents, changed, program, trio_of
from traffic import Traffic
from worlds import LARGE, seeded

pytestmark = pytest.mark.requires_root_and_nft

_UPDATES = 200
_BY_HAND = 50
_VERSIONS = 12
_EACH = 200
_PORTS = (53, 80, 443, 5000, 8080)


def versions(documents: Documents, random: Random, level: int = DEFAULT_LEVEL) -> list[Program]:
    """Return programs of one node, each one or two changes away from the first."""
    node = program(documents).node
    found = [program(documents, node, level=level)]
    while len(found) < _VERSIONS:
        after = changed(documents, random)
        if random.random() < 0.5:
            after = changed(after, random)
        found.append(program(after, node, level=level))
    return found


def flows(programs: Sequence[Program], random: Random) -> Iterator[Packet]:
    """Give datagrams between pods of the node and whoever a set of the first program names."""
    first = programs[0]
    keys = [
        (item.family, key[0][0])
        for item in first.sets
        if item.key == (KeyType.ADDRESS,) and not item.dynamic
        for key in item.elements
    ]
    keys += [
        (item.family, key[0][0])
        for item in first.maps
        if item.key == (KeyType.ADDRESS,)
        for key, _ in item.elements
    ]
    for family in Family:
        known = {address for of, address in keys if of is family}
        local = first.sets_by_name().get(f"local{4 if family is Family.IPV4 else 6}")
        mine = [key[0][0] for key in local.elements] if local else []
        for _ in range(3000 if mine and len(known) > 1 else 0):
            here, there = random.choice(mine), random.choice(sorted(known))
            source, destination = (here, there) if random.random() < 0.5 else (there, here)
            if here != there:
                port = random.choice(_PORTS)
                yield Packet(family, source, destination, Protocol.UDP, port)


def sorted_out(programs: Sequence[Program], random: Random) -> tuple[list[Packet], list[Packet]]:
    """Return flows that every program allows, and flows that every program denies."""
    evaluators = [Interpreter(item) for item in programs]
    allowed, denied = [], []
    for flow in dict.fromkeys(flows(programs, random)):
        accepted = [evaluator.judge(flow, Hook.FORWARD).accepted for evaluator in evaluators]
        if all(accepted):
            allowed.append(flow)
        elif not any(accepted):
            denied.append(flow)
    return allowed[:_EACH], denied[:_EACH]


def loaded(item: Program, kind: str) -> RulesetSource[Any]:
    if kind not in NFT_KINDS:
        return trio_of(item)
    return ruleset_source(Nftables().build(item, ("Network policy",)).texts["nft"])


def disturb(kind: str) -> None:
    """Change what is in force, so that the next apply replaces it all; no packet notices."""
    if kind in NFT_KINDS:
        run(("nft", "add", "rule", "inet", "cnpc", "forward", "counter"))
    else:
        run((kind, "-t", "mangle", "-A", "CNPC-FORWARD"))


def under_traffic(
    programs: Sequence[Program],
    random: Random,
    update: Callable[[int], PlanKind],
    updates: int = _UPDATES,
) -> Counter[PlanKind]:
    """Update to a program by its number, again and again, while packets are sent.

    Returns how often that was done how.
    """
    allowed, denied = sorted_out(programs, random)
    assert allowed
    assert denied
    update(0)
    traffic = Traffic(allowed, denied, senders=2)
    kinds: Counter[PlanKind] = Counter()
    began = time.monotonic()
    try:
        while kinds.total() - kinds[PlanKind.NOTHING] < updates:
            kinds[update(random.randrange(len(programs)))] += 1
    finally:
        seconds = time.monotonic() - began
        count = traffic.stop()
    told = ", ".join(f"{number} {kind.value}" for kind, number in kinds.items())
    print(f"{count}, {count.sent / seconds:,.0f} packets/s, updates: {told}")  # noqa: T201 - -rP shows it
    assert (count.lost, count.leaked) == (0, 0)
    assert count.sent > updates
    return kinds


@pytest.mark.parametrize("kind", [*KINDS, BY_COMMAND])
@pytest.mark.parametrize(("seed", "level", "crowd"), [(3, 1, 4096), (6, 2, 4)])
def test_no_update_loses_or_leaks_a_packet(  # noqa: PLR0913, PLR0917 - fixtures and what differs
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    level: int,
    crowd: int,
    kind: str,
) -> None:
    # Few members are a crowd that is written as ranges, which change in another way.
    monkeypatch.setattr(cost_model, "_LARGE_SET", crowd)
    monkeypatch.setattr(cost_model, "_WORTH", 1 if crowd < 16 else 16)
    kinds = updated_under_traffic(tmp_path, seed, level, kind)
    ways = {PlanKind.ELEMENTS, PlanKind.OVERLAY} if kind in NFT_KINDS else {PlanKind.RULES}
    assert {PlanKind.REPLACE} | ways <= kinds.keys()


def test_no_update_of_maps_of_ports_loses_or_leaks_a_packet(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_ports_pay(monkeypatch)
    kinds = updated_under_traffic(tmp_path, 6, 2, NFT_KINDS[0])
    assert {PlanKind.REPLACE, PlanKind.OVERLAY} <= kinds.keys()


def updated_under_traffic(folder: Path, seed: int, level: int, kind: str) -> Counter[PlanKind]:
    """Return how often a ruleset of a random world took which way into force, under traffic."""
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    programs = versions(list(seeded(seed, LARGE).objects()), random, level)
    rulesets = [loaded(item, kind) for item in programs]
    engine = kernel_engine(kind, folder)

    def update(number: int) -> PlanKind:
        if random.random() < 0.05 and engine.read().current:
            disturb(kind)
        return engine.apply(rulesets[number]).plan.kind

    return under_traffic(programs, random, update)


def test_no_update_of_rules_and_pods_at_once_loses_or_leaks_a_packet(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
) -> None:
    """A pod goes, and what denies its packets to another becomes a rule that does not name it."""
    everyone = f"from: [{{{NAMESPACES}}}]"
    ports = [f"{{portNumber: {{port: {number}}}}}" for number in range(2000, 3000, 2)]
    slowly = [
        f"action: Accept, {everyone}, ports: [{', '.join(ports[start : start + 25])}]"
        for start in range(0, len(ports), 25)
    ]
    rules = [*slowly, f"action: Deny, {everyone}"]

    def subject(app: str) -> str:
        return f"pods: {{namespaceSelector: {{}}, podSelector: {{matchLabels: {{app: {app}}}}}}}"

    stays = (
        node("n1", "172.16.0.1"),
        namespace("a"),
        pod("a/open", "10.0.1.3", labels="app: open"),
        pod("a/shut", "10.0.1.2", labels="app: shut"),
        pod("a/other", "10.0.1.4", labels="app: other"),
        cnp("other", subject=subject("other"), ingress=rules),  # keeps the set of all pods
    )
    goes = pod("a/goes", "10.0.2.3", node="n2", labels="app: goes")
    versions = [
        lower(*stays, goes, cnp("shut", priority=2, subject=subject("shut"), ingress=rules)),
        lower(*stays, np("a/isolates", "Ingress", selector="{matchLabels: {app: shut}}")),
    ]
    engine = kernel_engine(NFT_KINDS[0], tmp_path)
    rulesets = [loaded(item, NFT_KINDS[0]) for item in versions]
    random = Random(1)  # noqa: S311 - reproducible, not secret
    kinds = under_traffic(versions, random, lambda number: engine.apply(rulesets[number]).plan.kind)
    assert PlanKind.OVERLAY in kinds


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_switch_between_packet_filters_loses_or_leaks_a_packet(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
    flavour: str,
) -> None:
    random = Random(3)  # noqa: S311 - reproducible, not secret
    programs = versions(list(seeded(3, LARGE).objects()), random)
    rulesets = {
        kind: [loaded(item, kind) for item in programs] for kind in ("nftables", "iptables")
    }
    engine = both_engine(flavour, tmp_path)

    def update(number: int) -> PlanKind:
        return engine.apply(rulesets[random.choice(tuple(rulesets))][number]).plan.kind

    assert under_traffic(programs, random, update)[PlanKind.LOAD] > _UPDATES / 4


def place_jumps(flavour: str) -> None:
    """Let the host's chains lead to ours, as docs/iptables.md says to do once after a boot."""
    for name in PROGRAM.values():
        for hook in HOOKS:
            run((f"{name}-{flavour}", "-t", "mangle", "-N", f"{OWN}{hook}"))
            run((f"{name}-{flavour}", "-t", "mangle", "-I", hook, "-j", f"{OWN}{hook}"))


def destroy_unused() -> None:
    """Remove the sets that the kernel lets go of, as docs/iptables.md says to do at the end."""
    for name in run(("ipset", "-name", "list")).split():
        if name.startswith("cnpc-"):
            with suppress(ClusterError):
                run(("ipset", "destroy", name))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_load_by_hand_loses_or_leaks_a_packet(
    space: Namespace,  # noqa: ARG001 - be in it
    flavour: str,
) -> None:
    random = Random(6)  # noqa: S311 - reproducible, not secret
    programs = versions(list(seeded(6, LARGE).objects()), random)
    texts = [Iptables().build(item, ("Network policy",)).texts for item in programs]
    assert len({made["v4"] for made in texts}) > _VERSIONS / 2
    loader = IptablesLoader(flavour)
    place_jumps(flavour)

    def update(number: int) -> PlanKind:
        loader.load(texts[number])
        destroy_unused()
        return PlanKind.RULES

    under_traffic(programs, random, update, _BY_HAND)
