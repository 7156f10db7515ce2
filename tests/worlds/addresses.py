"""The address plan of all worlds, and CIDRs around the addresses in use."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random

from worlds.chance import chance
from worlds.world import Manifest

IPV4_OUTSIDE = ("198.51.100.7", "198.51.100.8", "192.0.2.1")
IPV6_OUTSIDE = ("2001:db8::7", "2001:db8::8", "2001:db8:1::1")
_LENGTHS = {
    4: (32, 31, 30, 29, 28, 24, 23, 16, 8, 1, 0),
    6: (128, 127, 126, 125, 124, 120, 64, 63, 48, 16, 1, 0),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which families a world has; nodes and pods count from 1."""

    ipv4: bool
    ipv6: bool

    def pod(self, node: int, number: int) -> list[str]:
        """Return a pod's addresses; neighbours in number are neighbours in address."""
        return self._of(f"10.244.{node}.{number + 7}", f"fd00:10:244:{node}::{number + 7:x}")

    def node(self, node: int) -> list[str]:
        """Return a node's internal addresses."""
        return self._of(f"172.18.0.{node + 10}", f"fd00:172:18::{node + 16:x}")

    def external(self, node: int) -> list[str]:
        """Return a node's external addresses."""
        return self._of(f"203.0.113.{node + 10}", f"2001:db8:cafe::{node + 16:x}")

    def outside(self) -> tuple[str, ...]:
        """Return addresses of the world outside."""
        return (IPV4_OUTSIDE if self.ipv4 else ()) + (IPV6_OUTSIDE if self.ipv6 else ())

    def _of(self, ipv4: str, ipv6: str) -> list[str]:
        return [ipv4] * self.ipv4 + [ipv6] * self.ipv6


def cidr(random: Random, addresses: list[str]) -> str:
    """Return a CIDR around one of the addresses, now and then with host bits set."""
    address = random.choice(addresses)
    lengths = _LENGTHS[ip_address(address).version]
    length = random.choice(lengths)
    network = ip_network(f"{address}/{length}", strict=False)
    return f"{address}/{length}" if chance(random, 0.05) else str(network)


def cidrs(random: Random, addresses: list[str], most: int) -> list[str]:
    """Return different CIDRs that may overlap, often of one family only."""
    chosen = addresses
    if chance(random, 0.4):
        version = random.choice([4, 6])
        chosen = [item for item in addresses if ip_address(item).version == version] or addresses
    return list(dict.fromkeys(cidr(random, chosen) for _ in range(random.randint(1, most))))


def ip_block(random: Random, addresses: list[str]) -> Manifest:
    """Return an ipBlock; exceptions are strictly inside it, and may overlap each other."""
    block: Manifest = {"cidr": cidr(random, addresses)}
    if chance(random, 0.5):
        block["except"] = _exceptions(random, block["cidr"], addresses)
    return block


def _exceptions(random: Random, outer_text: str, addresses: list[str]) -> list[str]:
    outer = ip_network(outer_text, strict=False)
    inside = [item for item in addresses if ip_address(item) in outer]
    inside += [str(outer[0]), str(outer[-1])]
    longer = [length for length in _LENGTHS[outer.version] if length > outer.prefixlen]
    if not longer:
        return []
    return [
        str(ip_network(f"{random.choice(inside)}/{random.choice(longer)}", strict=False))
        for _ in range(random.randint(0, 3))
    ]
