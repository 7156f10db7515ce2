from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from cnpc.compiler.net import (
    Family,
    Interval,
    Prefix,
    contains,
    format_address,
    intersect,
    normalize,
    parse_address,
    parse_prefix,
    parse_status_address,
    prefixes,
    subtract,
)
from hypothesis import given
from hypothesis import strategies as st

SMALL = st.integers(0, 40)
INTERVALS = st.lists(st.tuples(SMALL, SMALL).map(lambda pair: (min(pair), max(pair))), max_size=8)


def members(intervals: tuple[Interval, ...]) -> set[int]:
    return {value for low, high in intervals for value in range(low, high + 1)}


def is_normal(intervals: tuple[Interval, ...]) -> bool:
    return all(left[1] + 1 < right[0] for left, right in pairwise(intervals))


@given(INTERVALS, INTERVALS)
def test_interval_lists_behave_as_sets(left: list[Interval], right: list[Interval]) -> None:
    one, two = normalize(left), normalize(right)
    assert members(one) == members(tuple(left))
    assert members(intersect(one, two)) == members(one) & members(two)
    assert members(subtract(one, two)) == members(one) - members(two)
    assert all(map(is_normal, (one, intersect(one, two), subtract(one, two))))
    assert all(contains(one, value) == (value in members(one)) for value in range(-1, 42))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_prefixes_cover_an_interval_exactly(first: int, second: int) -> None:
    low, high = sorted((first, second))
    found = prefixes(Family.IPV4, (low, high))
    assert normalize(item.interval for item in found) == ((low, high),)
    expected = ipaddress.summarize_address_range(
        ipaddress.IPv4Address(low), ipaddress.IPv4Address(high)
    )
    assert [str(item) for item in found] == [str(item) for item in expected]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("010.000.0.08", "10.0.0.8"),
        ("000.0.0.0", "0.0.0.0"),  # noqa: S104 - not bound to
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:010.1.2.003", "10.1.2.3"),
        ("::ffff:a01:203", "10.1.2.3"),
        ("::10.1.2.3", "::a01:203"),
        ("64:ff9b::01.2.3.4", "64:ff9b::102:304"),
        ("fe80:0::0a", "fe80::a"),
    ],
)
def test_addresses_of_pods_and_nodes_are_read_as_the_api_server_does(text: str, meant: str) -> None:
    assert parse_status_address(text) == parse_address(meant)


@pytest.mark.parametrize("text", ["", "0", "10.0.0.256", "010.0.0", "0x0a.0.0.1", "fe80::1%eth0"])
def test_what_is_no_address_of_a_pod(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        parse_status_address(text)


@given(st.ip_addresses())
def test_addresses_are_read_and_written_as_the_standard_library_does(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    family, number = parse_address(str(address))
    assert (family.value, number) == (address.max_prefixlen, int(address))
    again = ipaddress.ip_address(format_address(family, number))
    assert again == address


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.256", "010.0.0.1", "fe80::1%eth0", "::g", "1::2::3", "10.0.0.1\0"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "::/129", "::/1²",
     "::ffff:10.0.0.0/104", "/8", "10.0.0.0/8/8"],
)  # fmt: skip
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_prefix(text)


def test_host_bits_are_masked_and_told() -> None:
    assert parse_prefix("10.1.2.3/8") == (Prefix(Family.IPV4, 10 << 24, 8), True)
    assert parse_prefix("fd00::/8") == (Prefix(Family.IPV6, 0xFD << 120, 8), False)
    assert parse_prefix("0.0.0.0/0")[0].interval == (0, 2**32 - 1)
