"""Policies of the kinds that meet a Service differently, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from neighbours.objects import Manifest

_TEXTS = {
    "no policy": "",
    "default deny": """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: t}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
""",
    "admin deny": """
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  ingress:
  - {action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: a}}}}]}
  egress:
  - action: Deny
    to: [{networks: [172.18.0.12/32, "fd00:172:18::12/128", 198.51.100.0/24, 10.244.2.0/24]}]
""",
    "blocks": """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blocks, namespace: t}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock: {cidr: 198.51.100.0/24}
    - ipBlock: {cidr: "fd00:10:1::/48", except: ["fd00:10:1::3/128"]}
    - ipBlock: {cidr: "fd00:172:18::/64"}
    ports: [{port: 8080}, {port: 8081, protocol: UDP}]
  egress:
  - to:
    - ipBlock: {cidr: 10.244.0.0/16, except: [10.244.2.0/24]}
    - ipBlock: {cidr: "fd00:10:2::/48"}
    ports: [{port: 8080}, {port: 8080, protocol: UDP}]
""",
}
POLICIES: Mapping[str, Sequence[Manifest]] = {
    name: tuple(filter(None, yaml.safe_load_all(text))) for name, text in _TEXTS.items()
}
