"""Fields of versions to come: input that only ``--on-unknown fail-closed`` takes."""

from __future__ import annotations

from random import Random

from worlds.chance import chance
from worlds.world import Manifest

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
