"""What a node must have for a ruleset of iptables to judge every packet, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from ..compiler.errors import NodeError
from . import iptables_tools as tools
from . import programs
from .findings import Finding, fine, missing, warning
from .iptables_names import FAMILIES
from .iptables_own import own

# What every ruleset of ours uses. It is loaded in a network namespace made for it, where kernels
# show what they lack without anything of the node's changing.
_SETS = """create cnpc-a hash:ip family {family} hashsize 64 maxelem 16
create cnpc-b hash:net family {family} hashsize 64 maxelem 16
create cnpc-c hash:ip,port family {family} hashsize 64 maxelem 16
create cnpc-d hash:ip family {family} hashsize 64 maxelem 16 timeout 0"""
_RULES = """*filter
:CNPC-doctor - [0:0]
-A CNPC-doctor -m conntrack --ctstate ESTABLISHED -j RETURN
-A CNPC-doctor -m set --match-set cnpc-a src -j DROP
-A CNPC-doctor -m set --match-set cnpc-c src,dst -j DROP
-A CNPC-doctor -p tcp -m multiport --dports 80,443:445 -j DROP
-A CNPC-doctor -m iprange --src-range {range} -j DROP
-A CNPC-doctor -m comment --comment "any" -j DROP
-A CNPC-doctor -p tcp -j REJECT --reject-with tcp-reset
-I FORWARD 1 -g CNPC-doctor
COMMIT
"""
_BITMAP = {"v4": "create cnpc-e bitmap:ip range 192.0.2.1-192.0.2.9\n", "v6": ""}
_FAMILY_WORD = {"v4": "inet", "v6": "inet6"}
_RANGE = {"v4": "192.0.2.1-192.0.2.9", "v6": "2001:db8::1-2001:db8::9"}


def lacks_iptables() -> Iterator[Finding]:
    """Yield what without no ruleset for iptables can be applied."""
    try:
        tools.system_tools()
    except NodeError as problem:
        text, _, remedy = str(problem).partition("; ")
        yield missing(text, remedy or "then try again")


def look_at_iptables() -> Iterator[Finding]:
    """Yield a finding for each part of iptables that rulesets need."""
    system = tools.system_tools()
    yield fine(f"iptables-{system.flavour}, ip6tables and ipset")
    if reason := ours_in_both(system):
        text, _, remedy = reason.partition("; ")
        yield warning(text, remedy)
    if programs.found("unshare") is None:
        yield warning("there is no unshare to try the parts of iptables with", "install util-linux")
        return
    for family in FAMILIES:
        yield from _features(family)


def ours_in_both(system: tools.Tools) -> str:
    """Return why ours must not be loaded: rules of ours in the other flavour; "" if none are."""
    other = tools.other_flavour(system.flavour)
    if other is None or not any(map(bool, own(other).values())):
        return ""
    return (
        f"rules of cnpc are in iptables-{other.flavour}, and this node's iptables is "
        f"iptables-{system.flavour}, so that both would judge; cnpc flush removes them, "
        f"update-alternatives --set iptables /usr/sbin/iptables-{other.flavour} keeps them"
    )


def _features(family: str) -> Iterator[Finding]:
    name = tools.PROGRAM[family]
    script = f"ipset restore <<'END' && {name}-restore --noflush\n{_SETS}\n{_BITMAP[family]}END\n"
    try:
        tools.run(
            ["unshare", "-n", "sh", "-c", script.format(family=_FAMILY_WORD[family])],
            _RULES.format(range=_RANGE[family]),
        )
    except NodeError as refusal:
        reason = " ".join(str(refusal).split())
        yield warning(
            f"{name}, ipset or the kernel refuses what rulesets need: {reason}",
            "load the modules ip_set_hash_*, ip_set_bitmap_ip, xt_set, xt_conntrack, xt_multiport, "
            "xt_iprange, xt_comment, ipt_REJECT and ip6t_REJECT, or use nftables",
        )
    else:
        yield fine(f"{name} and the kernel take all that rulesets need")
