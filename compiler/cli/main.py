"""The ``cnpc`` program: finds the command, and turns every failure into a message and exit code."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

import click

from ... import __version__
from ..errors import CnpcError, InputError, NodeError
from .lazy import lazy_import
from .output.messages import abandon_standard_output, report_message

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "apply": ("node.apply", "Put a ruleset in force on this node, atomically."),
    "boot": ("node.boot", "Load the saved ruleset; for the system's start."),
    "compile": ("compile", "Compile policies and a cluster snapshot to a ruleset for each node."),
    "stats": ("stats", "Count what a node's ruleset holds, and what new connections meet in it."),
    "diff": ("node.diff", "Show what apply would change on this node."),
    "doctor": ("node.doctor", "Find what this node lacks, with the remedy."),
    "flush": ("node.flush", "Remove everything that apply loaded, and nothing else."),
    "rollback": ("node.rollback", "Put the version before in force again."),
    "save": ("node.save", "Keep a ruleset for the next boot."),
    "status": (
        "node.status",
        "Show what is in force on this node, since when, and whether it was changed.",
    ),
}
"""Each command's module, imported only when it runs, and what ``cnpc -h`` says of it."""

_EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h(3head)
_SIGNALLED = 128  # added to the number of the signal that ended it, as shells report it
_EXIT_INTERRUPTED = _SIGNALLED + signal.SIGINT

_STREAMS = (
    ("stdin", os.O_RDONLY, "r"),
    ("stdout", os.O_RDONLY, "w"),  # so that whatever is written to it is refused
    ("stderr", os.O_WRONLY, "w"),
)
"""What a stream that the caller closed becomes: no input, no room for output, nobody who reads."""

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


_EPILOG = (
    "Exit codes: 0 done, 1 the answer is no, 2 the input is wrong, 3 the node refused, "
    "70 a bug in cnpc, 130 interrupted, 143 terminated."
)


class _LazyGroup(click.Group):
    """A group that imports a command's module, and all it needs, only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = lazy_import(_COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named first; UsageError suggests one that is like it."""
        name = args[0]
        if name in _COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = lazy_import("suggest").command_for(name, _COMMANDS)
        hint = f"Did you mean 'cnpc {near}'?" if near else f"There are {', '.join(_COMMANDS)}."
        raise click.UsageError(f"No such command '{name}'. {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup, context_settings=_CONTEXT, epilog=_EPILOG)
@click.version_option(__version__, "--version", prog_name="cnpc", message="%(prog)s %(version)s")
def cli() -> None:
    """Compile Kubernetes network policy to packet filters."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave the process with its exit code."""
    _replace_closed_streams()
    signal.signal(signal.SIGTERM, _terminate)
    collect_rarely()
    sys.exit(_run(arguments))


def collect_rarely() -> None:
    """Let the cycle collector look at new objects only now and then.

    Frozen values make few cycles, and large clusters hundreds of thousands of them: collecting at
    every 700, as Python does, takes a third of the time in which 1,000 nodes are compiled.
    """
    gc.set_threshold(100_000, 50, 1_000)


def _terminate(number: int, _frame: FrameType | None) -> None:
    """Leave by way of every ``finally``, so that nothing half-made stays behind."""
    sys.exit(_SIGNALLED + number)


def _replace_closed_streams() -> None:
    """Open what the caller closed, empty, so that no file of ours gets its descriptor."""
    for name, flags, mode in _STREAMS:
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8")
            setattr(sys, name, stream)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return _exit_code(cli.main(arguments, prog_name="cnpc", standalone_mode=False))
    except click.ClickException as usage:
        with contextlib.suppress(OSError):  # standard error is full or has no reader
            usage.show()
        return usage.exit_code
    except (click.Abort, KeyboardInterrupt):
        report_message("interrupted")
        return _EXIT_INTERRUPTED
    except InputError as wrong:
        lazy_import("output.diagnostics").report_failure(wrong)
        return wrong.exit_code
    except CnpcError as failure:
        report_message(f"error: {failure}")
        return failure.exit_code
    except BrokenPipeError:
        abandon_standard_output()  # its reader has left
        return 0
    except OSError as refusal:  # of what click prints: files have messages of their own
        abandon_standard_output()
        report_message(f"error: {refusal.strerror or refusal}")
        return NodeError.exit_code
    except Exception as bug:
        if os.environ.get("CNPC_TRACEBACK"):
            raise
        report_message(f"internal error: {type(bug).__name__}: {bug}")
        report_message("this is a bug in cnpc; CNPC_TRACEBACK=1 shows where it happened")
        return _EXIT_BUG


def _exit_code(result: object) -> int:
    return result if isinstance(result, int) else 0
