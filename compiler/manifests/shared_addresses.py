"""Who has an address that several pods claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import Place
from ..model.snapshot import Address, Contested, Endpoint
from ..net import format_address
from .problems import OnUnknown, Problems


class AddressClaims(Struct):
    """Settles claims: a pod that is being deleted yields to one that is not, or that goes later.

    Between pods of the same rank nobody can tell: an error, or, where unknown input is to fail
    closed, no endpoint has the address, and the nodes of these pods deny its traffic.
    ``deleted_at`` are the deletion timestamps of pods by namespace and name.
    """

    problems: Problems
    deleted_at: Mapping[tuple[str, str], str]
    place_of: Callable[[Endpoint], Place]
    contested: set[Contested] = field(default_factory=set)
    _lost: dict[tuple[str, str], set[Address]] = field(default_factory=dict)

    def settle(self, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        """Return the endpoints with the addresses that they have; those without any are left out.

        Adds a diagnostic for each claim that is not granted.
        """
        for address, claimants in _shared(endpoints).items():
            best = max(map(self._rank, claimants))
            holders = [item for item in claimants if self._rank(item) == best]
            if len(holders) == 1:
                self._grant(address, holders[0], claimants)
            else:
                self._contest(address, holders, claimants)
        return [left for item in endpoints if (left := self._left(item)) is not None]

    def _rank(self, endpoint: Endpoint) -> tuple[bool, str]:
        deleted = self.deleted_at.get((endpoint.namespace, endpoint.name))
        return deleted is None, deleted or ""

    def _grant(self, address: Address, holder: Endpoint, claimants: Iterable[Endpoint]) -> None:
        for other in claimants:
            if other is not holder:
                self._lose(address, other)
                self.problems.warning(
                    f"{_claim(holder, other, address)}; {_name(holder)} has it, since "
                    f"{_name(other)} is being deleted",
                    self._at(other),
                )

    def _contest(
        self, address: Address, holders: Sequence[Endpoint], claimants: Iterable[Endpoint]
    ) -> None:
        first, *others = holders
        for other in others:
            message = _claim(first, other, address)
            if self.problems.on_unknown is OnUnknown.ERROR:
                hint = "one of them may have ended: its phase is then Succeeded or Failed"
                self.problems.error(message, self._at(other), hint, related=(self._at(first),))
            else:
                hint = "until one is gone, its traffic is denied and no peer selects it"
                self.problems.warning(message, self._at(other), hint)
        for claimant in claimants:
            self._lose(address, claimant)
            self.contested.add((claimant.node, address))

    def _lose(self, address: Address, endpoint: Endpoint) -> None:
        self._lost.setdefault((endpoint.namespace, endpoint.name), set()).add(address)

    def _left(self, endpoint: Endpoint) -> Endpoint | None:
        lost = self._lost.get((endpoint.namespace, endpoint.name))
        if lost is None:
            return endpoint
        kept = tuple(item for item in endpoint.addresses if item not in lost)
        return replace(endpoint, addresses=kept) if kept else None

    def _at(self, endpoint: Endpoint) -> Place:
        return self.place_of(endpoint).child("status", "podIP")


def _shared(endpoints: Iterable[Endpoint]) -> Mapping[Address, Sequence[Endpoint]]:
    """Return the addresses that more than one endpoint claims, with these endpoints in order."""
    claims: dict[Address, list[Endpoint]] = {}
    for endpoint in endpoints:
        for address in endpoint.addresses:
            claims.setdefault(address, []).append(endpoint)
    return {address: found for address, found in claims.items() if len(found) > 1}


def _claim(first: Endpoint, second: Endpoint, address: Address) -> str:
    return (
        f"pods {_name(first)} and {_name(second)} both have the address {format_address(*address)}"
    )


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.namespace}/{endpoint.name}"
