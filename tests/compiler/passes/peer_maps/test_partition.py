from __future__ import annotations

from cnpc.compiler.net import Family
from cnpc.compiler.passes.peer_maps.partition import Addresses, listed_addresses, peer_atoms

NETWORK: Addresses = ((10, 20), (30, 40))


def test_marks_do_not_depend_on_which_equal_networks_are_one_object() -> None:
    again: Addresses = tuple((low, high) for low, high in NETWORK)
    assert again is not NETWORK
    one, two = (
        peer_atoms([NETWORK, NETWORK], Family.IPV4),
        peer_atoms([NETWORK, again], Family.IPV4),
    )
    assert one.atoms == two.atoms
    assert {two.masks[id(item)] for item in (NETWORK, again)} == {one.masks[id(NETWORK)]}


def test_nor_on_which_equal_lists_are() -> None:
    first, second = listed_addresses(((10, 10), (12, 12))), listed_addresses(((10, 10), (12, 12)))
    assert first is not second
    one, two = peer_atoms([first, first], Family.IPV4), peer_atoms([first, second], Family.IPV4)
    assert one.atoms == two.atoms
    assert two.masks[id(second)] == one.masks[id(first)]
