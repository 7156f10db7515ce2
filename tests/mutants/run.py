"""``make mutants``: changes modules one at a time, and tells which changes no test notices.

Run as a program: ``run.py COUNT [SEED]``. Works in copies of the checkout, one for each processor,
and writes a line for each change as it is judged; survivors with what was changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from random import Random

from mutants.changes import Change, changes

ROOT = Path(__file__).parents[2]

LEFT_OUT = ("backends/apply", "backends/linux", "compiler/cli/node", "node")
"""Folders, or names of folders, whose tests need root, a kernel and minutes for each change."""

_BROAD = (
    "tests/end_to_end/test_golden.py",
    "tests/end_to_end/test_bad.py",
    "tests/test_api.py",
    "tests/end_to_end/test_semantics.py",
    "tests/compiler/passes/test_passes.py",
    "tests/compiler/cli/output",
)
"""What every change is tried with that the tests of its folder do not notice."""

_QUICK = "not requires_root_and_nft and not requires_apiserver and not requires_commands"
_LONGEST = 900
"""Seconds; a change that makes the tests run for so long is noticed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module, as a path in the checkout, and a change to it."""

    module: str
    change: Change

    def __str__(self) -> str:
        change = self.change
        return f"{self.module}:{change.line}: {change.before}  ->  {change.after}"


def mutants(count: int, seed: int) -> list[Mutant]:
    """Return so many mutants, drawn evenly from all changes to all modules."""
    found = [
        Mutant(str(path.relative_to(ROOT)), change)
        for path in sorted((*ROOT.glob("compiler/**/*.py"), *ROOT.glob("backends/**/*.py")))
        if not _is_left_out(path.parent.relative_to(ROOT))
        for change in changes(path.read_text())
    ]
    return Random(seed).sample(found, min(count, len(found)))  # noqa: S311 - reproducible


def _is_left_out(folder: Path) -> bool:
    return str(folder).startswith(LEFT_OUT[:3]) or folder.name == LEFT_OUT[3]


def stages(module: str) -> Iterator[Sequence[str]]:
    """Yield the tests to try a module's change with: its own, its folder's, those of the whole."""
    folder = Path("tests") / Path(module).parent
    own = folder / f"test_{Path(module).name}"
    if (ROOT / own).is_file():
        yield (str(own),)
    if folder not in {Path("tests/compiler"), Path("tests/backends")}:
        files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).glob("test_*.py"))
        if files:
            yield files
    yield _BROAD


def is_noticed(mutant: Mutant, copy: Path) -> bool:
    """Tell whether a test fails where the copy of the checkout has the change."""
    path = copy / "cnpc" / mutant.module
    source = path.read_text()
    _write(path, mutant.change.applied(source))
    try:
        return any(_fails(tests, copy) for tests in stages(mutant.module))
    finally:
        _write(path, source)


def _write(path: Path, text: str) -> None:
    """Write a module later than the last time, in whole seconds, by which bytecode is outdated."""
    later = path.stat().st_mtime + 1
    path.write_text(text)
    os.utime(path, (later, later))


def _fails(tests: Sequence[str], copy: Path) -> bool:
    argv = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", _QUICK)
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": ""}
    try:
        done = subprocess.run(
            (*argv, *tests),
            cwd=copy / "cnpc",
            env=environment,
            capture_output=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    no_tests = 5  # pytest.ExitCode.NO_TESTS_COLLECTED
    return done.returncode not in {0, no_tests}


def main(count: int, seed: int) -> None:
    """Judge so many mutants, as many at a time as there are processors."""
    workers = len(os.sched_getaffinity(0))
    noticed, all_of = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: Queue[Path] = Queue()
        for number in range(workers):
            copies.put(_copy(Path(folder) / str(number)))

        def judge(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return is_noticed(mutant, copy)
            finally:
                copies.put(copy)

        chosen = mutants(count, seed)
        for mutant, found in zip(chosen, pool.map(judge, chosen), strict=True):
            _say(f"{'killed  ' if found else 'SURVIVED'} {mutant}")
            room = str(Path(mutant.module).parent)
            all_of[room] += 1
            noticed[room] += found
    for room, number in sorted(all_of.items()):
        _say(f"| {room} | {number} | {noticed[room]} |")
    _say(f"| all | {all_of.total()} | {noticed.total()} |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _copy(folder: Path) -> Path:
    """Copy the checkout below a folder, where Python finds it before the installed one."""
    ignored = shutil.ignore_patterns(".git", ".venv", "out", "build", "*.egg-info", ".*_cache")
    shutil.copytree(ROOT, folder / "cnpc", ignore=ignored, symlinks=True)
    return folder


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
