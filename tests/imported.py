"""What a run of cnpc imports: most of a short run's time goes into that."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from command import Done, run

_PROGRAM = """
import sys
from cnpc.compiler.cli.main import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
_DEAR = ("jinja2", "lark", "msgspec", "tempfile", "yaml")


@dataclass(frozen=True, slots=True)
class Imported:
    """The product's modules, without its name, and those of others that take long."""

    own: frozenset[str]
    dear: frozenset[str]


def imported(*arguments: str, environment: Mapping[str, str] | None = None) -> Imported:
    """Return what a run imported; it must end well, and say nothing on standard error itself."""
    done: Done = run(sys.executable, "-c", _PROGRAM, *arguments, environment=environment)
    assert done.code == 0, done.err
    modules = done.err.split()
    own = (name.removeprefix("cnpc.") for name in modules if name.startswith("cnpc."))
    return Imported(frozenset(own), frozenset(name for name in _DEAR if name in modules))


START = frozenset(
    {
        "compiler",
        "compiler.cli",
        "compiler.cli.lazy",
        "compiler.cli.main",
        "compiler.cli.output",
        "compiler.cli.output.messages",
        "compiler.errors",
    }
)
"""What every run imports."""
