"""The words of other APIs, and what these APIs call the same: NetworkPolicy, Calico, Cilium, ANP.

Only hints come from here. ``<value>`` stands for what was written, ``<cidr>`` for the CIDR in it.
"""

from __future__ import annotations

from collections.abc import Mapping

_ANY_PROTOCOL = "an entry each for TCP and UDP; a rule without ports is for every protocol"
_ICMP = "ICMP cannot be named: a rule without ports is for every protocol, ICMP included"
_SERVICE = "policies select pods, never Services: select the Service's pods by their labels"
_ORDER = "rules are tried in the order of the list; 'priority' belongs to the policy"
_STATELESS = "replies to what is allowed are always allowed: leave it out"
_SOURCE_PORT = "policies know destination ports alone"
_IS_DENIED = (
    "a NetworkPolicy allows, and denies all it does not name; a ClusterNetworkPolicy can deny"
)
_NOT_NODES = "a NetworkPolicy selects no nodes: ipBlock: {cidr: …}, or a ClusterNetworkPolicy"
_NOT_NAMES = "a NetworkPolicy knows no domain names; a ClusterNetworkPolicy has domainNames"
_ENTITIES = "there are no such names: networks, nodes or namespaces say the same"

_PODS = "write pods: {namespaceSelector: {}, podSelector: <value>}"
_NAMESPACES = "write namespaces: <value>, or pods: {namespaceSelector: …, podSelector: …}"
_NETWORKS = "write networks: [<cidr>]"
_NAMES = "domain names are a list: domainNames: [example.com]"
_WAYS = "rules of ingress have 'from', those of egress 'to'"
_PEERS = "peers are a list below 'from' (ingress) or 'to' (egress)"
_BELOW_SPEC = "it belongs below 'spec'"
_RULES = "it belongs into a rule: a list below 'ingress' or 'egress'"
_BLOCK = "write ipBlock: {cidr: <cidr>}, one for each CIDR"
_RANGE = "a range of ports is destinationPort: {range: {start: 8000, end: 9000}}"
_PORTS_FIELD = "ports are a list below 'ports': ports: [{protocol: TCP, port: 80}]"
_NUMBER = "a port is tcp: {destinationPort: {number: 80}}"
_DRAFT = "a port is portNumber: {protocol: TCP, port: 80}"

_CALICO_SPEC = {
    "selector": "the pods are selected by labels: podSelector: {matchLabels: …}",
    "types": "did you mean 'policyTypes'?",
    "order": "a NetworkPolicy has no order: all of them together allow",
    "endpointSelector": "did you mean 'podSelector'?",
    "matchLabels": "labels stand below podSelector: {matchLabels: …}",
}

ADDRESSES = frozenset({"ipBlock", "cidr", "cidrs", "nets", "ipBlocks", "cidrGroup"})
"""What peers of other APIs call addresses."""

