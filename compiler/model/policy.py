"""The policy API as frozen values: what the manifests say, with every shorthand written out.

All three policy kinds decode to these. A rule that must fail closed is already rewritten here: an
Accept without peers, or a Deny of everything (`ClusterNetworkPolicyIngressPeer`, API comment).
What rules are made of are structs: lowering remembers what it made of them, and hashes them often.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from ..errors import Place
from ..net import Interval, Prefix, Protocol, Symbol

RESOURCE = "clusternetworkpolicies.policy.networking.k8s.io"
"""kubectl's name of ClusterNetworkPolicy: the short one, cnp, may be another project's."""

DUMP = f"kubectl get ns,pods,nodes,netpol,{RESOURCE} -A -o json"
"""The command that prints all that is read of a cluster."""


class Tier(Symbol):
    """The tiers in the order in which they judge."""

    ADMIN = "Admin"
    NETWORK_POLICY = "NetworkPolicy"
    BASELINE = "Baseline"


class Action(Symbol):
    """What a rule does with the traffic that it matches."""

    ACCEPT = "Accept"
    DENY = "Deny"
    PASS = "Pass"  # noqa: S105 - the API's word, not a password


class Direction(Symbol):
    """Which end of a connection a rule judges."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Operator(Symbol):
    """Operators of a label selector requirement (metav1.LabelSelectorOperator)."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Struct, frozen=True, gc=False):
    """One condition on one label; ``values`` is sorted and empty for the existence operators."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True, gc=False):
    """All requirements must hold; none selects everything. ``matchLabels`` k=v is k In (v)."""

    requirements: tuple[Requirement, ...] = ()


class SameLabels(Struct, frozen=True, gc=False):
    """Namespaces that have every key with the value that the subject's namespace has."""

    keys: tuple[str, ...]


class NotSameLabels(Struct, frozen=True, gc=False):
    """Namespaces that have every key, at least one with another value than the subject's."""

    keys: tuple[str, ...]


class OneNamespace(Struct, frozen=True, gc=False):
    """The namespace of that name: where a NetworkPolicy's own pods live."""

    name: str


NamespaceSelection = LabelSelector | SameLabels | NotSameLabels | OneNamespace


class PodsPeer(Struct, frozen=True, gc=False):
    """Endpoints by namespace and labels; a ``namespaces`` peer has the empty pod selector."""

    namespaces: NamespaceSelection
    pods: LabelSelector = LabelSelector()


class NodesPeer(Struct, frozen=True, gc=False):
    """All addresses of the nodes with these labels."""

    nodes: LabelSelector


class NetworksPeer(Struct, frozen=True, gc=False):
    """Any address within the prefixes, and not within the excepted ones (``ipBlock.except``)."""

    prefixes: tuple[Prefix, ...]
    excepted: tuple[Prefix, ...] = ()


class DomainNamesPeer(Struct, frozen=True, gc=False):
    """Addresses that a resolver on the node learns for these names, sorted."""

    names: tuple[str, ...]


Peer = PodsPeer | NodesPeer | NetworksPeer | DomainNamesPeer


class Ports(Struct, frozen=True, gc=False):
    """Destination ports of one protocol, both ends included; 0 to 65535 is any port."""

    protocol: Protocol
    interval: Interval


class NamedPort(Struct, frozen=True, gc=False):
    """A container port name; without a protocol, that of the container port counts."""

    name: str
    protocol: Protocol | None = None


PolicyPort = Ports | NamedPort


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule as written; ``peers`` or ``ports`` None means any, an empty tuple means nothing."""

    action: Action
    peers: tuple[Peer, ...] | None
    ports: tuple[PolicyPort, ...] | None
    name: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of any kind.

    ``name`` is ``namespace/name`` for a NetworkPolicy. ``ingress`` or ``egress`` None means that
    the policy says nothing of the direction; in a NetworkPolicy an empty tuple isolates.
    ``priority`` is 0 in a NetworkPolicy. ``place`` is where it was read and no part of its value.
    """

    kind: str
    name: str
    tier: Tier
    priority: int
    subject: PodsPeer
    ingress: tuple[PolicyRule, ...] | None
    egress: tuple[PolicyRule, ...] | None
    generation: int = 0
    place: Place | None = field(default=None, compare=False)

    def rules(self, direction: Direction) -> tuple[PolicyRule, ...] | None:
        """Return the rules of one direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

    def words_for(self, direction: Direction, number: int) -> str:
        """Return what messages call one of the rules, which count from 0."""
        return f"{self.kind} '{self.name}' {direction.value} rule {number}"
