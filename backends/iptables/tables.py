"""Which of iptables' tables judge a ruleset, and by which of its rules.

An ACCEPT ends one table alone, so whoever inserts a jump into ``filter`` and accepts there, as
kube-proxy, CNI plugins and docker do, neither judges before a table that comes earlier nor for one
that comes later.

``mangle`` comes before ``filter`` and behind DNAT (priority -150; netfilter_ipv4.h), and every
kernel that iptables works on has it: kubelet and kube-proxy put chains there. Rules that deny drop
in FORWARD and INPUT of it, ahead of whatever rules of others in ``filter`` do with a packet.

REJECT is for ``filter`` alone (ipt_REJECT.c). Rules that answer stand there, in front; and again,
with DROP instead, in ``security``, which comes behind ``filter`` (priority 50, with iptables-nft
150): what somebody in front of ours accepts is not answered, but dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DROPPING = ("mangle",)
"""The tables of a ruleset that answers nothing."""
REJECTING = ("filter", "security")
"""The tables of a ruleset that rejects."""
EARLIER = ("filter",)
"""The tables of every ruleset that cnpc wrote before it had the two above."""

_REJECT = re.compile(r" -j REJECT --reject-with \S+$")


def tables_for(rules: Iterable[str]) -> tuple[str, ...]:
    """Return the tables that judge a ruleset of the rules, in the order in which packets come."""
    rejects = any(" -j REJECT " in rule and _REJECT.search(rule) for rule in rules)
    return REJECTING if rejects else DROPPING


def rules_in(table: str, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Return the rules of a chain as they stand in one of its tables."""
    if table not in REJECTING[1:]:
        return rules
    return tuple(_REJECT.sub(" -j DROP", rule) for rule in rules)
