"""Which packet filter is used where no ruleset says it."""

from __future__ import annotations

import pytest
from cnpc.compiler.cli.node import engine
from cnpc.compiler.errors import NodeError


@pytest.mark.parametrize(
    ("lacking", "chosen"),
    [("", "nftables"), ("nftables", "iptables"), ("iptables", "nftables")],
)
def test_nftables_is_preferred(monkeypatch: pytest.MonkeyPatch, lacking: str, chosen: str) -> None:
    def reach(backend: str) -> None:
        if backend == lacking:
            raise NodeError(f"there is no {backend}")

    monkeypatch.setattr(engine, "_open", reach)
    assert engine.usable_backend() == chosen


def test_where_there_is_none_the_first_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(backend: str) -> None:
        raise NodeError(f"there is no {backend}")

    monkeypatch.setattr(engine, "_open", reach)
    with pytest.raises(NodeError, match="there is no nftables"):
        engine.usable_backend()
