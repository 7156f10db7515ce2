"""``cnpc apply`` of a ruleset that is in force: told without what takes long to import or read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...backends import iptables_presence, nft_signs
from ...backends.bridges import unjudged
from ...backends.iptables_names import BACKEND as IPTABLES
from ...backends.nft_names import BACKEND as NFTABLES
from ...backends.nft_names import SUFFIX
from ...backends.nft_signs import NftSigns
from ...backends.notes import Version
from ...backends.record import State
from ...backends.signs import Signs, in_force
from ..errors import CnpcError
from .later import later
from .node_options import Choices
from .ruleset_files import is_nft, is_of_iptables, trio


def unchanged(paths: Sequence[str], choices: Choices, state_dir: Path) -> Version | None:
    """Return the version in force if the files are its texts, and nobody has changed it since.

    None where it takes a closer look to tell, where there is more to say than that, and where
    anything is wrong: whoever looks has words for that. UsageError where files do not go together.
    """
    files = {suffix: Path(path) for suffix, path in _files(paths).items()}
    backend = NFTABLES if SUFFIX in files else IPTABLES
    if not files or choices.counters or choices.backend not in {None, backend}:
        return None
    if choices.node or choices.only_manifests:
        return None
    try:
        if not all(path.is_file() for path in files.values()):  # a pipe can be read only once
            return None
        version = in_force(files, State(state_dir), _signs(backend))
        more = version and (_judging_beside(backend) or unjudged(None))
    except (CnpcError, OSError):
        return None
    return None if more else version


def nothing_to_do(version: Version) -> str:
    """Return what is said of a version that is in force."""
    return f"{version.id} is in force already; nothing to do"


def _files(paths: Sequence[str]) -> Mapping[str, str]:
    """Return the files of one ruleset by suffix; none where the paths are not such."""
    if any(map(is_of_iptables, paths)):
        return trio(paths)
    return {SUFFIX: paths[0]} if len(paths) == 1 and is_nft(paths[0]) else {}


def _judging_beside(backend: str) -> tuple[str, ...]:
    """Return where rules of ours judge packets that are of the other packet filter."""
    return nft_signs.judging() if backend == IPTABLES else iptables_presence.judging()


def _signs(backend: str) -> Signs:
    if backend == NFTABLES:
        return NftSigns()
    signs: Signs = later("..backends.iptables_signs").system_signs()
    return signs
