"""What stands before the policies of pods: connection states, neighbour discovery, dispatch.

New connections pass two rules before the look-up of their addresses: established packets are
accepted first, and whatever is not plainly new goes through one side chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir.match import (
    Field,
    Hook,
    Icmp6TypeMatch,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from ..ir.names import family_name
from ..ir.program import Chain, Jump, Lookup, Rule, Set, Terminal, Verdict
from ..model.policy import Direction
from ..net import ANY_PORT, Family, Protocol

DENY_CHAIN = "deny"
_UNUSUAL_CHAIN = "unusual"
_PAIR = (Field.SADDR, Field.DADDR)

# Neighbour and router discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810).
_NEIGHBOUR_TYPES = ((130, 137), (143, 143))


def local_set_name(family: Family) -> str:
    """Return the name of the set of all endpoint addresses of the node."""
    return family_name("local", family)


def isolated_chain_name(direction: Direction, family: Family) -> str:
    """Return the name of the chain where packets end that no NetworkPolicy allows."""
    return family_name(f"isolated_{direction.value}", family)


def base_chain(hook: Hook, dispatch: Iterable[Lookup]) -> Chain:
    """Return the hook's chain: states first, then the look-ups that lead to the pods' chains."""
    rules = [
        Rule((StateMatch((State.ESTABLISHED,)),), Terminal.ACCEPT),
        Rule((StateMatch((State.INVALID, State.RELATED, State.UNTRACKED)),), Jump(_UNUSUAL_CHAIN)),
        *(Rule((), lookup) for lookup in dispatch),
    ]
    return Chain(hook.value, tuple(rules), hook)


def unusual_chain(local: Sequence[Set]) -> Chain:
    """Return the chain for what is not a plain new connection.

    Neighbour discovery is untracked; redirects are invalid, or related on newer kernels
    (nf_conntrack_proto_icmpv6.c).
    Errors that connection tracking relates to a connection pass; any other related packet is
    judged as new. Invalid packets are dropped if an endpoint of this node is at either end.
    """
    icmp = ProtocolMatch((Protocol.ICMP, Protocol.ICMPV6))
    rules = [
        Rule((StateMatch((State.RELATED,)), icmp), Terminal.ACCEPT),
        Rule((Icmp6TypeMatch(_NEIGHBOUR_TYPES),), Terminal.ACCEPT),
    ]
    rules += [
        Rule((StateMatch((State.INVALID,)), SetMatch((field,), item.name)), Terminal.DROP)
        for item in local
        for field in (Field.SADDR, Field.DADDR)
    ]
    return Chain(_UNUSUAL_CHAIN, tuple(rules))


def contested_chain(deny: Verdict) -> Chain:
    """Return the chain for addresses of which nobody can tell what pod has them."""
    return Chain("contested", (Rule((), deny),))


def reject_chain() -> Chain:
    """Return the chain that denies with an answer: a reset for TCP, else an ICMP error."""
    return Chain(DENY_CHAIN, _REJECT)


def isolated_chain(name: str, self_map: str, *, rejecting: bool) -> Chain:
    """Return the chain that denies what isolation does, but for what a pod sends to itself.

    The map has what becomes of that, by the pod's address at both ends. It is asked last, so that
    no packet that a policy allows pays for it.
    """
    deny = _REJECT if rejecting else (Rule((), Terminal.DROP),)
    return Chain(name, (Rule((), Lookup(_PAIR, self_map)), *deny))


_REJECT = (
    Rule((PortMatch(Protocol.TCP, ANY_PORT),), Terminal.REJECT_RESET),
    Rule((), Terminal.REJECT_PROHIBITED),
)