UNKNOWN_FIELDS: Mapping[str, Mapping[str, str]] = {
    "apiVersion": dict.fromkeys(
        ("podSelector", "policyTypes", "ingress", "egress", "subject", "tier", "priority"),
        _BELOW_SPEC,
    )
    | {"name": "it belongs below 'metadata'", "namespace": "it belongs below 'metadata'"},
    "policyTypes": _CALICO_SPEC
    | dict.fromkeys(("from", "to", "ports"), _RULES)
    | dict.fromkeys(("tier", "priority", "subject"), "only a ClusterNetworkPolicy has it")
    | {"ingressDeny": _IS_DENIED, "egressDeny": _IS_DENIED},
    "subject": dict.fromkeys(
        ("podSelector", "selector", "endpointSelector", "appliedTo", "namespaceSelector"),
        "write subject: {pods: {namespaceSelector: {}, podSelector: …}}, or {namespaces: …}",
    )
    | dict.fromkeys(
        ("policyTypes", "types"), "leave it out: the directions are those that have rules"
    )
    | dict.fromkeys(("action", "from", "to", "ports", "protocols"), _RULES)
    | {
        "order": "did you mean 'priority'?",
        "tier": "this kind is a tier of its own: leave it out",
        "priority": "this kind has no priority: leave it out",
    },
    "action": dict.fromkeys(("priority", "order"), _ORDER)
    | dict.fromkeys(
        ("namespaces", "pods", "networks", "nodes", "domainNames", "ipBlock", "podSelector"), _PEERS
    )
    | dict.fromkeys(("namespaceSelector", "source", "destination"), _PEERS)
    | dict.fromkeys(("from", "to"), _WAYS)
    | dict.fromkeys(("port", "protocol", "toPorts"), f"{_NUMBER}, in a list 'protocols'")
    | dict.fromkeys(("fromEndpoints", "toEndpoints"), "did you mean pods, below 'from' or 'to'?")
    | dict.fromkeys(("toCIDR", "toCIDRSet", "fromCIDR", "fromCIDRSet"), f"below 'to', {_NETWORKS}")
    | dict.fromkeys(("fromEntities", "toEntities"), _ENTITIES)
    | {"toFQDNs": _NAMES, "toServices": _SERVICE, "stateful": _STATELESS},
    "ipBlock": dict.fromkeys(("namespaces", "namespace"), "did you mean 'namespaceSelector'?")
    | dict.fromkeys(("pods", "pod", "selector", "endpointSelector"), "did you mean 'podSelector'?")
    | dict.fromkeys(("networks", "cidr", "cidrs", "nets", "ipBlocks", "cidrBlock"), _BLOCK)
    | dict.fromkeys(("domainNames", "fqdns", "domains", "fqdn"), _NOT_NAMES)
    | dict.fromkeys(("service", "services", "serviceSelector"), _SERVICE)
    | {
        "nodes": _NOT_NODES,
        "nodeSelector": _NOT_NODES,
        "ports": "'ports' stands beside 'from' or 'to', not in a peer",
        "port": "'ports' stands beside 'from' or 'to', not in a peer",
        "matchLabels": "labels stand below podSelector: {matchLabels: …}",
    },
    "cidr": {
        "cidrs": "one CIDR, cidr: <cidr>, and one ipBlock for each",
        "cidrBlock": "did you mean 'cidr'?",
        "exclude": "did you mean 'except'?",
        "excludes": "did you mean 'except'?",
        "notNets": "did you mean 'except'?",
    },
    "operator": {"value": "values are a list: values: [<value>]", "op": "did you mean 'operator'?"},
    "podSelector": {
        "matchLabels": "labels stand below podSelector: {matchLabels: …}",
        "matchExpressions": "it stands below podSelector: {matchExpressions: …}",
    },
    "namespaces": dict.fromkeys(("podSelector", "selector", "endpointSelector"), _PODS)
    | dict.fromkeys(("namespaceSelector", "namespace"), _NAMESPACES)
    | dict.fromkeys(ADDRESSES, _NETWORKS)
    | dict.fromkeys(("fqdn", "fqdns", "domains", "dns", "toFQDNs"), _NAMES)
    | dict.fromkeys(("service", "services", "serviceAccounts", "toServices"), _SERVICE)
    | {
        "nodeSelector": "nodes are selected by nodes: {matchLabels: …}",
        "matchLabels": _NAMESPACES,
        "ports": "'ports' stands beside 'from' or 'to', not in a peer",
        "protocols": "'protocols' stands beside 'from' or 'to', not in a peer",
    },
    "portNumber": dict.fromkeys(("protocol", "port", "number"), _DRAFT)
    | dict.fromkeys(("tcp", "udp", "sctp"), f"{_DRAFT}; 'tcp' belongs to the list 'protocols'")
    | dict.fromkeys(("icmp", "icmpv6"), _ICMP)
    | {
        "endPort": "a range of ports is portRange: {protocol: TCP, start: 8000, end: 9000}",
        "destinationNamedPort": "did you mean 'namedPort'?",
        "name": "did you mean 'namedPort'?",
    },
    "destinationNamedPort": dict.fromkeys(("protocol", "port", "number", "portNumber"), _NUMBER)
    | dict.fromkeys(("portRange", "endPort", "range"), _RANGE)
    | dict.fromkeys(("icmp", "icmpv6", "icmpv4", "ICMP"), _ICMP)
    | dict.fromkeys(("any", "all", "ip"), _ANY_PROTOCOL)
    | {"name": "did you mean 'destinationNamedPort'?", "destinationPort": _NUMBER},
    "destinationPort": dict.fromkeys(("port", "number", "portNumber"), _NUMBER)
    | dict.fromkeys(("range", "portRange", "start", "end", "endPort"), _RANGE)
    | dict.fromkeys(("ports", "destinationPorts"), f"{_NUMBER}, and an entry for each port")
    | dict.fromkeys(("sourcePort", "sourcePorts"), _SOURCE_PORT)
    | dict.fromkeys(
        ("namedPort", "name", "destinationNamedPort"),
        "a name is the whole entry: destinationNamedPort: http",
    ),
    "number": dict.fromkeys(("port", "portNumber", "value"), "did you mean 'number'?")
    | dict.fromkeys(("start", "end", "endPort", "from", "to", "portRange"), _RANGE)
    | dict.fromkeys(
        ("name", "namedPort"), "a name is the whole entry: destinationNamedPort: <value>"
    ),
    "start": dict.fromkeys(("from", "first", "min", "low", "startPort"), "did you mean 'start'?")
    | dict.fromkeys(("to", "last", "max", "high", "endPort"), "did you mean 'end'?"),
    "endPort": dict.fromkeys(
        ("number", "targetPort", "containerPort", "portNumber", "destinationPort", "name"),
        "did you mean 'port'?",
    )
    | dict.fromkeys(
        ("portRange", "start", "end", "startPort"), "a range of ports is port: 8000, endPort: 9000"
    )
    | dict.fromkeys(("tcp", "udp", "sctp"), "a port is {protocol: TCP, port: 80}")
    | {"ports": "an entry for each port: [{port: 80}, {port: 443}]", "icmp": _ICMP},
    # A rule of a NetworkPolicy, which knows its peers and ports alone.
    "ports": dict.fromkeys(("podSelector", "namespaceSelector", "ipBlock", "source"), _PEERS)
    | dict.fromkeys(("port", "protocol", "protocols", "toPorts", "destination"), _PORTS_FIELD)
    | dict.fromkeys(("fromEndpoints", "toEndpoints"), "did you mean a podSelector below 'from'?")
    | dict.fromkeys(("toCIDR", "toCIDRSet", "fromCIDR", "fromCIDRSet"), f"below 'to', {_BLOCK}")
    | dict.fromkeys(("fromEntities", "toEntities"), _ENTITIES)
    | dict.fromkeys(("from", "to"), _WAYS)
    | {"action": _IS_DENIED, "toFQDNs": _NOT_NAMES, "toServices": _SERVICE},
}
"""Hints for unknown fields, by a field that is known beside them: the first that is, counts."""

