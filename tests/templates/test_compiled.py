"""The functions that templates were compiled to say what Jinja makes of the templates."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cnpc.templates import compiled
from compiled_templates import TARGET, TEMPLATES, compiled_templates, environment

SET = SimpleNamespace(
    name="a", note="<one> & 'two'", aside="", parameters="hash:net", entries=[1, "2"]
)
ASIDE = SimpleNamespace(**vars(SET) | {"aside": "b"})
CHAIN = SimpleNamespace(name="CNPC-1", note="pods", rules=("-A CNPC-1 -j DROP", "-A CNPC-1"))
VALUES: dict[str, list[dict[str, Any]]] = {
    "ipset": [
        {"header": [], "sets": []},
        {
            "header": ["x", "", "{{ y }}"],
            "sets": [SET, SimpleNamespace(**vars(SET) | {"aside": "b"})],
        },
    ],
    "iptables": [
        {"header": ["x"], "hooks": [], "tables": {}, "unused": []},
        {
            "header": ["x"],
            "hooks": {1: "INPUT", 2: "FORWARD"}.values(),
            "tables": {"filter": [CHAIN, CHAIN], "raw": []},
            "unused": ["CNPC-2"],
        },
    ],
    "nftables": [
        {"header": ["x"], "tables": [], "chains": []},
        {
            "header": ["x", ""],
            "tables": [
                ("set", "a", "ipv4_addr", ("flags interval", "size 16"), "10.0.0.1", 1),
                ("map", "b", "ipv4_addr : verdict", (), "", 0),
            ],
            "chains": [("input", "type filter", 0), ("empty", "", 0)],
        },
    ],
}


def test_the_compiled_templates_are_those_of_the_checkout() -> None:
    assert TARGET.read_text() == compiled_templates(), "make templates"


def test_every_template_is_compared() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.j2")} == set(VALUES)


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for name, several in VALUES.items() for values in several]
)
def test_the_text_is_what_jinja_makes(name: str, values: dict[str, Any]) -> None:
    template = environment().from_string((TEMPLATES / f"{name}.j2").read_text())
    assert getattr(compiled, name)(**values) == template.render(**values)
