"""Loads what was saved, where it was saved on this machine, and for this node."""

from __future__ import annotations

from ....backends.apply.engine import Engine
from ....backends.apply.record import Version
from ....backends.linux.machine_id import is_called, machine
from ...errors import NodeError
from ..output.messages import report_warning
from ..rulesets.read import header_of_texts


def boot_last(engine: Engine) -> Version | None:
    """Put the saved version in force, and return it; None where none is saved.

    NodeError where the folder was copied from another machine, as with the image of a node.
    """
    record = engine.read()
    version = record.at_boot
    if version and record.machine not in {"", machine()}:
        state = engine.view.state
        node = header_of_texts(state.texts(version)).node
        if node and not is_called(node):
            raise NodeError(
                f"{state.path} was copied from another machine, and has the ruleset of node {node};"
                " apply this node's"
            )
    return engine.boot(report_warning)


def load_if_missing(engine: Engine) -> None:
    """Put in force what was loaded last, where that was not since this boot; NodeError as above."""
    record = engine.read()
    here = record.kernel is not None and record.kernel.place == engine.place()
    if not here and record.at_boot:
        boot_last(engine)
