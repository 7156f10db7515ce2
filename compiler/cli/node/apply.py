"""``cnpc apply``: put a ruleset in force on this node, atomically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ....backends.apply.generation_check import GenerationCheck, installed_version
from ....backends.apply.record import Version
from ....backends.apply.store import Store
from ....backends.iptables.names import BACKEND as IPTABLES
from ....backends.iptables.node import active as iptables_presence
from ....backends.linux.bridges import unjudged
from ....backends.nftables.names import BACKEND as NFTABLES
from ....backends.nftables.names import SUFFIX
from ....backends.nftables.node import generation as nft_signs
from ....backends.nftables.node.generation import NftGenerationCheck
from ...errors import CnpcError
from ..lazy import lazy_import
from ..option_types import Duration
from ..output.json_output import json_option
from ..output.messages import say
from ..rulesets.file_names import is_nft, is_of_iptables, trio
from .options import Choices, Permits, compile_options, permit_options, state_option

_EPILOG = """\b
Examples:
  cnpc apply /etc/cnpc/worker-1.nft
  cnpc apply /etc/cnpc/worker-1.v4    and the .ipset and .v6 beside it
  kubectl get ns,pods,nodes,netpol,clusternetworkpolicies.policy.networking.k8s.io \\
    -A -o json | cnpc apply - --node worker-1
  cnpc apply new.nft --confirm 60s    and then, if you still can:  cnpc apply --confirmed
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@permit_options
@click.option("--check", is_flag=True, help="Let the kernel judge the ruleset, and load nothing.")
@click.option(
    "--confirm",
    metavar="TIME",
    type=Duration(),
    help="Put the old ruleset back unless 'cnpc apply --confirmed' follows within 60s, or 2m, say.",
)
@click.option("--confirmed", is_flag=True, help="Keep the ruleset that waits for this.")
@click.option(
    "--cut-established",
    "cut",
    is_flag=True,
    help="End connections that the ruleset denies; by default they live on, as Kubernetes has it.",
)
@click.option("--watch", "watching", is_flag=True, help="Stay, and undo what others change.")
@state_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where all is well.")
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    choices: Choices,
    permits: Permits,
    check: bool,
    confirm: float | None,
    confirmed: bool,
    cut: bool,
    watching: bool,
    state_dir: Path,
    quiet: bool,
    as_json: bool,
) -> int:
    """Put a ruleset in force on this node: exactly that one, or exactly the old one stays.

    PATH is a ruleset that cnpc compile wrote (.nft; or .ipset, .v4 and .v6, of which one names
    all three), or manifests, which --node compiles first; a - is standard input. Only what differs
    is sent to the kernel, and nothing where nothing does. Without PATH, --watch keeps in force
    what was loaded last, and what is loaded later.
    """
    if bool(paths) == confirmed and not (watching and not paths):
        raise click.UsageError("give a PATH, or --confirmed or --watch and no PATH")
    if sum((check, confirm is not None, watching)) > 1:
        raise click.UsageError("--check, --confirm and --watch exclude each other")
    if cut and (check or confirmed):
        raise click.UsageError("--cut-established belongs to an apply that loads")
    if watching and not paths:
        lazy_import("node.applying.load").keep(state_dir)
        return 0
    if confirmed:
        kept: int = lazy_import("node.applying.load").confirmed(state_dir, as_json=as_json)
        return kept
    if not any((check, confirm, cut, watching, as_json)):
        version = unchanged(paths, choices, state_dir)
        if version is not None:
            say(nothing_to_do(version), quiet=quiet)
            return 0
    lazy_import("node.applying.load").apply(
        paths,
        choices,
        state_dir,
        check=check,
        confirm=confirm,
        permits=permits,
        cut=cut,
        watching=watching,
        quiet=quiet,
        as_json=as_json,
    )
    return 0


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
        version = installed_version(files, Store(state_dir), _signs(backend))
        more = version and (_leftovers(backend) or unjudged(None))
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


def _leftovers(backend: str) -> tuple[str, ...]:
    """Return where rules of ours judge packets that are of the other packet filter."""
    return nft_signs.where_active() if backend == IPTABLES else iptables_presence.where_active()


def _signs(backend: str) -> GenerationCheck:
    if backend == NFTABLES:
        return NftGenerationCheck()
    signs: GenerationCheck = lazy_import(
        "..backends.iptables.node.generation"
    ).system_generation_check()
    return signs
