"""An engine over a node without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from engines import nft_engine
from fake_node import FakeNode


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def engine(node: FakeNode, tmp_path: Path) -> Engine:
    return nft_engine(node, tmp_path)
