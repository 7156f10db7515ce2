"""The programs of iptables and ipset: found, run, and what they list of ours.

Both flavours have them: iptables-legacy with tables of its own, iptables-nft with tables of
nftables. What both hold judges, so ours must be in one of them only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....compiler.errors import NodeError
from ...linux import programs
from ..names import FAMILIES, OWN_SET
from .legacy import legacy_tables

FLAVOURS = ("legacy", "nft")
_OF_IPV4, _OF_IPV6 = ("iptables",), "ip6tables"
PROGRAM = {"v4": "iptables", "v6": _OF_IPV6}
_IPV6 = Path("/proc/net/if_inet6")


Where = tuple[str, str]
"""A family, and a table of it."""

_LOCK_SECONDS = "10"
_LONGEST_MESSAGE = 1000
_HELP = re.compile(r"\n*Try `.*for more information\.", re.DOTALL)
_AT_LINE = re.compile(r"\bline:? (\d+)")
_NO_TABLE = re.compile(r"initialize (?:ip6?tables )?table [`'](\w+)'")
_SEED = re.compile(r" (?:bucketsize|initval) \S+")
_AS_IT_IS: Mapping[str, str] = {}
NO_RELOAD = {"RES_OPTIONS": "no-reload"}
"""resolv.conf(5): ipset takes an address as it would a name, and looks at that file for each."""
_FAMILY_WORDS = {"v4": "IPv4", "v6": "IPv6"}
_NFT_WORDS = {"v4": "ip", "v6": "ip6"}


class LockedError(NodeError):
    """The lock that all programs of iptables take could not be had."""


class UnlistedError(NodeError):
    """There are rules, and iptables-save cannot word them all."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one flavour, by what their names end in: ``-restore``, ``-save``."""

    flavour: str
    names: tuple[str, ...]
    """Of IPv4 and IPv6, without the end; of IPv4 alone on a node without IPv6."""

    @property
    def families(self) -> tuple[str, ...]:
        """The families that there are programs for."""
        return FAMILIES[: len(self.names)]

    def save(self, family: str, table: str, *, counters: bool = False) -> str:
        """Return a table as iptables-save prints it; UnlistedError where it prints none.

        iptables-nft-save ends with 0 where a rule of nft keeps it from printing the table. With
        iptables-legacy, a table that is not there is made.
        """
        argv = [self._name(family, "-save"), *(["-c"] if counters else []), "-t", table]
        output = run(argv)
        lines = [line for line in output.splitlines() if line and not line.startswith("#")]
        if not lines or lines[0] != f"*{table}" or lines[-1] != "COMMIT":
            raise UnlistedError(self._unlisted(family, table, output))
        return output

    def rules(self, family: str, table: str, chain: str) -> tuple[str, ...]:
        """Return the rules of a chain as iptables-save words them."""
        listed = run([self._name(family, ""), "-t", table, "-S", chain])
        return tuple(line for line in listed.splitlines() if line.startswith("-A "))

    def restore(self, family: str, text: str, *, test: bool = False) -> None:
        """Commit the text, in one step, or only test it; NodeError with the words of a refusal."""
        argv = [self._name(family, "-restore"), "-w", _LOCK_SECONDS, "--noflush"]
        run([*argv, "--test"] if test else argv, text)

    def _unlisted(self, family: str, table: str, output: str) -> str:
        words = output.strip().partition("\n")[0].removeprefix("# ") or "it prints nothing"
        name = self._name(family, "-save")
        text = f"{name} does not list the table {table} of {_FAMILY_WORDS[family]} ({words})"
        if self.flavour == "legacy":
            return text
        return (
            f"{text}; nft list table {_NFT_WORDS[family]} {table} shows the rules, of which those "
            "made by nft belong in a table of their own"
        )

    def _name(self, family: str, end: str) -> str:
        return f"{self.names[FAMILIES.index(family)]}{end}"


def system_tools() -> Tools:
    """Return what the system means by iptables; NodeError with the remedy where it lacks a part.

    A node without IPv6 is one of a kernel without it, or one without ip6tables.
    """
    names = tuple(PROGRAM.values() if _IPV6.exists() and programs.found(_OF_IPV6) else _OF_IPV4)
    for name in (*names, "ipset"):
        if programs.found(name) is None:
            raise programs.missing(name)
    kinds = {name: _flavour(name) for name in names}
    if len(set(kinds.values())) > 1:
        words = " and ".join(f"{name} of {kind}" for name, kind in kinds.items())
        raise NodeError(
            f"the node has {words}; update-alternatives --config iptables, and ip6tables, to one"
        )
    return Tools(kinds["iptables"], names)


