"""How large an nftables ruleset is, with what is in its rules."""

from __future__ import annotations

from cnpc.backends.stats.nftables_size import nft_size
from cnpc.compiler.ir.parser import parse_program

SOURCE = """program "n"

set nets6 ipv6 address {
  fd00::-fd00::ffff
  fe80::1-fe80::3
}

set nobody ipv4 address {
}

set pods4 ipv4 address {
  10.0.0.1
  10.0.0.2
}

map ports ipv4 address . protocol . port {
  10.0.0.9 . tcp . 80 : goto quiet
}

chain forward hook forward {
  state invalid,related jump quiet
  saddr @pods4 tcp 80,8000-8010 return
  saddr 10.0.0.1-10.0.0.9,10.0.1.1 drop
  lookup saddr . protocol . dport in ports
  protocol icmp,icmpv6 drop
  icmp6-type 1,2,133-137 accept
}

chain quiet {
}
"""


def test_the_size_counts_what_is_in_rules_too() -> None:
    found = nft_size(parse_program(SOURCE))
    assert (found.chains, found.rules) == (2, 6)
    assert (found.sets, found.maps, found.anonymous) == (7, 1, 4)
    assert found.elements == (2 + 0 + 2) + 1 + (2 + 2 + 2 + 3)


def kernel_bytes(source: str) -> int:
    return nft_size(parse_program(f'program "n"\n\n{source}')).kernel_bytes


def test_a_set_of_ports_takes_its_bitmap_and_one_of_ranges_does_not() -> None:
    def of_ports(ports: str) -> int:
        return kernel_bytes(f"chain c {{\n  tcp {ports} drop\n}}\n")

    assert of_ports("1,3") > 30_000 > of_ports("1-2,4-5")


def test_values_in_rules_take_what_those_of_a_set_for_ipv4_do() -> None:
    def of_protocols(protocols: str) -> int:
        return kernel_bytes(f"chain c {{\n  protocol {protocols} drop\n}}\n")

    named = kernel_bytes("set s ipv4 protocol {\n  tcp\n  udp\n}\n") - kernel_bytes(
        "set s ipv4 protocol {\n}\n"
    )
    one_more = of_protocols("tcp,udp,sctp") - of_protocols("tcp,udp")
    assert 2 * one_more == named


def test_an_element_takes_more_the_more_there_is_to_it() -> None:
    def of_one(family: str, key: str, element: str) -> int:
        return kernel_bytes(f"set s {family} {key} {{\n  {element}\n}}\n")

    found = [
        of_one("ipv4", "address", "10.0.0.1"),
        of_one("ipv6", "address", "fd00::1"),
        of_one("ipv6", "address", "fd00::1-fd00::2"),
        of_one("ipv4", "address . protocol . port", "10.0.0.1 . tcp . 80-90"),
    ]
    assert found == sorted(set(found))
