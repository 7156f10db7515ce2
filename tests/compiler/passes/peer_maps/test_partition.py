from __future__ import annotations

from cnpc.compiler.net import Family
from cnpc.compiler.passes.peer_maps.partition import Addresses, kinds, listed

NETWORK: Addresses = ((10, 20), (30, 40))


def test_marks_do_not_depend_on_which_equal_networks_are_one_object() -> None:
    again: Addresses = tuple((low, high) for low, high in NETWORK)
    assert again is not NETWORK
    one, two = kinds([NETWORK, NETWORK], Family.IPV4), kinds([NETWORK, again], Family.IPV4)
    assert one.kinds == two.kinds
    assert {two.masks[id(item)] for item in (NETWORK, again)} == {one.masks[id(NETWORK)]}


def test_nor_on_which_equal_lists_are() -> None:
    first, second = listed(((10, 10), (12, 12))), listed(((10, 10), (12, 12)))
    assert first is not second
    one, two = kinds([first, first], Family.IPV4), kinds([first, second], Family.IPV4)
    assert one.kinds == two.kinds
    assert two.masks[id(second)] == one.masks[id(first)]
