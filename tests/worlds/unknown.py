"""Fields of versions to come, and what a server takes that cannot be told: input that only
``--on-unknown fail-closed`` takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from worlds.chance import chance
from worlds.world import Manifest

LAX_CIDRS = ("010.020.0.0/16", "10.0.0.0/08", "::ffff:10.0.0.0/104")
"""Blocks that the API server takes, and others read as they please."""

_SELECTORS = ("namespaces", "namespaceSelector", "podSelector", "nodes")
_OLD_VALUE = {"key": "tenant", "operator": "In", "values": ["x", "no value"]}
_CONDITIONS = (
    _OLD_VALUE,
    {"key": "app", "operator": "Near", "values": ["a"]},
    {"key": "app", "operator": "NotIn"},
    {"key": "env", "operator": "Exists", "values": ["prod"]},
    {"key": "no key", "operator": "DoesNotExist"},
)
_PEER_LISTS = {"ingress": "from", "egress": "to"}
_PORT_LISTS = ("protocols", "ports")


def add_unknown(random: Random, policy: Manifest) -> None:
    """Put something unknown into some of the policy's rules, peers and ports."""
    for direction, peers in _PEER_LISTS.items():
        for rule in policy["spec"].get(direction, []):
            _add_to(random, rule.get(peers, []), _unknown_peer(random, direction))
            for ports in _PORT_LISTS:
                _add_to(random, rule.get(ports, []), random.choice([{"quic": {}}, {"tls": "sni"}]))
            if chance(random, 0.05):
                rule["schedule"] = "weekdays"


def add_undecided(random: Random, policy: Manifest) -> None:
    """Put what no server checks into some of the policy's selectors and blocks, and null."""
    is_network_policy = policy["kind"] == "NetworkPolicy"
    conditions = (_OLD_VALUE,) if is_network_policy else _CONDITIONS
    for name, value in list(_mappings(policy["spec"])):
        if name in _SELECTORS and set(value) <= {"matchLabels", "matchExpressions"}:
            if chance(random, 0.05):
                added = random.choice(conditions)
                value["matchExpressions"] = [*value.get("matchExpressions", ()), added]
            if is_network_policy and value.get("matchLabels") and chance(random, 0.1):
                value["matchLabels"][next(iter(value["matchLabels"]))] = None
        if name == "ipBlock" and chance(random, 0.1):
            value["cidr"] = random.choice(LAX_CIDRS)
            value.pop("except", None)


def _mappings(value: object, name: str = "") -> Iterator[tuple[str, Manifest]]:
    """Return all mappings with what they are called."""
    if isinstance(value, dict):
        yield name, value
        for key, inner in value.items():
            yield from _mappings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _mappings(inner, name)


def _add_to(random: Random, entries: list[Manifest], entry: Manifest) -> None:
    """Add an unknown entry, or an unknown field to one that is known."""
    if not entries or not chance(random, 0.3):
        return
    if chance(random, 0.5):
        entries.insert(random.randint(0, len(entries)), entry)
    else:
        chosen = random.choice(entries)
        inner = [value for value in chosen.values() if isinstance(value, dict)]
        random.choice([chosen, *inner])["future"] = {}


def _unknown_peer(random: Random, direction: str) -> Manifest:
    if direction == "ingress" and chance(random, 0.3):
        return {"nodes": {}}
    return random.choice([{"services": {}}, {"identities": ["spiffe://x"]}])
