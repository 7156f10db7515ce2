"""A flow's verdict by the compiled Programs, on its way through the hooks of its nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook
from cnpc.compiler.ir.match import State as ProgramState
from cnpc.compiler.ir.program import Program, Terminal
from cnpc.compiler.manifests.load import Inputs, OnUnknown, load
from cnpc.compiler.net import Protocol, parse_address
from cnpc.compiler.options import Options
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline, checked
from oracle import Flow, Hop, Judgement, Oracle


@dataclass(frozen=True, slots=True)
class Difference:
    """A flow that some stage of the compiler judges unlike the oracle."""

    flow: Flow
    stage: str
    hop: Hop
    verdict: Terminal
    judgement: Judgement

    def __str__(self) -> str:
        where = f"in {self.hop.hook} of {self.hop.node}"
        return f"{self.flow}\n{self.verdict.value} {where} after {self.stage}\n{self.judgement}"


_DENIALS = {
    None: Terminal.DROP,
    "reset": Terminal.REJECT_RESET,
    "prohibited": Terminal.REJECT_PROHIBITED,
}


def read(documents: Iterable[dict[str, Any]], *, unknown: bool) -> Inputs:
    """Return the manifests as the front end reads them; JSON is YAML, and quick to write."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
    on_unknown = OnUnknown.FAIL_CLOSED if unknown else OnUnknown.ERROR
    return load(["-"], stdin=BytesIO(text.encode()), on_unknown=on_unknown)


class Compilation:
    """The Programs of all nodes of a cluster, after each stage of each level."""

    def __init__(self, inputs: Inputs, options: Options) -> None:
        """Compile; AssertionError if a stage makes an invalid Program."""
        self._programs: dict[str, dict[Program, tuple[str, Interpreter]]] = {}
        for level in PASSES:
            pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level)
            for node in pipeline.resolver.node_names():
                known = self._programs.setdefault(node, {})
                pipeline.program(node, partial(_keep, known, level))

    def differences(self, oracle: Oracle, flow: Flow) -> list[Difference]:
        """Return where a stage's Program judges the flow unlike the oracle, hook by hook."""
        judgement = oracle.judge(flow)
        packet = to_packet(flow)
        found = []
        for hop in oracle.per_node(flow):
            allowed = all(getattr(judgement, way).allowed for way in hop.directions)
            expected = Terminal.ACCEPT if allowed else _DENIALS[judgement.answer]
            for stage, evaluator in self._programs[hop.node].values():
                verdict = evaluator.judge(packet, Hook(hop.hook)).verdict
                if verdict is not expected:
                    found.append(Difference(flow, stage, hop, verdict, judgement))
        return found


def _keep(
    known: dict[Program, tuple[str, Interpreter]], level: int, stage: str, program: Program
) -> None:
    """Check a stage's program, and keep it with its evaluator if no stage made it before."""
    checked(stage, program)
    if program not in known:
        known[program] = (f"{stage} (-O{level})", Interpreter(program))


def to_packet(flow: Flow) -> Packet:
    """Return the flow's first packet."""
    family, source = parse_address(flow.source)
    _, destination = parse_address(flow.destination)
    is_icmp6 = flow.protocol == Protocol.ICMPV6 and flow.icmp_type is not None
    return Packet(
        family=family,
        saddr=source,
        daddr=destination,
        protocol=flow.protocol,
        dport=flow.port,
        icmp6_type=flow.icmp_type if is_icmp6 and flow.icmp_type is not None else -1,
        state=ProgramState(flow.state.value),
    )
