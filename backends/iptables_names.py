"""What the parts of a ruleset for iptables are called."""

from __future__ import annotations

BACKEND = "iptables"
SUFFIXES = ("ipset", "v4", "v6")
FAMILIES = SUFFIXES[1:]
OWN = "CNPC-"
"""What the names of our chains begin with."""
OWN_SET = "cnpc-"
"""What the names of our sets begin with."""
