"""The runs that are to be short import what they need, and no more."""

from __future__ import annotations

import pytest
from imported import START, imported


@pytest.mark.parametrize("option", ["-h", "--version"])
def test_what_needs_no_command_imports_none(option: str) -> None:
    found = imported(option)
    assert found.own == START
    assert not found.dear
