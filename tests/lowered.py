"""Small clusters and policies as YAML, and the Programs that they are lowered to."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from cnpc.compiler.ir.printer import print_rule
from cnpc.compiler.ir.program import Chain, Goto, Jump, Program, Set
from cnpc.compiler.manifests.load import Inputs, load
from cnpc.compiler.options import Options
from cnpc.compiler.pipeline import Pipeline, checked

DEFAULTS = Options()


def pod(
    name: str,
    ips: str,
    *,
    node: str = "n1",
    labels: str = "app: web",
    ports: str = "",
) -> str:
    """Return a pod; ``name`` is namespace/name, ``ips`` and ``ports`` ("http=tcp/80") lists."""
    namespace, _, short = name.partition("/")
    declared = "\n".join(
        f"    - {{name: {port}, protocol: {protocol.upper()}, containerPort: {number}}}"
        for port, _, meaning in (item.partition("=") for item in ports.split())
        for protocol, _, number in [meaning.partition("/")]
    )
    addresses = ", ".join(f'{{ip: "{ip}"}}' for ip in ips.split())
    return f"""
apiVersion: v1
kind: Pod
metadata: {{namespace: {namespace}, name: {short}, labels: {{{labels}}}}}
spec:
  nodeName: {node}
  containers:
  - name: c
    image: i
    ports:{"" if declared else " []"}
{declared}
status: {{phase: Running, podIPs: [{addresses}]}}
"""


def namespace(name: str, labels: str = "") -> str:
    """Return a namespace."""
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


def node(name: str, *ips: str, labels: str = "") -> str:
    """Return a node."""
    addresses = ", ".join(f'{{type: InternalIP, address: "{ip}"}}' for ip in ips)
    return f"""
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{{labels}}}}}
status: {{addresses: [{addresses}]}}
"""


NAMESPACES = "namespaces: {}"
WEB = "pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}"


def cnp(  # noqa: PLR0913 - what a policy is made of, each with its default
    name: str = "p",
    tier: str = "Admin",
    *,
    priority: int = 1,
    subject: str = NAMESPACES,
    ingress: Iterable[str] = (),
    egress: Iterable[str] = (),
) -> str:
    """Return a ClusterNetworkPolicy; rules are flow mappings."""
    return f"""
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {{name: {name}}}
spec:
  tier: {tier}
  priority: {priority}
  subject: {{{subject}}}
  ingress: [{", ".join(f"{{{rule}}}" for rule in ingress)}]
  egress: [{", ".join(f"{{{rule}}}" for rule in egress)}]
"""


def np(name: str, types: str, rules: str = "", selector: str = "{}") -> str:
    """Return a NetworkPolicy; ``name`` is namespace/name."""
    namespace, _, short = name.partition("/")
    return f"""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{namespace: {namespace}, name: {short}}}
spec:
  podSelector: {selector}
  policyTypes: [{types}]
{rules}
"""


def inputs(*documents: str) -> Inputs:
    """Return what the documents hold."""
    return load(["-"], stdin=BytesIO("\n---\n".join(documents).encode()))


def lower(*documents: str, at: str = "n1", options: Options = DEFAULTS, level: int = 0) -> Program:
    """Return the node's Program, which is valid."""
    found = inputs(*documents)
    return Pipeline(found.snapshot, found.policies, options, level).program(at, checked)


def body(program: Program, chain: str) -> list[str]:
    """Return the rules of the only chain whose name starts so, without their origins."""
    return [print_rule(rule).partition(" ;")[0] for rule in chain_of(program, chain).rules]


def chain_of(program: Program, prefix: str) -> Chain:
    """Return the only chain whose name starts so."""
    [found] = [chain for chain in program.chains if chain.name.startswith(prefix)]
    return found


def set_of(program: Program, note: str) -> Set:
    """Return the only set with this note."""
    [found] = [item for item in program.sets if item.note == note]
    return found


def led_to(program: Program, table: str) -> dict[int, str]:
    """Return where the addresses of a map lead, by the last part of the address."""
    found = {}
    for key, verdict in program.maps_by_name()[table].elements:
        assert isinstance(verdict, Jump | Goto)
        found[key[0][0] & 0xFF] = verdict.chain
    return found
