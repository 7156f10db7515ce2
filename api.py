"""The public Python interface of cnpc: load manifests, compile rulesets, ask for verdicts.

    >>> from cnpc import api
    >>> cluster = api.load(["examples/stories/cluster.yaml", "examples/stories/1-deny"])
    >>> compiler = api.Compiler(cluster)
    >>> compiler.nodes
    ('worker-1', 'worker-2')
    >>> ruleset = compiler.ruleset("worker-1")
    >>> list(ruleset.texts)
    ['nft']
    >>> flow = api.Flow("bar-ns-1/pub", "sensitive-ns/vault", "tcp", 8080)
    >>> print(compiler.verdict(flow))
    denied: bar-ns-1/pub -> sensitive-ns/vault tcp/8080
      10.244.2.10 -> 10.244.1.13
        on worker-2: allowed
        on worker-1: denied by Admin cluster-wide-deny-example ingress[0] select-all-deny-all
      fd00:10:244:2::10 -> fd00:10:244:1::13
        on worker-2: allowed
        on worker-1: denied by Admin cluster-wide-deny-example ingress[0] select-all-deny-all

What this module exports stays as it is within a major version. All other modules are private: they
change without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath

from .backends.registry import BACKENDS, DEFAULT_BACKEND, passes_of
from .backends.text import describe_origins
from .compiler.cli.rulesets.header import Compilation
from .compiler.cli.rulesets.node_ruleset import build_ruleset
from .compiler.errors import CnpcError, Diagnostic, InputError, Severity, Span
from .compiler.flows import ICMP, End, Ends, Flow, protocol_of
from .compiler.ir.interpreter import Interpreter, Judgement, Packet
from .compiler.ir.match import Hook
from .compiler.lowering.equal_priority import conflicts
from .compiler.lowering.unmatched import idle
from .compiler.manifests import load as manifests
from .compiler.manifests.load import Inputs, OnUnknown
from .compiler.manifests.text.render_problems import locate
from .compiler.net import Family, format_address
from .compiler.options import DEFAULT_LEVEL, LEVELS, DenyWith, Options, OwnNode
from .compiler.pipeline import Pipeline

__all__ = [
    "CnpcError",
    "Compiler",
    "DenyWith",
    "Diagnostic",
    "Flow",
    "InputError",
    "NodeVerdict",
    "OnUnknown",
    "Options",
    "OwnNode",
    "PacketVerdict",
    "Ruleset",
    "Severity",
    "Span",
    "Verdict",
    "load",
]

_ECHO_REQUEST = 128  # RFC 4443, section 4.1


def load(
    paths: Sequence[str | PathLike[str]], *, on_unknown: OnUnknown = OnUnknown.ERROR
) -> Inputs:
    """Return the cluster and the policies in these files and folders.

    A path may be whatever ``cnpc compile`` takes; "-" is standard input. Raises InputError, whose
    ``diagnostics`` are all that is wrong, with file, line and column.
    """
    return manifests.load([fspath(path) for path in paths], on_unknown=on_unknown)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What one node loads: texts by the suffix of their files, in the order of loading.

    They are the bytes that ``cnpc compile`` writes.
    """

    node: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """What the ruleset of a node does with a packet that passes it.

    ``rules`` are the policy rules that it matched, in order, as far as the ruleset still has them
    apart: at level 0 all of them.
    """

    node: str
    allowed: bool
    rules: tuple[str, ...]

    def __str__(self) -> str:
        by = f" by {self.rules[-1]}" if self.rules else ""
        return f"on {self.node}: {'allowed' if self.allowed else 'denied'}{by}"


@dataclass(frozen=True, slots=True)
class PacketVerdict:
    """What becomes of the flow's first packet in one address family, node after node."""

    source: str
    destination: str
    nodes: tuple[NodeVerdict, ...]

    @property
    def allowed(self) -> bool:
        """Whether no node denies it."""
        return all(item.allowed for item in self.nodes)

    def __str__(self) -> str:
        lines = (f"{self.source} -> {self.destination}", *map(str, self.nodes))
        return "\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a flow, in each address family that both ends have."""

    flow: Flow
    packets: tuple[PacketVerdict, ...]

    @property
    def allowed(self) -> bool:
        """Whether it is allowed in every family."""
        return all(item.allowed for item in self.packets)

    def __str__(self) -> str:
        word = "allowed" if self.allowed else "denied"
        lines = [line for item in self.packets for line in str(item).split("\n")]
        return "\n  ".join((f"{word}: {self.flow}", *lines))


