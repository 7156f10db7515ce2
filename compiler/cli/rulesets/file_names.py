"""Which files are a ruleset, by their names: one for nftables, three for iptables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ....backends.iptables.names import SUFFIXES as OF_IPTABLES
from ....backends.nftables.names import SUFFIX as OF_NFT

_PACKED = ".gz"


def is_packed(path: str) -> bool:
    """Tell whether the name is that of what gzip has packed."""
    return path.endswith(_PACKED)


def is_nft(path: str) -> bool:
    """Tell whether the name is that of a ruleset for nftables, packed or not."""
    return path.removesuffix(_PACKED).endswith(f".{OF_NFT}")


def is_of_iptables(path: str) -> bool:
    """Tell whether the name is that of one of the three for iptables, packed or not."""
    return path.removesuffix(_PACKED).endswith(tuple(f".{suffix}" for suffix in OF_IPTABLES))


def no_rulesets(paths: Sequence[str]) -> None:
    """Raise UsageError where manifests are to be read, and a path is a ruleset or holds them."""
    for path in paths:
        if _is_ruleset(path):
            raise click.UsageError(f"{path} is a ruleset: cnpc apply {path}")
        if found := _rulesets_within(path):
            raise click.UsageError(f"{path} is a folder of rulesets: cnpc apply {found}")


def trio(paths: Sequence[str]) -> Mapping[str, str]:
    """Return the names of all three, by suffix, of one, two or three of them.

    UsageError where these do not go together.
    """
    given = {_suffix(path): path for path in paths}
    if not all(map(is_of_iptables, paths)) or len(given) != len(paths):
        raise click.UsageError("give one ruleset, or manifests, and not both or several")
    return {**_beside(given), **given}


def _beside(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names that the files have beside those given, where they have one stem."""
    stems = {path.removesuffix(_PACKED).rpartition(".")[0] for path in given.values()}
    if len(stems) == 1:
        (stem,) = stems
        packed = all(map(is_packed, given.values()))
        return {suffix: _there(f"{stem}.{suffix}", packed=packed) for suffix in OF_IPTABLES}
    if len(given) == len(OF_IPTABLES):
        return {}
    raise click.UsageError("these are files of different rulesets: give all three of one")


def _there(path: str, *, packed: bool) -> str:
    """Return the name of a file with ``.gz`` or without it: that which is there, first as told."""
    names = (f"{path}{_PACKED}", path) if packed else (path, f"{path}{_PACKED}")
    return next((name for name in names if Path(name).exists()), names[0])


def _is_ruleset(path: str) -> bool:
    return is_nft(path) or is_of_iptables(path)


def _rulesets_within(path: str) -> str | None:
    """Return the first ruleset of a folder that has no other files; None where it is none."""
    folder = Path(path)
    try:
        files = sorted(map(str, folder.iterdir())) if folder.is_dir() else []
    except OSError:  # whoever reads it has words for that
        return None
    return files[0] if files and all(map(_is_ruleset, files)) else None


def _suffix(path: str) -> str:
    return path.removesuffix(_PACKED).rpartition(".")[2]
