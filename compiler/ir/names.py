"""Names that stay: a readable prefix and a hash of what the thing is.

A set's name follows from its selector and not from what that selects today, so that a pod's coming
changes elements and not rules. A chain's name follows from its rules, but where map elements by the
thousand lead to it, from something that stays when the rules change.
"""

from __future__ import annotations

import hashlib

from ..net import Family

_DIGITS = 12  # of 4 bits each: among 10,000 names, two are equal once in five million programs

STABLE_IDS = 16**_DIGITS
"""How many numbers there are for hashes."""

NETWORKS = "nets"
"""What the names of sets begin with that CIDRs of policies make, and not endpoints."""

SELF = "self"
"""What the names of maps begin with that say what becomes of what pods send to themselves."""

_SUFFIX = {Family.IPV4: "4", Family.IPV6: "6"}


def family_name(prefix: str, family: Family, suffix: str = "") -> str:
    """Return the name of a thing of which there is one a family, such as ``egress4_np``."""
    return f"{prefix}{_SUFFIX[family]}{suffix}"


def hashed_name(prefix: str, family: Family, content: str) -> str:
    """Return the prefix, the family's digit and a hash of the content."""
    return digest_name(family_name(prefix, family), content)


def digest_name(prefix: str, content: str) -> str:
    """Return the prefix and a hash of the content."""
    return f"{prefix}_{_digest(content).hexdigest()}"


def numbered_name(prefix: str, number: int) -> str:
    """Return the prefix and a number that a hash gave."""
    return f"{prefix}_{number:0{_DIGITS}x}"


def digest_number(content: str) -> int:
    """Return a hash of the content as a number."""
    return int.from_bytes(_digest(content).digest())


def _digest(content: str) -> hashlib.blake2b:
    return hashlib.blake2b(content.encode(), digest_size=_DIGITS // 2)
