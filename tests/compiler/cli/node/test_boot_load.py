"""What is loaded at a boot: on the machine, and for the node, that it was saved for."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.linux import machine_id
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.compiler.cli.node.boot_load import boot_last, load_if_missing
from cnpc.compiler.errors import NodeError
from engines import nft_engine
from fake_node import FakeNode
from small_rulesets import A

NAMED = ruleset_source(
    f"# Network policy of node worker-1, compiled by cnpc 0.1.0.\n\n{A.texts['nft']}"
)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the file that says which machine this is."""
    path = tmp_path / "machine-id"
    path.write_text("0123\n")
    monkeypatch.setattr(machine_id, "_ID", path)
    return path


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def engine(node: FakeNode, identity: Path, tmp_path: Path) -> Engine:
    assert identity.exists()
    engine = nft_engine(node, tmp_path / "state")
    engine.apply(NAMED)
    node.boot, node.tables = "another", set()
    return engine


@pytest.mark.parametrize("name", ["worker-2", "worker-1", "worker-1.example.org"])
@pytest.mark.parametrize("identifier", ["0123", "4567", ""])
def test_a_copy_of_another_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, identity: Path, name: str, identifier: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    identity.write_text(f"{identifier}\n")
    if identifier != "0123" and name == "worker-2":
        with pytest.raises(NodeError, match=r"copied from another machine, and has .* worker-1"):
            boot_last(engine)
    else:
        assert boot_last(engine) is not None


def test_the_identity_itself_is_not_told(identity: Path) -> None:
    assert "0123" not in machine_id.machine()
    assert len(machine_id.machine()) == 16
    identity.unlink()
    assert machine_id.machine() == ""


def test_what_was_loaded_since_the_boot_is_not_loaded_again(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, engine: Engine
) -> None:
    monkeypatch.setattr(Engine, "place", lambda _: node.boot)
    load_if_missing(engine)
    assert node.tables
    before = list(node.commits)
    load_if_missing(engine)
    assert node.commits == before
    engine.flush(pytest.fail)
    load_if_missing(engine)
    assert not node.tables
