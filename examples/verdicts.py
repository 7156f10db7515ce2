"""What becomes of the stories' flows: by the compiled programs, and by packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook
from cnpc.compiler.manifests.load import load
from cnpc.compiler.model.snapshot import Snapshot
from cnpc.compiler.net import Family, parse_address
from cnpc.compiler.pipeline import Pipeline
from expectations import Expectation
from netcluster import Cluster, Probe, Topology, Verdict

_WORDS = {
    Verdict.ACCEPTED: "allow",
    Verdict.DROPPED: "deny",
    Verdict.REJECTED: "reject",
    Verdict.ONE_WAY: "one-way",
}


class Places:
    """Where the flows' ends are: the addresses of pods, nodes and the world outside."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Take the pods and nodes of a snapshot."""
        self.topology = Topology.from_snapshot(snapshot)
        self._home = {pod.full_name: pod.node for pod in self.topology.pods}

    def packets(self, flow: Expectation) -> Iterator[Packet]:
        """Give the flow's first packet in each family that both ends have."""
        for family, source, destination in self._ends(flow):
            saddr, daddr = parse_address(source)[1], parse_address(destination)[1]
            yield Packet(family, saddr, daddr, flow.protocol(family), flow.port)

    def probes(self, flow: Expectation) -> Iterator[Probe]:
        """Give the flow as probes, in the order of packets."""
        for family, _, destination in self._ends(flow):
            yield Probe(flow.source, destination, flow.protocol(family), flow.port or 0)

    def hooks(self, flow: Expectation) -> Iterator[tuple[str, Hook]]:
        """Give the nodes whose rulesets judge the flow, and the hook there.

        A node's own packets to its pods pass the output hook, where nothing is judged.
        """
        start, end = self._home.get(flow.source), self._home.get(flow.destination)
        if start:
            yield start, Hook.INPUT if flow.destination == start else Hook.FORWARD
        if end and end not in (start, flow.source):
            yield end, Hook.FORWARD

    def _ends(self, flow: Expectation) -> Iterator[tuple[Family, str, str]]:
        sources, destinations = self._by_family(flow.source), self._by_family(flow.destination)
        for family in Family:
            if family in sources and family in destinations:
                yield family, sources[family], destinations[family]

    def _by_family(self, name: str) -> Mapping[Family, str]:
        """Return the first address of each family."""
        addresses = self.topology.addresses(name)
        return {parse_address(text)[0]: text for text in reversed(addresses)}


def evaluated(paths: Iterable[Path], flows: Sequence[Expectation]) -> list[str]:
    """Return what the compiled programs make of the flows, in words."""
    inputs = load([str(path) for path in paths])
    places = Places(inputs.snapshot)
    pipeline = Pipeline(inputs.snapshot, inputs.policies)
    nodes = {node: Interpreter(pipeline.program(node)) for node in pipeline.resolver.node_names()}

    def verdict(flow: Expectation, packet: Packet) -> str:
        judgements = (nodes[node].judge(packet, hook) for node, hook in places.hooks(flow))
        return "allow" if all(item.accepted for item in judgements) else "deny"

    return [_together(verdict(flow, packet) for packet in places.packets(flow)) for flow in flows]


def observed(cluster: Cluster, places: Places, flows: Sequence[Expectation]) -> list[str]:
    """Return what becomes of the flows' packets where rulesets are loaded, in words."""
    asked = [list(places.probes(flow)) for flow in flows]
    results = iter(cluster.probe([probe for probes in asked for probe in probes]))
    return [_together(_WORDS[next(results).verdict] for _ in probes) for probes in asked]


def _together(words: Iterable[str]) -> str:
    """Return the verdicts of all families as one word if they are the same."""
    return "/".join(dict.fromkeys(words))
