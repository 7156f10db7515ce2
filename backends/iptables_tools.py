"""The programs of iptables and ipset: found, run, and what they list of ours.

Both flavours have them: iptables-legacy with tables of its own, iptables-nft with tables of
nftables. What both hold judges, so ours must be in one of them only.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..compiler.errors import NodeError
from .iptables_legacy import has_legacy_filter
from .iptables_names import FAMILIES, OWN_SET

FLAVOURS = ("legacy", "nft")
PROGRAM = {"v4": "iptables", "v6": "ip6tables"}

_SEARCHED = "/usr/sbin:/sbin"
_LOCK_SECONDS = "10"
_LONGEST_MESSAGE = 1000
_HELP = re.compile(r"\n*Try `.*for more information\.", re.DOTALL)
_AT_LINE = re.compile(r"\bline:? (\d+)")
_SEED = re.compile(r" (?:bucketsize|initval) \S+")
_AS_IT_IS: Mapping[str, str] = {}
NO_RELOAD = {"RES_OPTIONS": "no-reload"}
"""resolv.conf(5): ipset takes an address as it would a name, and looks at that file for each."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one flavour, by what their names end in: ``-restore``, ``-save``."""

    flavour: str
    names: tuple[str, str]
    """Of IPv4 and IPv6, without the end."""

    def save(self, family: str, *, counters: bool = False) -> str:
        """Return the table filter as iptables-save prints it."""
        argv = [self._name(family, "-save"), *(["-c"] if counters else []), "-t", "filter"]
        return run(argv)

    def restore(self, family: str, text: str, *, test: bool = False) -> None:
        """Commit the text, in one step, or only test it; NodeError with the words of a refusal."""
        argv = [self._name(family, "-restore"), "-w", _LOCK_SECONDS, "--noflush"]
        run([*argv, "--test"] if test else argv, text)

    def _name(self, family: str, end: str) -> str:
        return f"{self.names[FAMILIES.index(family)]}{end}"


def system_tools() -> Tools:
    """Return what the system means by iptables; NodeError with the remedy where it lacks a part."""
    for name in (*PROGRAM.values(), "ipset"):
        if found(name) is None:
            raise NodeError(f"there is no {name}; install the package {_package(name)}")
    kinds = {name: _flavour(name) for name in PROGRAM.values()}
    if len(set(kinds.values())) > 1:
        words = " and ".join(f"{name} of {kind}" for name, kind in kinds.items())
        raise NodeError(
            f"the node has {words}; update-alternatives --config iptables, and ip6tables, to one"
        )
    return Tools(kinds["iptables"], ("iptables", "ip6tables"))


def tools_of(flavour: str) -> Tools | None:
    """Return the programs of a flavour by their full names; None where the node lacks them."""
    names = (f"iptables-{flavour}", f"ip6tables-{flavour}")
    return Tools(flavour, names) if all(found(f"{name}-save") for name in names) else None


def other_flavour(flavour: str) -> Tools | None:
    """Return the programs of the other flavour, where that may have rules."""
    (other,) = (name for name in FLAVOURS if name != flavour)
    if other == "legacy" and not any(map(has_legacy_filter, FAMILIES)):
        return None  # and listing them would make the tables
    return tools_of(other)


def saves(tools: Tools) -> Mapping[str, str]:
    """Return what a flavour has in its filter tables, by family, without making any.

    A family that it cannot list is one in which it has no rules: the kernel lacks it.
    """
    found = {}
    for family in FAMILIES:
        if tools.flavour != "legacy" or has_legacy_filter(family):
            with contextlib.suppress(NodeError):
                found[family] = tools.save(family)
    return found


def ipset_headers() -> dict[str, tuple[str, int]]:
    """Return of each set of ours what it is, and how many entries it has."""
    headers = {}
    for block in run(["ipset", "list", "-t"]).split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.strip().split("\n"))
        name = lines.get("Name", "")
        if name.startswith(OWN_SET):
            what = f"{lines['Type']} {_SEED.sub('', lines['Header'])}"
            headers[name] = (what, int(lines["Number of entries"]))
    return headers


def ipset_entries(name: str) -> list[str]:
    """Return the entries that a set has now; none where there is no such set."""
    try:
        saved = run(["ipset", "save", name])
    except NodeError:
        return []
    return [line.split(" ")[2] for line in saved.splitlines() if line.startswith("add ")]


def ipset_restore(text: str) -> None:
    """Carry out a text for ipset, line by line; NodeError with the words of a refusal."""
    run(["ipset", "restore"], text, NO_RELOAD)


def found(name: str) -> str | None:
    """Return where a program is."""
    return shutil.which(name, path=_search_path())


def run(argv: Sequence[str], text: str = "", env: Mapping[str, str] = _AS_IT_IS) -> str:
    """Return what a program prints; NodeError with its words if it is missing or refuses.

    ``env`` is what its environment has beside ours.
    """
    path = found(argv[0])
    if path is None:
        raise NodeError(f"there is no {argv[0]}; install the package {_package(argv[0])}")
    done = subprocess.run(  # noqa: S603 - fixed arguments, and names of ours
        [path, *argv[1:]],
        input=text,
        encoding="utf-8",
        errors="surrogateescape",  # comments of others may be any bytes
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": _search_path(), **env},  # what it starts, it finds as we do
    )
    if done.returncode != 0:
        raise NodeError(_refusal(argv[0], (done.stderr or done.stdout).strip(), text))
    return done.stdout


def _search_path() -> str:
    return f"{os.environ.get('PATH', '')}:{_SEARCHED}"


def _refusal(name: str, words: str, text: str) -> str:
    """Return the words of a refusal, and the line that they are about."""
    words = _HELP.sub("", words).strip() or f"{name} refused without a word"
    lines = text.splitlines()
    numbers = [int(number) for number in _AT_LINE.findall(words)]
    told = [lines[number - 1] for number in numbers[:1] if 0 < number <= len(lines)]
    words = "\n".join([words, *(f"in: {line}" for line in told)])
    return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}..."


def _flavour(name: str) -> str:
    """Return the flavour of a program.

    Where it is a link to the one of all programs of a flavour, no process need be asked.
    """
    program = Path(found(name) or "").resolve().name
    for flavour in FLAVOURS:
        if program == f"xtables-{flavour}-multi":
            return flavour
    return "nft" if "nf_tables" in run([name, "--version"]) else "legacy"


def _package(name: str) -> str:
    return "ipset" if name == "ipset" else "iptables"
