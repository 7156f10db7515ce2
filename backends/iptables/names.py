"""What the parts of a ruleset for iptables are called."""

from __future__ import annotations

BACKEND = "iptables"
SUFFIXES = ("ipset", "v4", "v6")
FAMILIES = SUFFIXES[1:]
HOOKS = ("FORWARD", "INPUT")
"""The host's chains that jump to ours."""
TABLES = ("mangle", "filter", "security")
"""The tables of the host that may have chains of ours, in the order in which packets come."""
OWN = "CNPC-"
"""What the names of our chains begin with."""
OWN_SET = "cnpc-"
"""What the names of our sets begin with."""
