from __future__ import annotations

from cnpc.compiler.net import Family
from cnpc.compiler.passes.peer_maps.partition import Networks, listed_addresses, peer_atoms

NETWORKS = Networks(((10, 20), (30, 40)))


def test_marks_do_not_depend_on_which_equal_networks_are_one_object() -> None:
    again = Networks(NETWORKS.intervals)
    assert again != NETWORKS
    one = peer_atoms([NETWORKS, NETWORKS], Family.IPV4)
    two = peer_atoms([NETWORKS, again], Family.IPV4)
    assert one.atoms == two.atoms
    assert {two.masks[item] for item in (NETWORKS, again)} == {one.masks[NETWORKS]}


def test_nor_on_which_equal_lists_are() -> None:
    first, second = listed_addresses(((10, 10), (12, 12))), listed_addresses(((10, 10), (12, 12)))
    assert first is not second
    one, two = peer_atoms([first, first], Family.IPV4), peer_atoms([first, second], Family.IPV4)
    assert one.atoms == two.atoms
    assert two.masks[second] == one.masks[first]