_ACTIONS = {
    "Drop": "Deny",
    "Reject": "Deny",
    "Block": "Deny",
    "Forbid": "Deny",
    "Allow": "Accept",
    "Permit": "Accept",
    "Accept": "Allow",
    "Next": "Pass",
    "Delegate": "Pass",
    "Return": "Pass",
}
_OPERATORS = dict.fromkeys(("=", "==", "equals", "eq", "is"), "In") | dict.fromkeys(
    ("!=", "notequals", "ne", "isnot", "not"), "NotIn"
)
WORDS: Mapping[str, Mapping[str, str]] = {
    "action": {word.lower(): ours for word, ours in _ACTIONS.items()},
    "operator": _OPERATORS,
    "protocol": {"6": "TCP", "17": "UDP", "132": "SCTP"},
    "tier": {"adminnetworkpolicy": "Admin", "banp": "Baseline", "default": "Baseline"},
}
"""What words of other APIs, in lower case, are called in these, by the field that has them."""

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "action": {
        "log": "nothing is logged: Accept, Deny or Pass",
        "audit": "nothing is logged: Accept, Deny or Pass",
    },
    "protocol": dict.fromkeys(("any", "all", "*", "ip", "-1", "none"), _ANY_PROTOCOL)
    | dict.fromkeys(("icmp", "icmpv6", "1", "58"), _ICMP),
    "policyTypes": dict.fromkeys(("both", "all", "*"), "write [Ingress, Egress]"),
    "tier": {"networkpolicy": "that tier is the objects of the kind NetworkPolicy"},
}
"""Hints for words that have no match here, by the field that has them."""
