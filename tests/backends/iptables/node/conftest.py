"""The engine of each kind of iptables, in a network namespace of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.iptables.node.dataplane import IptablesDataplane
from cnpc.backends.iptables.node.tools import FLAVOURS
from engines import iptables_filter, kernel_engine
from netcluster import Namespace


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest, space: Namespace) -> str:  # noqa: ARG001 - be in it
    return str(request.param)


@pytest.fixture
def own(flavour: str) -> IptablesDataplane:
    return iptables_filter(flavour)


@pytest.fixture
def engine(flavour: str, tmp_path: Path) -> Engine:
    return kernel_engine(f"iptables-{flavour}", tmp_path)
