"""Rulesets by the names of their files, packed by gzip or not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from cnpc.compiler.cli.rulesets.file_names import is_nft, is_of_iptables, trio
from command import CLUSTER, STORIES, Done, cnpc
from netcluster import Namespace

pytestmark = pytest.mark.requires_root_and_nft
_MIB = 1 << 20


def compiled(folder: Path, backend: str) -> Path:
    """Return what the files of a node begin with."""
    done = cnpc("compile", CLUSTER, STORIES / "1-deny", "--backend", backend, "-o", folder)
    assert done.code == 0, done.err
    return folder / "worker-1"


def pack(path: Path) -> Path:
    """Return what gzip makes of a file, which goes."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def apply(path: Path, folder: Path, *options: str) -> Done:
    return cnpc("apply", path, *options, environment={"CNPC_STATE_DIR": str(folder / "state")})


def test_names_tell_packed_rulesets() -> None:
    assert is_nft("a.nft.gz")
    assert not is_nft("a.yaml.gz")
    assert is_of_iptables("a.v6.gz")
    assert set(trio(["/nowhere/a.v4.gz"]).values()) == {
        f"/nowhere/a.{suffix}.gz" for suffix in ("ipset", "v4", "v6")
    }


def test_a_packed_ruleset_is_applied(space: Namespace, tmp_path: Path) -> None:  # noqa: ARG001 - be in it
    packed = pack(compiled(tmp_path, "nftables").with_suffix(".nft"))
    assert apply(packed, tmp_path).out.endswith(" ms\n")
    assert "nothing to do" in apply(packed, tmp_path).out
    diff = cnpc("diff", packed, environment={"CNPC_STATE_DIR": str(tmp_path / "state")})
    assert diff == Done(0, "", "")
    refused = cnpc("compile", packed)
    assert refused.code == 2
    assert "is a ruleset: cnpc apply" in refused.err


@pytest.mark.parametrize("which", [("v4",), ("ipset", "v6"), ("ipset", "v4", "v6")])
@pytest.mark.parametrize("given", ["v4", "ipset"])
def test_any_of_three_files_may_be_packed(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
    which: tuple[str, ...],
    given: str,
) -> None:
    stem = compiled(tmp_path, "iptables")
    for suffix in which:
        pack(stem.with_suffix(f".{suffix}"))
    path = stem.with_suffix(f".{given}" + (".gz" if given in which else ""))
    assert apply(path, tmp_path, "--check").code == 0


def test_a_bomb_is_refused_before_it_fills_the_memory(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
) -> None:
    bomb = tmp_path / "worker-1.nft.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(513):
            file.write(bytes(_MIB))
    done = apply(bomb, tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == (f"{bomb}: error: unpacks to more than 512 MiB\n1 error, nothing changed\n")
    bomb.write_bytes(b"no gzip")
    assert "not a whole gzip file" in apply(bomb, tmp_path).err
