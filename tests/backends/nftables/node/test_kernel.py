"""The engine over the kernel: whatever the way, what is in force is what nft would have loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Engine
from cnpc.backends.linux import programs
from cnpc.backends.nftables.node.client import CommandNft, LibraryNft, Nft
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.backends.nftables.node.kernel import LinuxKernel
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from engines import nft_engine
from netcluster import Namespace
from rulesets import blocks, changed, ruleset
from worlds import LARGE, SMALL, seeded

pytestmark = pytest.mark.requires_root_and_nft

WAYS = (LibraryNft, CommandNft)
WRONG = f"""{"# a comment" * 3}
table inet cnpc_test {{
  chain a {{
    tcp dport 80 accept
    ip saddr @nothing drop
  }}
}}
"""
WORLD = list(seeded(4).objects())
A = ruleset_source(ruleset(WORLD))
B = next(
    made
    for seed in range(50)
    if (made := ruleset_source(ruleset(changed(WORLD, Random(seed))))).layout != A.layout  # noqa: S311 - not secret
)

# As firewalld, Docker and kube-proxy leave them.
NEIGHBOURS = """
table inet firewalld {
  set trusted { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
  chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ip saddr @trusted counter accept
    reject with icmpx admin-prohibited
  }
}
table ip kube-proxy {
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.1 . tcp . 443 : goto service-1 } }
  chain service-1 {
    counter numgen random mod 1 vmap { 0 : accept }
  }
  chain services { type nat hook prerouting priority dstnat; policy accept;
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
}
"""
IPTABLES = """*filter
:DOCKER - [0:0]
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
"""


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def nft(request: pytest.FixtureRequest, space: Namespace) -> Nft:  # noqa: ARG001 - be in it
    made: Nft = request.param()
    return made


@pytest.fixture
def engine(nft: Nft, tmp_path: Path) -> Engine:
    return nft_engine(LinuxKernel(nft), tmp_path)


def listed() -> str:
    return CommandNft().run("list table inet cnpc")


def loaded_at_once(text: str) -> str:
    space = Namespace()
    try:
        with space.entered():
            CommandNft().run(text)
            return listed()
    finally:
        space.close()


@pytest.mark.parametrize("seed", range(12))
def test_every_way_leads_to_what_nft_loads(engine: Engine, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    documents = list(seeded(seed, LARGE if seed % 4 == 0 else SMALL).objects())
    for _ in range(4):
        text = ruleset(documents)
        engine.apply(ruleset_source(text))
        assert blocks(listed()) == blocks(loaded_at_once(text))
        record, now = engine.look()
        assert now.drift is Drift.NONE
        assert record.kernel is not None
        assert record.kernel.generation is not None, "some commit was refused or repeated"
        assert engine.apply(ruleset_source(text)).plan.kind is PlanKind.NOTHING
        documents = changed(changed(documents, random), random)


FOREIGN = (
    "add rule inet cnpc forward accept",
    "insert rule inet cnpc input drop",
    "flush chain inet cnpc forward",
    "add chain inet cnpc surprise",
    "chain inet cnpc forward { policy drop; }",
    "flush set inet cnpc local4",
    "add element inet cnpc local4 { 192.0.2.77 }",
    "delete table inet cnpc",
    "flush ruleset",
    "delete table inet cnpc\nadd table inet cnpc",
)


@pytest.mark.parametrize("change", FOREIGN)
def test_what_others_change_is_found_and_put_right(engine: Engine, nft: Nft, change: str) -> None:
    engine.apply(A)
    nft.run("add table ip unrelated")
    assert engine.look()[1].drift is Drift.NONE
    nft.run(change)
    assert engine.look()[1].drift in {Drift.GONE, Drift.CHANGED}
    assert engine.apply(A).drift in {Drift.GONE, Drift.CHANGED}
    assert blocks(listed()) == blocks(loaded_at_once(A.texts["nft"]))
    assert engine.look()[1].drift is Drift.NONE


def test_one_element_for_another_is_found(engine: Engine, nft: Nft) -> None:
    engine.apply(A)
    element = A.layout.sets["local4"].lines()[0]
    nft.run(
        f"delete element inet cnpc local4 {{ {element} }}\n"
        "add element inet cnpc local4 { 192.0.2.77 }"
    )
    assert engine.look()[1].drift is Drift.CHANGED


def large(first: int) -> str:
    """Return a ruleset with one large set and one large map, whose first elements may differ."""
    words = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(first, 20_000)]
    head = "table inet cnpc\ndelete table inet cnpc\ntable inet cnpc {\n"
    peers = ",\n\t\t\t".join(words)
    verdicts = ",\n\t\t\t".join(f"{word} : goto open" for word in words)
    return (
        f"{head}\tset s {{\n\t\ttype ipv4_addr\n\t\tsize 65536\n"
        f"\t\telements = {{\n\t\t\t{peers}\n\t\t}}\n\t}}\n\n"
        f"\tmap m {{\n\t\ttype ipv4_addr : verdict\n\t\tsize 65536\n"
        f"\t\telements = {{\n\t\t\t{verdicts}\n\t\t}}\n\t}}\n\n"
        "\tchain forward {\n\t\ttype filter hook forward priority -5; policy accept;\n"
        "\t\tip saddr @s accept\n\t\tip saddr vmap @m\n\t}\n\n"
        "\tchain open {\n\t\taccept\n\t}\n\n\tchain closed {\n\t\tdrop\n\t}\n}\n"
    )


@pytest.mark.parametrize("verdict", ["", " : goto closed"], ids=["key", "verdict"])
def test_one_of_thousands_of_elements_is_found(engine: Engine, nft: Nft, verdict: str) -> None:
    engine.apply(ruleset_source(large(0)))
    engine.apply(ruleset_source(large(1)))  # whose digests are in part taken over
    nft.run("add table ip unrelated")
    assert engine.look()[1].drift is Drift.NONE
    name, old = ("m", "10.0.1.1") if verdict else ("s", "10.0.7.7")
    new = old if verdict else "192.0.2.77"
    nft.run(
        f"delete element inet cnpc {name} {{ {old} }}\n"
        f"add element inet cnpc {name} {{ {new}{verdict} }}"
    )
    assert engine.look()[1].drift is Drift.CHANGED
    assert engine.apply(ruleset_source(large(1))).drift is Drift.CHANGED
    assert engine.look()[1].drift is Drift.NONE


def test_what_others_committed_is_looked_at_once(
    engine: Engine, nft: Nft, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.apply(A)
    nft.run("add table ip unrelated")
    assert engine.apply(A).plan.kind is PlanKind.NOTHING
    monkeypatch.setattr(LinuxKernel, "fingerprint", None)
    assert engine.apply(A).plan.kind is PlanKind.NOTHING


def neighbours() -> bytes:
    commands = (
        ("nft", "-a", "list", "table", "inet", "firewalld"),
        ("nft", "-a", "list", "table", "ip", "kube-proxy"),
        ("iptables-save",),
        ("iptables-legacy-save",),
    )
    outputs = [subprocess.run(argv, capture_output=True, check=True).stdout for argv in commands]
    return b"\n".join(
        line for out in outputs for line in out.splitlines() if not line.startswith(b"#")
    )


def test_nothing_of_others_changes(engine: Engine) -> None:
    subprocess.run(["nft", "-f", "-"], input=NEIGHBOURS.encode(), check=True)
    for flavour in ("iptables-restore", "iptables-legacy-restore"):
        subprocess.run([flavour], input=IPTABLES.encode(), check=True)
    before = neighbours()
    engine.apply(A)
    engine.apply(B)
    engine.rollback()
    CommandNft().run("add rule inet cnpc forward drop")
    engine.apply(A)
    assert neighbours() == before
    engine.flush(pytest.fail)
    assert neighbours() == before
    assert "cnpc" not in CommandNft().run("list tables")


def test_a_refusal_in_the_middle_of_the_text_changes_nothing(engine: Engine) -> None:
    engine.apply(A)
    before, record = listed(), engine.read()
    # Well-formed, and still nothing that a kernel takes: a chain that nobody has.
    wrong = B.texts["nft"].replace("\t\tct state established accept\n", "\t\tgoto nowhere\n", 1)
    with pytest.raises(NodeError, match=r"nowhere|No such file"):
        engine.apply(ruleset_source(wrong))
    assert (listed(), engine.read()) == (before, record)
    assert engine.apply(B).plan.kind is not PlanKind.NOTHING


DNS = """
table inet cnpc
delete table inet cnpc
table inet cnpc {
	set dns4_1 {
		type ipv4_addr
		flags timeout
		size 65535
		comment "domain names example.com"
	}

	chain forward {
		type filter hook forward priority -5; policy accept;
		ip daddr @dns4_1 accept
	}
}
"""


def test_what_the_node_filled_in_stays(engine: Engine, nft: Nft) -> None:
    engine.apply(ruleset_source(DNS))
    nft.run("add element inet cnpc dns4_1 { 192.0.2.1, 192.0.2.2 timeout 1h }")
    assert (
        engine.apply(ruleset_source(DNS.replace("accept\n\t}", "counter accept\n\t}"))).drift
        is Drift.NONE
    )
    assert "192.0.2.1" in listed()
    nft.run("add rule inet cnpc forward drop")
    assert engine.apply(ruleset_source(DNS)).drift is Drift.CHANGED
    assert "192.0.2.1" in listed()
    assert "timeout 1h" in listed()


def test_without_the_library_the_program_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nftables", None)
    from cnpc.backends.nftables.node.client import open_nft  # noqa: PLC0415 - beside what it is about

    assert open_nft().name == "nft"
    monkeypatch.setattr(programs, "found", lambda _: None)
    with pytest.raises(NodeError, match="install the package nftables"):
        open_nft()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.usefixtures("space")
def test_a_refusal_quotes_the_line_that_is_wrong(way: type[Nft], check: bool) -> None:  # noqa: FBT001 - a parameter
    with pytest.raises(NodeError) as refused:
        way().run(WRONG, check=check)
    words, line, caret = str(refused.value).split("\n")
    assert words == "Error: No such file or directory"
    assert line == "    ip saddr @nothing drop"
    assert caret == "             ^^^^^^^^"
