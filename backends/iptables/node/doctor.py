"""What a node must have for a ruleset of iptables to judge every packet, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from ....compiler.errors import NodeError
from ...linux import programs
from ...linux.finding import Finding, fine, missing, warning
from . import tools
from .own_rules import own
from .saved import in_front

# What every ruleset of ours uses. It is loaded in a network namespace made for it, where kernels
# show what they lack without anything of the node's changing.
_SETS = """create cnpc-a hash:ip family {family} hashsize 64 maxelem 16
create cnpc-b hash:net family {family} hashsize 64 maxelem 16
create cnpc-c hash:ip,port family {family} hashsize 64 maxelem 16
create cnpc-d hash:ip family {family} hashsize 64 maxelem 16 timeout 0"""
_RULES = """*mangle
:CNPC-doctor - [0:0]
-A CNPC-doctor -m conntrack --ctstate ESTABLISHED -j RETURN
-A CNPC-doctor -m set --match-set cnpc-a src -j DROP
-A CNPC-doctor -m set --match-set cnpc-c src,dst -j DROP
-A CNPC-doctor -p tcp -m multiport --dports 80,443:445 -j DROP
-A CNPC-doctor -m iprange --src-range {range} -j DROP
-A CNPC-doctor -m comment --comment "any" -j DROP
-I FORWARD 1 -g CNPC-doctor
COMMIT
"""
_REJECTING = """*filter
:CNPC-doctor - [0:0]
-A CNPC-doctor -p tcp -j REJECT --reject-with tcp-reset
-I FORWARD 1 -g CNPC-doctor
COMMIT
*security
:CNPC-doctor - [0:0]
-A CNPC-doctor -m set --match-set cnpc-a src -j DROP
-I FORWARD 1 -g CNPC-doctor
COMMIT
"""
_BITMAP = {"v4": "create cnpc-e bitmap:ip range 192.0.2.1-192.0.2.9\n", "v6": ""}
_PASSED_BY = {
    "mangle": "not judged",
    "filter": "not rejected, but dropped if it is denied",
    "security": "not judged",
}
_MODULE = {"v4": "iptable", "v6": "ip6table"}
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
    words = "ip6tables and ipset" if "v6" in system.families else "ipset, for IPv4 alone"
    yield fine(f"iptables-{system.flavour}, {words}")
    if reason := ours_in_both(system):
        text, _, remedy = reason.partition("; ")
        yield warning(text, remedy)
    yield from _in_front(system)
    if programs.found("unshare") is None:
        yield warning("there is no unshare to try the parts of iptables with", "install util-linux")
        return
    for family in system.families:
        yield from _features(family)


def _in_front(system: tools.Tools) -> Iterator[Finding]:
    """Yield where rules of others come before ours, so that what they accept is not judged."""
    for (family, table), saved in own(system).items():
        for hook, jumps in saved.jumps.items():
            if jumps.number and not jumps.first:
                yield warning(
                    f"{tools.PROGRAM[family]} -t {table} {hook} has before cnpc's own rules "
                    f"{_first(system, (family, table), hook)}; what that accepts is "
                    f"{_PASSED_BY[table]}",
                    "cnpc apply puts the own jump in front, and apply --watch whenever it is not",
                )


def _first(system: tools.Tools, where: tools.Where, hook: str) -> str:
    """Return the first of others' rules in front of ours, and how many more there are."""
    try:
        rules = in_front(system.save(*where), hook)
    except NodeError:  # as a rule made by nft has no words
        rules = ()
    if not rules:
        return "rules of others"
    return rules[0] if len(rules) == 1 else f"{rules[0]} and {len(rules) - 1} more"


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
    reason = _refused(family, _RULES.format(range=_RANGE[family]))
    if reason.startswith("unshare"):
        yield warning(
            f"whether {name} takes what rulesets need cannot be tried: {reason}",
            "the try, and no apply, needs the capability SYS_ADMIN; go by cnpc apply --check",
        )
    elif "lock" in reason:
        yield warning(f"{name} cannot take its lock: {reason}", "no apply can while that is so")
    elif reason:
        yield warning(
            f"{name}, ipset or the kernel refuses what rulesets need: {reason}",
            "load the modules ip_set_hash_*, ip_set_bitmap_ip, xt_set, xt_conntrack, xt_multiport, "
            f"xt_iprange, xt_comment, and with iptables-legacy {_MODULE[family]}_mangle, or use "
            "nftables",
        )
    elif reason := _refused(family, _REJECTING):
        yield warning(
            f"{name} or the kernel refuses what --deny-with reject needs: {reason}",
            f"load the modules ipt_REJECT and ip6t_REJECT, and with iptables-legacy "
            f"{_MODULE[family]}_security, or deny with drop",
        )
    else:
        yield fine(f"{name} and the kernel take all that rulesets need")


def _refused(family: str, rules: str) -> str:
    """Return why the rules, and the sets that they need, are refused; "" if they are not."""
    restore = f"{tools.PROGRAM[family]}-restore --noflush"
    script = f"ipset restore <<'END' && {restore}\n{_SETS}\n{_BITMAP[family]}END\n"
    try:
        tools.run(
            ["unshare", "-n", "sh", "-c", script.format(family=_FAMILY_WORD[family])],
            rules,
        )
    except NodeError as refusal:
        return " ".join(str(refusal).split())
    return ""