def without_ipv6() -> str:
    """Return why a node has IPv4 alone."""
    return "there is no ip6tables" if _IPV6.exists() else "the kernel has no IPv6"


def tools_of(flavour: str) -> Tools | None:
    """Return the programs of a flavour by their full names; None where the node lacks them."""
    names = (f"iptables-{flavour}", f"ip6tables-{flavour}")
    return Tools(flavour, names) if all(programs.found(f"{name}-save") for name in names) else None


def other_flavour(flavour: str) -> Tools | None:
    """Return the programs of the other flavour, where that may have rules."""
    (other,) = (name for name in FLAVOURS if name != flavour)
    if other == "legacy" and not any(map(legacy_tables, FAMILIES)):
        return None
    return tools_of(other)


def ipset_headers() -> dict[str, tuple[str, int]]:
    """Return of each set of ours what it is, and how many entries it has."""
    blocks = run(["ipset", "list", "-t"]).strip()
    found = (_header(block) for block in blocks.split("\n\n")) if blocks else ()
    return {name: (what, entries) for name, what, entries in found if name.startswith(OWN_SET)}


def _header(block: str) -> tuple[str, str, int]:
    """Return the name of a set, what it is, and how many entries it has."""
    lines = dict(line.partition(": ")[::2] for line in block.split("\n"))
    try:
        what = f"{lines['Type']} {_SEED.sub('', lines['Header'])}"
        return lines["Name"], what, int(lines["Number of entries"])
    except (KeyError, ValueError):
        words = block.partition("\n")[0]
        raise NodeError(f"ipset list -t prints what is no list of sets ({words})") from None


def ipset_entries(name: str) -> list[str]:
    """Return the entries that a set has now; none where there is no such set."""
    try:
        saved = run(["ipset", "save", name])
    except NodeError:
        return []
    return [line.split(" ")[2] for line in saved.splitlines() if line.startswith("add ")]


def ipset_saved() -> dict[str, list[str]]:
    """Return the entries of each set of ours, in any order; no set that has none."""
    found: dict[str, list[str]] = {}
    for line in run(["ipset", "save"]).splitlines():
        kind, _, rest = line.partition(" ")
        name, _, entry = rest.partition(" ")
        if kind not in {"create", "add"} or not entry:
            raise NodeError(f"ipset save prints what is no list of sets ({line[:80]})")
        if kind == "add" and name.startswith(OWN_SET):
            found.setdefault(name, []).append(entry)
    return found


def ipset_restore(text: str) -> None:
    """Carry out a text for ipset, line by line; NodeError with the words of a refusal."""
    run(["ipset", "restore"], text, NO_RELOAD)


def run(argv: Sequence[str], text: str = "", env: Mapping[str, str] = _AS_IT_IS) -> str:
    """Return what a program prints; NodeError with its words if it is missing or refuses.

    ``env`` is what its environment has beside ours.
    """
    done = programs.run(argv, text, env)
    if done.code != 0 and "xtables lock" in done.err:
        words = f"another program holds /run/xtables.lock for {_LOCK_SECONDS} s"
        raise LockedError(f"{words}; fuser -v /run/xtables.lock names it")
    if done.code != 0 and "lock file" in done.err:
        words = " ".join(done.err.split())
        raise LockedError(f"{words}; let iptables write there, or set XTABLES_LOCKFILE")
    if done.code != 0:
        raise NodeError(_refusal(argv[0], (done.err or done.out).strip(), text))
    return done.out


def _refusal(name: str, words: str, text: str) -> str:
    """Return the words of a refusal, and the line that they are about."""
    words = _HELP.sub("", words).strip() or f"{name} refused without a word"
    lines = text.splitlines()
    numbers = [int(number) for number in _AT_LINE.findall(words)]
    told = [lines[number - 1] for number in numbers[:1] if 0 < number <= len(lines)]
    told = [f"in: {line}" for line in told]
    if missing := _NO_TABLE.search(words):
        modules = f"iptable_{missing[1]} and ip6table_{missing[1]}"
        told.append(f"the kernel lacks this table; load the modules {modules}, or use nftables")
    words = "\n".join([words, *told])
    return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}..."


def _flavour(name: str) -> str:
    """Return the flavour of a program.

    Where it is a link to the one of all programs of a flavour, no process need be asked.
    """
    program = Path(programs.found(name) or "").resolve().name
    for flavour in FLAVOURS:
        if program == f"xtables-{flavour}-multi":
            return flavour
    version = run([name, "--version"])
    if not version.startswith(f"{name} v"):
        raise NodeError(f"{name} --version prints no version ({version.strip()[:80]})")
    return "nft" if "nf_tables" in version else "legacy"
