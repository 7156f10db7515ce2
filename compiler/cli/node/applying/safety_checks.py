"""What commands load only if told to: rulesets that seem to be given by mistake."""

from __future__ import annotations

from ....errors import CnpcError
from ...output.messages import count
from ...rulesets.read_header import Header
from ..options import Permits


def check_permitted(new: Header, old: Header | None, permits: Permits) -> None:
    """Raise CnpcError where the ruleset is refused, with the option that allows it."""
    if old is None:
        return
    if not permits.other_node and old.node and new.node and old.node != new.node:
        raise CnpcError(
            f"this is the ruleset of node {new.node}, and that of node {old.node} is in force; "
            "--force takes it all the same"
        )
    if not permits.empty and old.policies and loses_all(new):
        number = count(len(old.policies), "policy is", "policies are")
        raise CnpcError(
            f"this ruleset has no policies, and {number} in force; "
            "--allow-empty takes it all the same"
        )


def loses_all(header: Header) -> bool:
    """Tell whether the ruleset has no policies, and not because the node has no pods any more."""
    drained = bool(header.pods == () and header.policies_read and header.endpoints)
    return not header.policies and not drained