class Compiler:
    """Compiles one cluster for any of its nodes; what nodes have in common is computed once."""

    def __init__(
        self,
        cluster: Inputs,
        *,
        backend: str = DEFAULT_BACKEND,
        level: int = DEFAULT_LEVEL,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> None:
        """Take what `load` returned; CnpcError if there is no such backend or level."""
        if backend not in BACKENDS:
            raise CnpcError(f"no backend '{backend}': there are {', '.join(BACKENDS)}")
        if level not in LEVELS:
            raise CnpcError(f"no level {level}: there are {', '.join(map(str, LEVELS))}")
        self._cluster = cluster
        self._backend = BACKENDS[backend]()
        passes = passes_of(self._backend)
        self._pipeline = Pipeline(cluster.snapshot, cluster.policies, options, level, passes)
        self._compilation = Compilation(cluster.snapshot, len(cluster.policies), options, level)
        self._interpreters: dict[str, Interpreter] = {}
        self._ends = Ends(cluster)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes that have a ruleset, in order."""
        return tuple(self._pipeline.resolver.node_names())

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What ``cnpc compile`` warns of, in the order of files and lines."""
        snapshot, policies = self._cluster.snapshot, self._cluster.policies
        found = (
            *self._cluster.warnings,
            *idle(snapshot, policies),
            *conflicts(self._pipeline.resolver, policies),
        )
        return locate(found)

    def ruleset(self, node: str) -> Ruleset:
        """Return what a node loads; CnpcError if the cluster has no such node.

        InputError where the backend cannot express a policy.
        """
        self._check(node)
        built = build_ruleset(self._pipeline, self._backend, self._compilation, node)
        return Ruleset(node, built.texts)

    def verdict(self, flow: Flow) -> Verdict:
        """Return what the compiled rulesets do with a flow.

        CnpcError where an end is not in the cluster, has no address of its own, or shares no
        address family with the other, and where protocol and port do not go together.
        """
        protocol = protocol_of(flow)
        source, destination = self._ends.find(flow.source), self._ends.find(flow.destination)
        packets = tuple(self._packets(source, destination, protocol, flow.port))
        if not packets:
            raise CnpcError(
                f"{flow.source} and {flow.destination} have no address family in common"
            )
        return Verdict(flow, packets)

    def _packets(
        self, source: End, destination: End, protocol: int | None, port: int | None
    ) -> Iterator[PacketVerdict]:
        for family in Family:
            if family in source.addresses and family in destination.addresses:
                number = ICMP[family] if protocol is None else protocol
                start, end = source.addresses[family], destination.addresses[family]
                packet = Packet(family, start, end, number, port, _ECHO_REQUEST)
                nodes = tuple(self._judged(packet, source, destination))
                saddr, daddr = format_address(family, start), format_address(family, end)
                yield PacketVerdict(saddr, daddr, nodes)

    def _judged(self, packet: Packet, source: End, destination: End) -> Iterator[NodeVerdict]:
        """Yield the verdicts on the way.

        What a node sends to its own pods is judged nowhere. A pod reaches itself through a Service.
        """
        for node in source.judged_on:
            yield self._judge(
                node, packet, Hook.INPUT if node == destination.node else Hook.FORWARD
            )
        for node in destination.judged_on:
            if node not in {*source.judged_on, source.node}:
                yield self._judge(node, packet, Hook.FORWARD)

    def _judge(self, node: str, packet: Packet, hook: Hook) -> NodeVerdict:
        interpreter = self._interpreters.get(node)
        if interpreter is None:
            program = self._pipeline.program(node)
            interpreter = self._interpreters[node] = Interpreter(program)
        judgement = interpreter.judge(packet, hook)
        return NodeVerdict(node, judgement.accepted, _rules(judgement))

    def _check(self, node: str) -> None:
        if node not in self.nodes:
            raise CnpcError(f"no node '{node}'")


def _rules(judgement: Judgement) -> tuple[str, ...]:
    return tuple(describe_origins(rule.origins) for _, rule in judgement.met if rule.origins)
