"""Which files are a ruleset, by their names: one for nftables, three for iptables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ...backends.iptables_names import SUFFIXES as OF_IPTABLES
from ...backends.nft_names import SUFFIX as OF_NFT


def is_nft(path: str) -> bool:
    """Tell whether the name is that of a ruleset for nftables."""
    return path.endswith(f".{OF_NFT}")


def is_of_iptables(path: str) -> bool:
    """Tell whether the name is that of one of the three for iptables."""
    return path.endswith(tuple(f".{suffix}" for suffix in OF_IPTABLES))


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
    stems = {path.rpartition(".")[0] for path in given.values()}
    if len(stems) == 1:
        return {suffix: f"{next(iter(stems))}.{suffix}" for suffix in OF_IPTABLES}
    if len(given) == len(OF_IPTABLES):
        return {}
    raise click.UsageError("these are files of different rulesets: give all three of one")


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
    return path.rpartition(".")[2]
