"""The test cluster: a topology that packets travel through, and rulesets that judge them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from .build import build
from .conntrack import Conntrack
from .limits import raise_file_limit
from .loader import NFT, Loader
from .namespaces import Namespace
from .prober import Prober
from .probes import Probe, Result, Sighting
from .topology import Topology, family_of

Wiring = Callable[[Topology], Mapping[str, Namespace]]


class Cluster:
    """A context manager; everything in it is spoken of by the names of nodes and pods.

    Nodes are addressed by their name, pods as ``namespace/name``, the world as OUTSIDE.
    """

    def __init__(self, topology: Topology, wire: Wiring = build) -> None:
        """Keep what is to be built; ``wire`` returns the namespaces by name, as ``build`` does."""
        self.topology = topology
        self._wire = wire
        self._loaders: list[Loader] = [NFT]

    def __enter__(self) -> Self:
        raise_file_limit()
        with ExitStack() as stack:
            self._spaces = self._wire(self.topology)
            for space in self._spaces.values():
                stack.callback(space.close)
            self._homes = {name: name for name in self._spaces}
            self._homes |= {
                pod.full_name: pod.node for pod in self.topology.pods if pod.host_network
            }
            self._conntracks = [self._conntrack(node.name) for node in self.topology.nodes]
            for conntrack in self._conntracks:
                stack.callback(conntrack.close)
            self._prober = Prober(self._spaces, self._homes, self._conntracks)
            stack.callback(self._prober.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def namespace(self, name: str) -> Namespace:
        """Return the namespace that a node, a pod or OUTSIDE lives in."""
        return self._spaces[self._homes[name]]

    def load(self, node: str, text: str) -> None:
        """Load text as nft does; ClusterError with the tool's message if it is refused."""
        self.install(node, {"nft": text}, NFT)

    def install(self, node: str, texts: Mapping[str, str], loader: Loader) -> None:
        """Load what a backend made; ClusterError with the tool's message if it is refused."""
        if loader not in self._loaders:
            self._loaders.append(loader)
        with self.namespace(node).entered():
            loader.load(texts)

    def clear(self) -> None:
        """Remove the rulesets and the connections of all nodes."""
        for node in self.topology.nodes:
            with self.namespace(node.name).entered():
                for loader in reversed(self._loaders):
                    loader.clear()
        self._loaders = [NFT]
        self.flush_conntrack()

    def flush_conntrack(self) -> None:
        """Forget the connections of all nodes."""
        for conntrack in self._conntracks:
            conntrack.flush()

    def flush_neighbours(self) -> None:
        """Forget every ARP and neighbour discovery entry."""
        for space in self._spaces.values():
            space.run(("ip", "neighbour", "flush", "all"))

    def probe(self, probes: Sequence[Probe]) -> list[Result]:
        """Return the results in the probes' order; LookupError if a source lacks the family."""
        return self._prober.probe([(probe, self._source_address(probe)) for probe in probes])

    def inject(
        self, source: str, make: Callable[[bytes], bytes], device: str = ""
    ) -> list[Sighting]:
        """Return where a packet of one's own making was seen, past the input hook there.

        ``make`` gets a marker and returns an IP packet with the marker anywhere in it. Nobody
        answers it; an ICMP error that quotes it counts as seen too. ``device`` names the way out
        for link-local and multicast destinations.
        """
        index = 0
        if device:
            with self.namespace(source).entered():
                index = socket.if_nametoindex(device)
        return self._prober.inject(source, make, index)

    def run(self, name: str, argv: Sequence[str], text: str = "") -> str:
        """Return what a command prints in a namespace; ClusterError if it fails."""
        return self.namespace(name).run(argv, text)

    def socket(self, name: str, family: socket.AddressFamily, kind: int) -> socket.socket:
        """Return an ordinary socket in a namespace, for real connections."""
        with self.namespace(name).entered():
            return socket.socket(family, kind)

    def _source_address(self, probe: Probe) -> str:
        if probe.source_address:
            return probe.source_address
        return self.topology.address(probe.source, family_of(probe.destination))

    def _conntrack(self, node: str) -> Conntrack:
        with self.namespace(node).entered():
            return Conntrack()
