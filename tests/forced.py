"""Forms of a ruleset where they would not pay: random worlds are small."""

from __future__ import annotations

import pytest
from cnpc.compiler.passes import cost_model, port_plan


def make_ports_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have maps of ports wherever a rule is about a port.

    Decisions are remembered: conftest.py forgets them after each test.
    """
    monkeypatch.setattr(cost_model, "_DISPATCH", -1)
    monkeypatch.setattr(cost_model, "_BY_PORT", -10_000)
    monkeypatch.setattr(port_plan, "_LONGEST", 1_000)
