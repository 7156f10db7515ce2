"""Forms of a ruleset where they would not pay: random worlds are small."""

from __future__ import annotations

import pytest
from cnpc.compiler import costs, port_forms


def make_ports_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have maps of ports wherever a rule is about a port.

    Decisions are remembered: conftest.py forgets them after each test.
    """
    monkeypatch.setattr(costs, "_DISPATCH", -1)
    monkeypatch.setattr(costs, "_BY_PORT", -10_000)
    monkeypatch.setattr(port_forms, "_LONGEST", 1_000)
