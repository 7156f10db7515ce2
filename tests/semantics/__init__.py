"""Hand-made cases for each line of the semantics: policies, flows, and the verdict of each flow.

A file holds the cases of one section over the cluster of ``cluster.yaml``. A case has a ``case``
(what it shows), ``policies`` or more ``documents``, ``probes``, and where they matter ``own_node``
and ``unknown`` (input that only compiles with ``--on-unknown fail-closed``). A probe reads

    SOURCE DESTINATION PROTOCOL[/PORT or /TYPE] [v6] [STATE] [service] [at:NODE] [from:NODE] VERDICT

with a pod (``red/web``), a node (``n1``), ``outside`` or an address at either end; ``at:`` and
``from:`` name the node whose own process gets or sends it; the verdict is allow or deny.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from oracle.flow import ICMP, ICMPV6, SCTP, TCP, UDP, Flow, State

FOLDER = Path(__file__).parent
PROTOCOLS = {"tcp": TCP, "udp": UDP, "sctp": SCTP, "icmp": ICMP, "icmp6": ICMPV6, "gre": 47}
ICMP_PROTOCOLS = (ICMP, ICMPV6)
OUTSIDE = ("198.51.100.7", "2001:db8::7")
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Probe:
    """A flow and the verdict it must get."""

    flow: Flow
    allowed: bool


@dataclass(frozen=True, slots=True)
class Case:
    """Manifests, options, and probes with their verdicts."""

    name: str
    documents: list[Manifest]
    probes: list[Probe]
    own_node: str
    unknown: bool


def load_cases() -> list[Case]:
    """Return the cases of all files, in their order."""
    cluster = yaml.safe_load((FOLDER / "cluster.yaml").read_text())["items"]
    files = sorted(FOLDER.glob("[0-9]*.yaml"))
    return [
        _case(path.stem, item, cluster)
        for path in files
        for item in yaml.safe_load(path.read_text())
    ]


def _case(section: str, item: Manifest, cluster: list[Manifest]) -> Case:
    documents = [*cluster, *item.get("documents", []), *item.get("policies", [])]
    addresses = dict(_addresses(documents))
    return Case(
        name=f"{section}: {item['case']}",
        documents=documents,
        probes=[_probe(text, addresses) for text in item["probes"]],
        own_node=item.get("own_node", "exempt"),
        unknown=item.get("unknown", False),
    )


def _addresses(documents: list[Manifest]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "outside", OUTSIDE
    for document in documents:
        metadata, status = document["metadata"], document.get("status", {})
        if document["kind"] == "Pod" and "podIP" in status:
            name = f"{metadata['namespace']}/{metadata['name']}"
            others = (item["ip"] for item in status.get("podIPs", []))
            yield name, tuple(dict.fromkeys((status["podIP"], *others)))
        if document["kind"] == "Node":
            yield metadata["name"], tuple(item["address"] for item in status["addresses"])


def _probe(text: str, addresses: dict[str, tuple[str, ...]]) -> Probe:
    source, destination, protocol_text, *options, verdict = text.split()
    family = 1 if "v6" in options else 0
    protocol, _, number = protocol_text.partition("/")
    is_icmp = PROTOCOLS[protocol] in ICMP_PROTOCOLS
    states = [state for state in State if state.value in options]
    flow = Flow(
        source=addresses[source][family] if source in addresses else source,
        destination=addresses[destination][family] if destination in addresses else destination,
        protocol=PROTOCOLS[protocol],
        port=int(number) if number and not is_icmp else None,
        icmp_type=int(number) if number and is_icmp else None,
        state=states[0] if states else State.NEW,
        sender=_option("from:", options),
        receiver=_option("at:", options),
        through_service="service" in options,
    )
    return Probe(flow, {"allow": True, "deny": False}[verdict])


def _option(prefix: str, options: list[str]) -> str | None:
    return next((item.removeprefix(prefix) for item in options if item.startswith(prefix)), None)
