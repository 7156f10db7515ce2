"""Time and memory of a compilation, stage by stage, in a process of its own.

Run as a program: ``compiling.py FILE BACKEND LEVEL DENY_WITH NODE MOST STEM`` writes the node's
texts to the stem with their suffixes, and compiles for so many more nodes at most. The times are
CPU seconds of the one thread that there is: wall time, where nobody else computes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from cnpc.backends.nftables.render import Nftables
from cnpc.backends.registry import BACKENDS, passes_of
from cnpc.compiler.cli.main import collect_rarely
from cnpc.compiler.manifests.core_v1 import PodManifest
from cnpc.compiler.manifests.load import load
from cnpc.compiler.options import DenyWith, Options
from cnpc.compiler.pipeline import Pipeline
from msgspec import Raw, Struct

T = TypeVar("T")


class Compilation(Struct, frozen=True):
    """Seconds and MiB; ``per_node`` is the mean of ``nodes`` nodes after the first.

    ``peak`` is the most memory up to the first node's text, ``peak_all`` up to the last's.
    """

    load: float
    first_program: float
    first_text: float
    nodes: int
    all_nodes: int
    per_node_program: float
    per_node_text: float
    peak: int
    peak_all: int
    text_bytes: int
    rules: int
    sets: int
    elements: int


class _List(Struct):
    items: list[Raw]


def decode_only(path: Path) -> float:
    """Return the CPU seconds of nothing but decoding: pods to structs, the rest to plain values."""
    data = path.read_bytes()
    pods = msgspec.json.Decoder(PodManifest)
    before = time.process_time()
    kept = [
        pods.decode(raw) if b'"Pod"' in bytes(memoryview(raw)[:80]) else msgspec.json.decode(raw)
        for raw in msgspec.json.decode(data, type=_List).items
    ]
    seconds = time.process_time() - before
    assert kept
    return seconds


@dataclass(frozen=True, slots=True)
class Task:
    """What is compiled: a file, the backend and level, the first node, and how many more."""

    path: Path
    level: int
    node: str
    more: int = 0
    backend: str = Nftables.name
    deny_with: DenyWith = DenyWith.DROP

    def measure(self, stem: Path) -> Compilation:
        """Return the measurement of a new process, which writes the first node's texts."""
        way = self.deny_with.value
        words = (self.path, self.backend, self.level, way, self.node, self.more, stem)
        command = (sys.executable, __file__, *map(str, words))
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return msgspec.json.decode(done.stdout, type=Compilation)


def _measure(task: Task, stem: Path) -> Compilation:
    inputs, load_time = _timed(lambda: load([str(task.path)]))
    backend = BACKENDS[task.backend]()
    passes = passes_of(backend)
    options = Options(task.deny_with)
    pipeline, set_up = _timed(
        lambda: Pipeline(inputs.snapshot, inputs.policies, options, task.level, passes)
    )
    node, most = task.node, task.more
    program, first_program = _timed(lambda: pipeline.program(node))
    made, first_text = _timed(lambda: backend.build(program, ()))
    peak = _peak()
    for suffix, text in made.texts.items():
        stem.with_name(f"{stem.name}.{suffix}").write_text(text)
    others = [name for name in pipeline.resolver.node_names() if name != node]
    chosen = others[:: max(1, len(others) // max(1, most))][:most]
    programs = texts = 0.0
    for name in chosen:
        one, seconds = _timed(partial(pipeline.program, name))
        programs += seconds
        texts += _timed(partial(backend.build, one, ()))[1]
    return Compilation(
        load=load_time,
        first_program=set_up + first_program,
        first_text=first_text,
        nodes=len(chosen),
        all_nodes=len(others) + 1,
        per_node_program=programs / max(1, len(chosen)),
        per_node_text=texts / max(1, len(chosen)),
        peak=peak,
        peak_all=_peak(),
        text_bytes=sum(map(len, made.texts.values())),
        rules=made.size.rules,
        sets=made.size.sets,
        elements=made.size.elements,
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    before = time.process_time()
    result = work()
    return result, time.process_time() - before


def _peak() -> int:
    """Return the most MiB that the process has had; getrusage(2) would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    collect_rarely()  # as the program does
    file, kind, number, way, first, others, target = sys.argv[1:]
    task = Task(Path(file), int(number), first, int(others), kind, DenyWith(way))
    found = _measure(task, Path(target))
    sys.stdout.buffer.write(msgspec.json.encode(found))
