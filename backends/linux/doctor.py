"""What a node must have for a ruleset to judge every packet, each with its remedy."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...compiler.errors import NodeError
from ..iptables.node.doctor import lacks_iptables, look_at_iptables
from ..nftables.node.client import CommandNft, LibraryNft, Nft, open_nft
from ..nftables.node.kernel import LinuxKernel
from . import programs
from .capabilities import has_net_admin
from .doctor_paths import PATHS
from .finding import Finding, Level, fine, missing, warning

_OLDEST_NFT = (1, 0, 1)
_FULL = 0.9  # of the connection table
_SYSCTL = Path("/proc/sys/net")
_UNITS = {
    "cnpc.service": "loads the ruleset at boot before the network is up",
    "cnpc-watch.service": "puts back what others take away from the ruleset",
}

# What every ruleset of ours uses, so that an old kernel or nft says so before anything is at stake.
_PROBE = """
table inet cnpc_doctor {
	set a {
		type ipv4_addr . inet_proto . inet_service
		size 16
		elements = { 192.0.2.1 . tcp . 80 }
	}
	set b {
		type ipv6_addr
		flags interval
		comment "any"
		elements = { 2001:db8::/32 }
	}
	chain c {
		icmpv6 type { 130-137, 143 } accept
		reject with icmpx type admin-prohibited
	}
	map d {
		type ipv4_addr : verdict
		size 16
		elements = { 192.0.2.1 : goto c }
	}
	chain forward {
		type filter hook forward priority -5; policy accept;
		ct state established accept
		ip saddr . meta l4proto . th dport @a counter accept comment "any"
		ip6 daddr @b drop
		ip saddr vmap @d
	}
}
"""

_ENGINES: Mapping[str, str] = {
    "Calico": r":cali-|:cali_|table (ip|ip6|inet) calico",
    "Cilium": r":CILIUM_|:OLD_CILIUM_",
    "kube-router": r":KUBE-ROUTER-|:KUBE-NWPLCY-",
    "Antrea": r":ANTREA-",
    "Weave Net": r":WEAVE-NPC",
    "kube-network-policies": r"table (ip|ip6|inet) kube-network-policies",
}


_TURNED_OFF: Mapping[str, str] = {
    "kube-router": "start k3s with --disable-network-policy, kube-router with --run-firewall=false",
}


def lacks_rights() -> Iterator[Finding]:
    """Yield that this process may not change the network, without which nothing can be applied."""
    if has_net_admin():
        return
    if os.geteuid() == 0:
        yield missing(
            "root lacks the capability NET_ADMIN here", "give the container that capability"
        )
    else:
        yield missing(
            "this is not root, nor has it the capability NET_ADMIN",
            "run cnpc as root, or with sudo",
        )


def lacks_nft() -> Iterator[Finding]:
    """Yield what without no ruleset for nftables can be applied; next to nothing to look."""
    try:
        nft = open_nft()
        LinuxKernel(nft).generation()
    except NodeError as problem:
        yield missing(str(problem), "then try again")
    except PermissionError:
        yield missing(
            "the kernel refuses to show its rules", "give the container the capability NET_ADMIN"
        )
    except OSError as problem:
        yield missing(
            f"the kernel has no nf_tables ({problem.strerror})",
            "load the module nf_tables, or use a kernel of 5.2 or later",
        )


def examine(state: Path) -> Iterator[Finding]:
    """Yield a finding for everything that is looked at."""
    problems = list(lacks_rights())
    yield from problems
    if problems:
        return
    lacking = {_of_nft: list(lacks_nft()), look_at_iptables: list(lacks_iptables())}
    for look, found in lacking.items():
        # Either is enough.
        level = Level.MISSING if all(lacking.values()) else Level.WARNING
        yield from (replace(finding, level=level) for finding in found)
        if not found:
            yield from look()
    for look in _LOOKS:
        yield from look()
    yield from _folder(state)


def _of_nft() -> Iterator[Finding]:
    yield fine("the rights, and a kernel with nf_tables")
    yield from _nft()
    yield from _features()


def _nft() -> Iterator[Finding]:
    try:
        yield fine(f"{LibraryNft().name} in process")
    except (ImportError, OSError):
        yield warning(
            "no libnftables bindings: each commit starts a process",
            "install python3-nftables, or oxl-libnftables and libnftables1",
        )
    try:
        CommandNft()
    except OSError:
        yield warning("there is no program nft", "install nftables to look at rules yourself")
        return
    words = _output("nft", "--version")
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", words)
    version = tuple(map(int, found.groups())) if found else (0,)
    if version < _OLDEST_NFT:
        yield missing(f"nft is too old ({words.strip()})", "install nftables 1.0.1 or later")
    else:
        yield fine(words.strip())


def _features() -> Iterator[Finding]:
    nft: Nft = open_nft()
    try:
        nft.run(_PROBE, check=True)
    except NodeError as refusal:
        reason = str(refusal).splitlines()[0]
        yield missing(
            f"nft or the kernel refuses what rulesets need: {reason}",
            "use nftables 1.0.1 and a kernel of 5.10 or later, with nft_ct, nft_reject_inet",
        )
    else:
        yield fine("the kernel takes all that rulesets need")


def _forwarding() -> Iterator[Finding]:
    for family, key in (("IPv4", "ipv4/ip_forward"), ("IPv6", "ipv6/conf/all/forwarding")):
        if _sysctl(key) == "0":
            name = key.replace("/", ".")
            yield warning(f"{family} is not forwarded", f"sysctl -w net.{name}=1, if pods use it")


def _connections() -> Iterator[Finding]:
    count, most = (_sysctl(f"netfilter/nf_conntrack_{key}") for key in ("count", "max"))
    if not count.isdigit() or not most.isdigit():
        yield warning("connections are not tracked yet", "it begins with the first ruleset")
    elif int(count) > _FULL * int(most):
        yield warning(
            f"{count} of {most} connections are in use",
            f"sysctl -w net.netfilter.nf_conntrack_max={2 * int(most)}",
        )
    else:
        yield fine(f"connections are tracked, {count} of {most}")


def _iptables() -> Iterator[Finding]:
    """Tables that are merely there judge nothing, and those of legacy stay until the next boot."""
    made = [*_table_names("ip_tables_names"), *_table_names("ip6_tables_names")]
    tools = ("iptables", "ip6tables")
    legacy = [_output(f"{tool}-legacy-save") for tool in tools] if made else []
    if any(map(_judges, legacy)) and any(_judges(_output(f"{tool}-nft-save")) for tool in tools):
        yield warning(
            "iptables-legacy and iptables-nft both have rules, and both judge",
            "move all to one: update-alternatives --set iptables /usr/sbin/iptables-nft",
        )


def _judges(saved: str) -> bool:
    """Tell whether there is a rule, or a policy that is not to accept."""
    return re.search(r"^(-A |:\S+ DROP )", saved, re.MULTILINE) is not None


def _engines() -> Iterator[Finding]:
    text = "".join(_output(f"{tool}-save") for tool in ("iptables-legacy", "iptables-nft"))
    text += _output("nft", "list", "tables")
    for engine, pattern in _ENGINES.items():
        if re.search(pattern, text):
            yield warning(
                f"{engine} judges here too: a packet passes if both allow it",
                _TURNED_OFF.get(engine, f"let {engine} enforce no policy, or take its chains away"),
            )


def _unit() -> Iterator[Finding]:
    if not Path("/run/systemd/system").exists():
        return
    for unit, purpose in _UNITS.items():
        if _output("systemctl", "is-enabled", unit).strip() != "enabled":
            yield warning(
                f"nothing {purpose}", f"install deploy/{unit}; systemctl enable --now {unit}"
            )
        else:
            yield fine(f"{unit} {purpose}")


def _folder(state: Path) -> Iterator[Finding]:
    there = next(path for path in (state, *state.parents) if path.exists())
    flags = os.statvfs(there).f_flag
    if flags & os.ST_RDONLY or not os.access(there, os.W_OK):
        yield missing(f"{state} cannot be written", "mount it writable, or use --state-dir")
    elif state.exists() and state.stat().st_mode & 0o077:
        yield warning(f"others may look into {state}", f"chmod 700 {state}")
    else:
        yield fine(f"{state} can be written")


_LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _forwarding,
    _connections,
    *PATHS,
    _iptables,
    _engines,
    _unit,
)


def _table_names(name: str) -> list[str]:
    path = Path("/proc/net") / name
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def _sysctl(key: str) -> str:
    path = _SYSCTL / key
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _output(*argv: str) -> str:
    """Return what a program prints; nothing where there is none or it fails."""
    with contextlib.suppress(NodeError):
        return programs.run(argv).out
    return ""
