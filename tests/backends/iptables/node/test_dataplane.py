"""The engine over iptables: what is in force is what the files hold, and nothing else moved."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.apply.dataplane import Drift, RulesetSource
from cnpc.backends.apply.dataplanes import DataplaneFactories
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.store import Store
from cnpc.backends.iptables.node.active import where_active
from cnpc.backends.iptables.node.dataplane import IptablesDataplane
from cnpc.backends.iptables.node.tools import FLAVOURS
from cnpc.backends.iptables.ruleset import IptablesRuleset, read_iptables
from cnpc.backends.nftables.node.client import LibraryNft
from cnpc.backends.nftables.node.dataplane import NftDataplane, ruleset_source
from cnpc.backends.nftables.node.kernel import LinuxKernel
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from engines import both_engine, warnings_fail
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run
from own_rules import alone, lines, ours
from rulesets import changed, ruleset, trio
from small_iptables import WORLD, A, B
from worlds import LARGE, SMALL, seeded

pytestmark = pytest.mark.requires_root_and_nft


# As Docker, kube-proxy and firewalld leave them.
NEIGHBOURS = """*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A INPUT -s 192.0.2.7/32 -j MARK --set-xmark 0x7/0x7
COMMIT
*nat
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-1 - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-1
-A KUBE-SVC-1 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.1
COMMIT
*filter
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:KUBE-FORWARD - [0:0]
:INPUT_direct - [0:0]
-A INPUT -m set --match-set trusted src -j ACCEPT
-A INPUT -j INPUT_direct
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -s 192.0.2.0/24 -m comment --comment "not CNPC-FORWARD" -j DROP
-A DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
COMMIT
"""
NEIGHBOURS6 = """*mangle
-A INPUT -j MARK --set-xmark 0x7/0x7
COMMIT
*filter
-A INPUT -j ACCEPT
COMMIT
"""
TABLE = """
table inet firewalld {
  set trusted { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
  chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ip saddr @trusted counter accept
  }
}
"""


def others(flavour: str) -> dict[str, list[str]]:
    """Return all that is not ours, byte by byte."""
    found = {}
    for name in ("iptables", "ip6tables"):
        for kind in FLAVOURS:
            saved = lines(f"{name}-{kind}-save")
            found[f"{name}-{kind}"] = [
                item for item in saved if "-j CNPC-" not in item and ":CNPC-" not in item
                and "-A CNPC-" not in item
            ]  # fmt: skip
    found["sets"] = [line for line in lines("ipset", "save") if " cnpc-" not in line]
    found["nft"] = lines("nft", "list", "table", "inet", "firewalld")
    assert flavour in FLAVOURS
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_way_leads_to_what_the_texts_hold(engine: Engine, flavour: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    documents = list(seeded(seed, LARGE if seed % 4 == 0 else SMALL).objects())
    for _ in range(4):
        made = trio(documents)
        engine.apply(made)
        assert ours(flavour) == alone(flavour, made)
        record, now = engine.look()
        assert now.drift is Drift.NONE
        assert record.kernel is not None
        assert record.kernel.generation is not None
        assert engine.apply(made).plan.kind is PlanKind.NOTHING
        documents = changed(changed(documents, random), random)


EXCHANGED = "ipset create x {}; ipset swap x {{set}}; ipset destroy x"

FOREIGN: Mapping[str, str] = {
    "all rules flushed": "{4} -F",
    "all chains deleted": "{4} -F; {4} -X",
    "IPv6 flushed": "{6} -F; {6} -X",
    "the jump deleted": "{4} -D FORWARD -j CNPC-FORWARD",
    "the jump twice": "{6} -A INPUT -j CNPC-INPUT",
    "something in front": "{4} -I FORWARD -j ACCEPT",
    "a rule more": "{4} -I CNPC-FORWARD -j ACCEPT",
    "a rule without a target": "{4} -A CNPC-INPUT",
    "a chain more": "{6} -N CNPC-surprise",
    "a set more": "ipset create cnpc-surprise hash:ip",
    "a set emptied": "ipset flush {set}",
    "an entry more": "ipset add {set} 10.244.1.77",
    "another entry": "e=$(ipset save {set} | sed -n 's/^add //p;T;q' | head -1); "
    "ipset del $e; ipset add {set} 10.244.1.99",
    "another range": EXCHANGED.format("bitmap:ip range 10.0.0.0/24"),
    "another type": EXCHANGED.format("hash:ip maxelem 7"),
    "everything": "{4} -F; {4} -X; {6} -F; {6} -X; ipset destroy",
}


@pytest.mark.parametrize("change", FOREIGN)
def test_what_others_change_is_found_and_put_right(
    engine: Engine, flavour: str, change: str
) -> None:
    engine.apply(A)
    tables = f"tables-{flavour} -t mangle"
    run((*f"ip{tables}".split(), "-A", "OUTPUT", "-j", "ACCEPT"))
    assert engine.look()[1].drift is Drift.NONE
    before = engine.generation()
    name = next(name for name in A.layout.sets if name.startswith("cnpc-local4"))
    words = {"{4}": f"ip{tables}", "{6}": f"ip6{tables}", "{set}": name}
    script = FOREIGN[change]
    for word, meaning in words.items():
        script = script.replace(word, meaning)
    run(("sh", "-c", script))
    assert (engine.generation() != before) == (change != "another entry")
    assert engine.look()[1].drift in {Drift.GONE, Drift.CHANGED}
    assert engine.apply(A).drift in {Drift.GONE, Drift.CHANGED}
    assert ours(flavour) == alone(flavour, A)
    rules = lines(*f"ip{tables}".split(), "-S", "FORWARD")
    assert [item for item in rules if "CNPC" in item] == rules[1:2]
    assert engine.look()[1].drift is Drift.NONE


def test_nothing_of_others_changes(flavour: str, tmp_path: Path) -> None:
    engine = both_engine(flavour, tmp_path)
    run(("ipset", "create", "trusted", "hash:ip"))
    run(("ipset", "add", "trusted", "192.0.2.9"))
    run(("nft", "-f", "-"), TABLE)
    for kind in FLAVOURS:
        run((f"iptables-{kind}-restore",), NEIGHBOURS)
        run((f"ip6tables-{kind}-restore",), NEIGHBOURS6)
    before = others(flavour)
    for step in (
        lambda: engine.check(A),
        lambda: engine.apply(A),
        lambda: engine.apply(B),
        engine.rollback,
        lambda: run((f"iptables-{flavour}", "-t", "mangle", "-F", "CNPC-FORWARD")),
        lambda: engine.apply(A),
        lambda: engine.apply(ruleset_source(ruleset(WORLD))),
        lambda: engine.apply(A),
        lambda: engine.flush(pytest.fail),
    ):
        step()
        assert others(flavour) == before
    assert not ours(flavour)
    assert "cnpc" not in run(("nft", "list", "tables"))


def test_what_was_loaded_by_hand_is_taken_over(engine: Engine, flavour: str) -> None:
    IptablesLoader(flavour).load(A.texts)
    assert engine.look()[1].drift is Drift.FOREIGN
    outcome = engine.apply(B)
    assert (outcome.drift, outcome.plan.kind) == (Drift.FOREIGN, PlanKind.REPLACE)
    assert ours(flavour) == alone(flavour, B)


def test_a_comment_of_others_may_be_any_bytes(engine: Engine, flavour: str) -> None:
    comment = b"caf\xe9"
    argv = [f"iptables-{flavour}".encode(), *b"-A FORWARD -m comment -j ACCEPT --comment".split()]
    subprocess.run([*argv, comment], check=True)
    engine.apply(A)
    assert engine.look()[1].drift is Drift.NONE


def test_a_check_leaves_nothing_behind(engine: Engine, flavour: str) -> None:
    engine.check(A)
    assert not ours(flavour)
    engine.apply(A)
    before = ours(flavour)
    engine.check(B)
    assert ours(flavour) == before


def test_what_others_have_is_not_taken_for_ours(flavour: str) -> None:
    assert where_active() == ()
    assert "filter" not in Path("/proc/net/ip_tables_names").read_text()
    run(("ipset", "create", "trusted", "hash:ip"))
    run((f"iptables-{flavour}-restore",), NEIGHBOURS)
    for name in ("XCNPC-FORWARD", "CNPC-FORWARDS", "CNPC-"):
        run((f"ip6tables-{flavour}", "-N", name))
    assert where_active() == ()
    run((f"ip6tables-{flavour}", "-N", "CNPC-INPUT"))
    assert where_active() == (f"iptables-{flavour}",)


def test_rules_of_others_that_use_ours_are_left_and_do_not_disturb(
    engine: Engine, flavour: str
) -> None:
    engine.apply(A)
    gone = next(
        name for name in A.layout.families["v4"] if name not in B.layout.families["v4"]
    )  # fmt: skip
    command = (f"iptables-{flavour}", "-t", "mangle")
    run((*command, "-A", "OUTPUT", "-j", gone))
    engine.apply(B)
    assert engine.look()[1].drift is Drift.NONE
    assert lines(*command, "-S", gone) == [f"-N {gone}"]
    engine.flush(pytest.fail)
    run((*command, "-D", "OUTPUT", "-j", gone))
    engine.apply(B)
    assert ours(flavour) == alone(flavour, B)


DNS = """
# cnpc-dns4_1: domain names example.com
create cnpc-dns4_1 hash:ip family inet hashsize 32768 maxelem 65536 timeout 0 -exist
"""


def test_what_the_node_filled_in_stays(engine: Engine) -> None:
    def with_names(made: RulesetSource[IptablesRuleset]) -> RulesetSource[IptablesRuleset]:
        texts = {**made.texts, "ipset": made.texts["ipset"] + DNS}
        return replace(made, texts=texts, read=lambda: read_iptables(texts))

    engine.apply(with_names(A))
    run(("ipset", "add", "cnpc-dns4_1", "192.0.2.1"))
    assert engine.look()[1].drift is Drift.NONE
    engine.apply(with_names(B))
    assert "add cnpc-dns4_1 192.0.2.1" in run(("ipset", "save"))


def test_the_listing_counts_by_family(engine: Engine) -> None:
    engine.apply(A)
    listing = engine.view.listing(engine.read()).splitlines()
    assert all(line.startswith(("v4 [0:0] -A CNPC-", "v6 [0:0] -A CNPC-")) for line in listing)


def test_other_programs_are_not_needed(own: IptablesDataplane) -> None:
    assert not own.present()
    assert not own.unload()
    assert subprocess.run(["ipset", "list", "-n"], capture_output=True, check=True).stdout == b""


def test_what_cannot_be_removed_is_not_left_to_judge(
    space: Namespace,  # noqa: ARG001 - be in it
    flavour: str,
    tmp_path: Path,
) -> None:
    both_engine(flavour, tmp_path).apply(A)
    nft = NftDataplane(LinuxKernel(LibraryNft()))

    def lacks() -> IptablesDataplane:
        raise NodeError("there is no ipset")

    reached: DataplaneFactories = {"nftables": lambda: nft, "iptables": lacks}
    engine = Engine(reached, Store(tmp_path), lambda: None, warnings_fail)
    before = ours(flavour)
    for command in (
        lambda: engine.apply(ruleset_source(ruleset(WORLD))),
        lambda: engine.flush(print),
    ):
        with pytest.raises(NodeError, match="there is no ipset"):
            command()
    assert not nft.present()
    assert ours(flavour) == before
    assert both_engine(flavour, tmp_path).look()[1].drift is Drift.NONE
