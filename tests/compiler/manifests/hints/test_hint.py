"""Hints: what tests/bad does not show, and that no value can upset them."""

from __future__ import annotations

import pytest
from cnpc.compiler.manifests.hints.hint import (
    for_field,
    for_list,
    for_mapping,
    for_number,
    for_string,
)
from cnpc.compiler.manifests.hints.other_apis import UNKNOWN_FIELDS
from cnpc.compiler.manifests.hints.ports import for_entry, for_port, for_port_name, for_port_number
from cnpc.compiler.manifests.hints.values import for_cidr, for_domain_name, for_label_key
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(
    sorted({name for table in UNKNOWN_FIELDS.values() for name in table} | {*UNKNOWN_FIELDS, "-x"})
)
PATHS = st.lists(NAMES | st.integers(0, 3), max_size=4)


@given(PATHS, NAMES, VALUES, st.lists(NAMES, max_size=4))
def test_no_value_upsets_them(
    path: list[str | int], name: str, value: object, known: list[str]
) -> None:
    for_field(path, name, value, known)
    for_mapping([*path, name], value, known)
    for_list([*path, name], value)
    for_string([*path, name], value)
    for_number([*path, name], value)


@given(st.text())
def test_no_text_upsets_them(text: str) -> None:
    assert for_cidr(text)
    assert for_domain_name(text)
    assert for_label_key(text)
    assert for_port_name(text)
    for known in (["endPort"], ["portNumber", "portRange"], ["destinationNamedPort"]):
        for_entry(text, known)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.1.2.3", "this one address is 10.1.2.3/32"),
        ("10.1.0.0", "the network is 10.1.0.0/16, this one address 10.1.0.0/32"),
        ("fd00::1", "this one address is fd00::1/128"),
        ("10.0.0.1-10.0.0.9", "a range is said by CIDRs, such as 10.0.0.0/8"),
        ("example.com", "a name is no address: domainNames"),
        ("ANY", "all addresses are 0.0.0.0/0 and ::/0"),
        ("10.0.0.0/64", "such as 10.0.0.0/8 or fd00::/8"),
    ],
)
def test_cidrs(text: str, hint: str) -> None:
    assert for_cidr(text) == hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("443", "write the number without quotes"),
        ("80-90", "write port: 80, endPort: 90"),
        ("80:90", "write port: 80, endPort: 90"),
        ("53/udp", "write protocol: UDP, port: 53"),
        ("80,90", "an entry for each port"),
    ],
)
def test_ports_of_a_network_policy(text: str, hint: str) -> None:
    assert for_port_name(text) == hint


def test_each_spelling_says_the_same() -> None:
    said = "udp/53-54"
    assert for_entry(said, ["endPort"]) == "write {protocol: UDP, port: 53, endPort: 54}"
    draft = "write portRange: {protocol: UDP, start: 53, end: 54}"
    assert for_entry(said, ["portNumber", "portRange"]) == draft
    released = "write udp: {destinationPort: {range: {start: 53, end: 54}}}"
    assert for_entry(said, ["destinationNamedPort"]) == released
    port = "write destinationPort: {range: {start: 53, end: 54}}"
    assert for_port_number("number", said) == port
    assert for_port("range", [53, 54]) == "write range: {start: 53, end: 54}"
    assert for_port("udp", 53) == "write udp: {destinationPort: {number: 53}}"
    assert for_port("destinationPort", "http").endswith(": destinationNamedPort: http")


def test_the_same_word_in_other_letters_counts_before_all() -> None:
    assert for_field((), "IPBLOCK", {}, ("podSelector", "ipBlock")) == "did you mean 'ipBlock'?"
