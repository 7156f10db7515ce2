"""The public interface: its rulesets are the command's, its verdicts the oracle's."""

from __future__ import annotations

import doctest
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cnpc import api
from command import CLUSTER, CNPC, STORIES, run
from oracle import Flow, Oracle, State
from oracle.flow import ICMP, ICMPV6, PROTOCOL_NUMBERS
from semantics.evaluation import read
from worlds import SMALL, flows, seeded

DENY = STORIES / "1-deny"
DELEGATE = STORIES / "3-delegate"


@pytest.fixture(scope="module")
def compiler() -> api.Compiler:
    return api.Compiler(api.load([CLUSTER, DELEGATE]), level=0)


@pytest.mark.parametrize("page", ["api.py", "docs/python.md"])
def test_the_examples_are_true(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(api.__file__).parent
    monkeypatch.chdir(root)
    tried = doctest.testfile(str(root / page), module_relative=False)
    assert tried.attempted > 3
    assert tried.failed == 0


def test_it_exports_what_it_names() -> None:
    assert sorted(api.__all__) == api.__all__
    assert all(getattr(api, name).__doc__ for name in api.__all__)


@pytest.mark.parametrize("backend", ["nftables", "iptables"])
def test_rulesets_are_those_of_the_command(tmp_path: Path, backend: str) -> None:
    done = run(CNPC, "compile", CLUSTER, DENY, "-o", tmp_path, "--backend", backend, "-O", "1")
    assert done.code == 0, done.err
    compiler = api.Compiler(api.load([CLUSTER, DENY]), backend=backend, level=1)
    texts = {
        f"{node}.{suffix}": text
        for node in compiler.nodes
        for suffix, text in compiler.ruleset(node).texts.items()
    }
    assert texts == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_what_is_wrong_comes_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(CLUSTER.read_text() + "---\n" + DENY.joinpath("policy.yaml").read_text())
    file.write_text(file.read_text().replace("tier: Admin", "tier: Amdin"))
    with pytest.raises(api.InputError) as caught:
        api.load([file])
    (found,) = caught.value.diagnostics
    assert found.severity is api.Severity.ERROR
    assert isinstance(found.span, api.Span)
    assert found.span.file == str(file)
    assert found.text.strip() == "tier: Amdin"
    assert found.hint == "did you mean 'Admin'?"


def test_warnings_are_those_of_the_command(compiler: api.Compiler) -> None:
    assert compiler.warnings == ()
    without = api.Compiler(api.load([DENY]))
    assert without.nodes == ()
    assert [item.severity for item in without.warnings] == [api.Severity.WARNING]


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (
            api.Flow("bar-ns-1/pub", "bar-ns-1/pup", "tcp", 1),
            "no pod 'bar-ns-1/pup' in the cluster",
        ),
        (
            api.Flow("worker-9", "10.0.0.1", "tcp", 1),
            "no node or address 'worker-9' in the cluster",
        ),
        (
            api.Flow("10.0.0.1", "::1", "tcp", 1),
            "10.0.0.1 and ::1 have no address family in common",
        ),
        (api.Flow("10.0.0.1", "10.0.0.2"), "protocol tcp needs a port: 10.0.0.1 -> 10.0.0.2 tcp"),
        (api.Flow("10.0.0.1", "10.0.0.2", "icmp", 8), "protocol icmp has no port"),
        (api.Flow("10.0.0.1", "10.0.0.2", "tcp", 65536), "port 65536 is not from 0 to 65535"),
        (
            api.Flow("10.0.0.1", "10.0.0.2", "gre"),
            "no protocol 'gre': there are tcp, udp, sctp, icmp",
        ),
        (api.Flow("10.0.0.1", "10.0.0.2", 256), "protocol 256 is not from 0 to 255"),
        (
            api.Flow("foo-ns-1/migrate-x7k2p", "10.0.0.2", 47),
            "pod foo-ns-1/migrate-x7k2p is among the pods that ended: give an address instead",
        ),
    ],
    ids=str,
)
def test_a_flow_that_is_none_is_told(compiler: api.Compiler, flow: api.Flow, words: str) -> None:
    with pytest.raises(api.CnpcError) as caught:
        compiler.verdict(flow)
    assert words in str(caught.value)


def test_what_is_not_there_is_told(compiler: api.Compiler) -> None:
    with pytest.raises(api.CnpcError, match="no node 'n9'"):
        compiler.ruleset("n9")
    with pytest.raises(api.CnpcError, match="no backend 'ebpf': there are nftables, iptables"):
        api.Compiler(api.load([CLUSTER]), backend="ebpf")
    with pytest.raises(api.CnpcError, match="no level 3: there are 0, 1, 2"):
        api.Compiler(api.load([CLUSTER]), level=3)


def test_verdicts_name_the_rules_in_order(compiler: api.Compiler) -> None:
    allowed = compiler.verdict(api.Flow("foo-ns-1/web", "bar-ns-1/pub", "TCP", 8080))
    assert allowed.allowed
    (first, second) = allowed.packets
    assert (first.source, second.source) == ("10.244.1.11", "fd00:10:244:1::11")
    assert [item.node for item in first.nodes] == ["worker-1", "worker-2"]
    assert first.nodes[0].rules == (
        "Admin pub-svc-delegate-example egress[0]",
        "NetworkPolicy foo-ns-1/may-use-svc-pub egress[0]",
    )
    by_address = compiler.verdict(api.Flow("10.244.1.11", "10.244.2.10", 6, 8080))
    assert by_address.packets == (first,)


@pytest.mark.parametrize("seed", range(40))
def test_verdicts_are_the_oracle_s(seed: int) -> None:
    world = seeded(seed, replace(SMALL, unknown=seed % 4 == 0))
    documents = list(world.documents)
    oracle = Oracle(documents, fail_closed=seed % 4 == 0)
    compiler = api.Compiler(read(documents, unknown=seed % 4 == 0))
    tried = 0
    for flow in flows(world):
        if _has_words(flow):
            asked = api.Flow(flow.source, flow.destination, _protocol(flow), flow.port)
            judged = replace(flow, through_service=True)  # if it is to the pod itself
            assert compiler.verdict(asked).allowed == _allowed(oracle, judged), flow
            tried += 1
    assert tried or not flows(world)


def _allowed(oracle: Oracle, flow: Flow) -> bool:
    judgement = oracle.judge(flow)
    return all(
        getattr(judgement, way).allowed for hop in oracle.per_node(flow) for way in hop.directions
    )


def _has_words(flow: Flow) -> bool:
    """Tell whether the flow can be asked for: a new connection between addresses."""
    plain = flow.state is State.NEW and flow.sender is flow.receiver is None
    ports = (flow.protocol in PROTOCOL_NUMBERS.values()) == (flow.port is not None)
    return plain and ports and flow.icmp_type in {None, 8, 128}


def _protocol(flow: Flow) -> str | int:
    return "icmp" if flow.protocol in {ICMP, ICMPV6} else flow.protocol


def test_python_m_is_the_program(tmp_path: Path) -> None:
    module = (sys.executable, "-m", "cnpc")
    for arguments in (("--version",), ("compile", "--help"), ("compile", str(tmp_path)), ("frob",)):
        by_module, by_name = run(*module, *arguments), run(CNPC, *arguments)
        assert by_module == by_name
    assert by_name.code == 2
