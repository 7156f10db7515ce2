"""No packet that all versions allow is lost, and none that all deny passes, while they change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.keeper import Given, Keeper, given
from cnpc.backends.nftables import Nftables
from cnpc.backends.node import CommandNft, KernelNode, LibraryNft
from cnpc.backends.record import State
from cnpc.backends.transaction import Kind
from cnpc.compiler.evaluate import Evaluator, Packet
from cnpc.compiler.ir import Hook, KeyType, Program
from cnpc.compiler.net import Family, Protocol
from netcluster import Namespace
from rulesets import Documents, changed, program
from traffic import Traffic
from worlds import LARGE, seeded

pytestmark = pytest.mark.requires_root_and_nft

_UPDATES = 200
_VERSIONS = 12
_EACH = 200
_PORTS = (53, 80, 443, 5000, 8080)


@pytest.fixture
def space() -> Iterator[Namespace]:
    space = Namespace()
    with space.entered():
        yield space
    space.close()


def versions(documents: Documents, random: Random, level: int) -> list[Program]:
    """Return programs of one node, each one or two changes away from the first."""
    node = program(documents).node
    found = [program(documents, node, level)]
    while len(found) < _VERSIONS:
        after = changed(documents, random)
        if random.random() < 0.5:
            after = changed(after, random)
        found.append(program(after, node, level))
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
    evaluators = [Evaluator(item) for item in programs]
    allowed, denied = [], []
    for flow in dict.fromkeys(flows(programs, random)):
        accepted = [evaluator.judge(flow, Hook.FORWARD).accepted for evaluator in evaluators]
        if all(accepted):
            allowed.append(flow)
        elif not any(accepted):
            denied.append(flow)
    return allowed[:_EACH], denied[:_EACH]


def loaded(item: Program) -> Given:
    return given(Nftables().build(item, ("Network policy",)).texts["nft"])


@pytest.mark.parametrize("way", [LibraryNft, CommandNft], ids=lambda way: way.name)
@pytest.mark.parametrize(("seed", "level"), [(3, 1), (6, 2)])
@pytest.mark.usefixtures("space")
def test_no_update_loses_or_leaks_a_packet(
    tmp_path: Path, seed: int, level: int, way: type[LibraryNft | CommandNft]
) -> None:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    programs = versions(list(seeded(seed, LARGE).objects()), random, level)
    allowed, denied = sorted_out(programs, random)
    assert allowed
    assert denied
    rulesets = [loaded(item) for item in programs]
    nft = way()
    keeper = Keeper(KernelNode(nft), State(tmp_path), lambda: None)
    keeper.apply(rulesets[0])
    traffic = Traffic(allowed, denied, senders=2)
    kinds: Counter[Kind] = Counter()
    began = time.monotonic()
    try:
        while kinds.total() < _UPDATES:
            if random.random() < 0.05:
                nft.run("add rule inet cnpc forward counter")  # and the next one replaces it all
            kinds[keeper.apply(random.choice(rulesets)).plan.kind] += 1
    finally:
        seconds = time.monotonic() - began
        count = traffic.stop()
    told = ", ".join(f"{number} {kind.value}" for kind, number in kinds.items())
    print(f"{count}, {count.sent / seconds:,.0f} packets/s, updates: {told}")  # noqa: T201 - -rP shows it
    assert {Kind.ELEMENTS, Kind.OVERLAY, Kind.REPLACE} <= kinds.keys()
    assert (count.lost, count.leaked) == (0, 0)
    assert count.sent > _UPDATES
