"""How compile time grows with each thing that can be many: three sizes, each twice the one before.

Run as a program: ``growth.py [--quick] [WORD...]`` prints a table of the rows whose names hold a
word, all without any. Seconds are CPU time of reading, checking and compiling one node; the growth
is that of the second doubling: 2 is linear, 4 quadratic.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from clusters.growing import GROWING
from clusters.objects import write_list
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.cli.main import collect_rarely
from cnpc.compiler.lowering.equal_priority import conflicts
from cnpc.compiler.lowering.unmatched import idle
from cnpc.compiler.manifests.load import load
from cnpc.compiler.pipeline import Pipeline
from msgspec import Struct

LEVELS = (0, 1, 2)
_QUICK = 20


class Growth(Struct, frozen=True):
    """CPU seconds by size, smallest first, at one level."""

    name: str
    level: int
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def last(self) -> float:
        """How often the time of the second size goes into that of the third, twice as large."""
        return self.seconds[2] / self.seconds[1]


def measure(words: Sequence[str] = (), *, quick: bool = False) -> Iterator[Growth]:
    """Yield what was measured, row by row; quick runs take a twentieth of the sizes."""
    with tempfile.TemporaryDirectory(prefix="cnpc-growth-") as folder:
        path = Path(folder) / "cluster.json"
        for name, (make, start) in GROWING.items():
            if words and not any(word in name for word in words):
                continue
            first = start // (_QUICK if quick else 1)
            sizes = (first, 2 * first, 4 * first)
            found: dict[int, list[float]] = {level: [] for level in LEVELS}
            for size in sizes:
                write_list(path, make(size))
                for level in LEVELS:
                    found[level].append(_in_a_process(path, level))
            for level, seconds in found.items():
                yield Growth(name, level, sizes, tuple(seconds))


def _in_a_process(path: Path, level: int) -> float:
    command = (sys.executable, __file__, "--one", str(path), str(level))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=float)


def _compile(path: str, level: int) -> float:
    before = time.process_time()
    inputs = load([path])
    pipeline = Pipeline(inputs.snapshot, inputs.policies, level=level)
    conflicts(pipeline.resolver, inputs.policies)
    idle(inputs.snapshot, inputs.policies)
    Nftables().build(pipeline.program("node-0000"), ())
    return time.process_time() - before


def line(growth: Growth) -> str:
    """Return one row of the table."""
    sizes = " / ".join(f"{size:,}" for size in growth.sizes)
    seconds = " / ".join(f"{item:.2f}" for item in growth.seconds)
    return f"| {growth.name} | {sizes} | -O{growth.level} | {seconds} | {growth.last:.1f} |"


def main(arguments: Sequence[str]) -> None:
    """Print the table, or measure one compilation for it."""
    if arguments[:1] == ["--one"]:
        collect_rarely()  # as the program does
        print(_compile(arguments[1], int(arguments[2])))  # noqa: T201 - the result
        return
    quick = "--quick" in arguments
    words = [word for word in arguments if not word.startswith("--")]
    print("| what doubles | sizes | level | CPU s | last doubling |\n|---|---|---|---|---|")  # noqa: T201 - the result
    for growth in measure(words, quick=quick):
        print(line(growth), flush=True)  # noqa: T201 - the result


if __name__ == "__main__":
    main(sys.argv[1:])
