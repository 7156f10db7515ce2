"""Random nodes, namespaces and pods."""

from __future__ import annotations

from random import Random
from typing import Any

from worlds.addresses import Plan
from worlds.chance import chance, count, some
from worlds.labels import NAMESPACE_LABELS, NAMESPACE_NAMES, NODE_LABELS, POD_LABELS, labels
from worlds.ports import container_port
from worlds.world import Manifest, Profile

_SECOND = 100


def plan(random: Random) -> Plan:
    """Return the families of a world: both, or one."""
    ipv4, ipv6 = random.choice([(True, True), (True, False), (False, True), (True, True)])
    return Plan(ipv4, ipv6)


def namespaces(random: Random, profile: Profile) -> list[Manifest]:
    """Return namespaces; their name's label is often left out."""
    names = some(random, NAMESPACE_NAMES, *profile.namespaces)
    return [_namespace(random, name) for name in names]


def _namespace(random: Random, name: str) -> Manifest:
    metadata: Manifest = {"name": name, "labels": labels(random, NAMESPACE_LABELS)}
    if chance(random, 0.5):
        metadata["labels"]["kubernetes.io/metadata.name"] = name
    if not metadata["labels"]:
        del metadata["labels"]
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def nodes(random: Random, profile: Profile, addresses: Plan) -> list[Manifest]:
    """Return nodes, some with external addresses, all with a host name among the addresses."""
    return [_node(random, number + 1, addresses) for number in range(count(random, profile.nodes))]


def _node(random: Random, number: int, plan: Plan) -> Manifest:
    name = f"n{number}"
    addresses = [{"type": "InternalIP", "address": item} for item in plan.node(number)]
    if chance(random, 0.4):
        addresses += [{"type": "ExternalIP", "address": item} for item in plan.external(number)]
    addresses.append({"type": "Hostname", "address": name})
    metadata = {"name": name, "labels": labels(random, NODE_LABELS)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "status": {"addresses": addresses},
    }


def pods(
    random: Random, profile: Profile, plan: Plan, where: list[str], nodes: int
) -> list[Manifest]:
    """Return pods in the namespaces: mostly endpoints, and all that is none."""
    made: list[Manifest] = []
    for number in range(count(random, profile.pods)):
        node = random.randint(1, nodes)
        pod = _pod(random, f"p{number}", random.choice(where), f"n{node}")
        live = [item["status"]["podIPs"] for item in made if item["status"].get("podIPs")]
        own = plan.pod(node, number)
        if chance(random, 0.05):  # more than one IP of a family
            own = own + plan.pod(node, number + _SECOND)
        _give_status(random, pod, own, plan.node(node), live)
        made.append(pod)
    for number, pod in enumerate(made):
        _vary(pod, number, [item for item in made[:number] if _is_live(item)])
    return made


def _vary(pod: Manifest, number: int, live: list[Manifest]) -> None:
    """Let some pods be deleted, and write some addresses as only the API server takes them.

    By a source of its own, so that all else of a world is as it would be without.
    """
    random = Random(repr(pod))  # noqa: S311 - reproducible, not secret
    if live and chance(random, 0.05):
        _delete(random, pod, number, random.choice(live)["status"]["podIPs"])
    status = pod["status"]
    if "podIP" in status and chance(random, 0.05):
        texts = {item: _as_the_server_takes_it(random, item) for item in _ips(status)}
        status["podIP"] = texts[status["podIP"]]
        if "podIPs" in status:
            status["podIPs"] = [{"ip": texts[item["ip"]]} for item in status["podIPs"]]


def _ips(status: Manifest) -> list[str]:
    return [status["podIP"], *(item["ip"] for item in status.get("podIPs", []))]


def _is_live(pod: Manifest) -> bool:
    """Tell whether the pod is an endpoint of which the addresses are written as they are."""
    status = pod["status"]
    return (
        bool(status.get("podIPs"))
        and "hostNetwork" not in pod["spec"]
        and "deletionTimestamp" not in pod["metadata"]
        and status["phase"] not in ("Succeeded", "Failed")
    )


def _delete(random: Random, pod: Manifest, second: int, others: list[dict[str, Any]]) -> None:
    """Let the pod be deleted, and still show addresses that another pod may have by now."""
    pod["metadata"]["deletionTimestamp"] = f"2026-01-01T00:00:{second:02}Z"
    if "podIP" in pod["status"] and "hostNetwork" not in pod["spec"] and chance(random, 0.7):
        pod["status"] |= {"podIP": others[0]["ip"], "podIPs": others}


def _pod(random: Random, name: str, namespace: str, node: str) -> Manifest:
    containers = [_container(random, f"c{index}") for index in range(random.randint(1, 2))]
    spec: Manifest = {"nodeName": node, "containers": containers}
    if chance(random, 0.3):
        sidecar = _container(random, "init")
        if not chance(random, 0.3):
            sidecar["restartPolicy"] = "Always"
        spec["initContainers"] = [sidecar]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(random, POD_LABELS)},
        "spec": spec,
    }


def _container(random: Random, name: str) -> Manifest:
    container: Manifest = {"name": name}
    if chance(random, 0.6):
        container["ports"] = [container_port(random) for _ in range(random.randint(1, 2))]
    return container


def _give_status(
    random: Random,
    pod: Manifest,
    own: list[str],
    node: list[str],
    live: list[list[dict[str, Any]]],
) -> None:
    """Set the pod's phase and IPs; a pod that has ended may still show what another has now."""
    phase, ips = random.choice(["Running", "Running", "Running", "Pending", "Unknown"]), own
    unusual = random.random()
    if unusual > 0.95:
        phase, ips = "Pending", []
        if chance(random, 0.5):
            del pod["spec"]["nodeName"]
    elif unusual > 0.87:
        phase = random.choice(["Succeeded", "Failed"])
        if live and chance(random, 0.7):
            ips = [item["ip"] for item in random.choice(live)]
    elif unusual > 0.8:
        pod["spec"]["hostNetwork"] = True
        ips = node
    elif unusual > 0.7:
        ips = random.sample(own, 1)
    pod["status"] = {"phase": phase}
    if ips:
        pod["status"] |= {"podIP": ips[0], "podIPs": [{"ip": item} for item in ips]}
        if chance(random, 0.05) and len(ips) == 1:
            del pod["status"]["podIPs"]


def _as_the_server_takes_it(random: Random, address: str) -> str:
    """Return another text of an IPv4 address: with leading zeros, or mapped to IPv6."""
    if ":" in address:
        return address
    zeros = ".".join(part.zfill(3) for part in address.split("."))
    return random.choice([zeros, f"::ffff:{address}", f"::FFFF:{zeros}"])
