"""Templates to Python: ``python tests/compiled_templates.py`` writes ``templates/compiled.py``.

Jinja parses the templates, and each becomes a function of its variables. So cnpc need not import
Jinja, which takes a fifth of the time of a short run. Templates may have what is translated here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, StrictUndefined, meta, nodes

TEMPLATES = Path(__file__).parents[1] / "templates"
TARGET = TEMPLATES / "compiled.py"
_HEAD = """'''The templates of this folder as functions; tests/compiled_templates.py writes them.'''

from __future__ import annotations

from typing import Any
"""


def environment() -> Environment:
    """Return how the templates are read."""
    return Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the output is a ruleset, not HTML
    )


def compiled_templates() -> str:
    """Return the module with a function for each template, in ruff's format."""
    functions = (_function(path) for path in sorted(TEMPLATES.glob("*.j2")))
    ruff = (sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-")
    text = "\n\n".join((_HEAD, *functions))
    return subprocess.run(ruff, input=text, check=True, capture_output=True, text=True).stdout


def _function(path: Path) -> str:
    tree = environment().parse(path.read_text())
    names = sorted(meta.find_undeclared_variables(tree))
    parameters = ", ".join(f"{name}: Any" for name in names)
    lines = (
        f"def {path.stem}(*, {parameters}) -> str:",
        f'    """Return the text of {path.name}."""',
        "    parts: list[object] = []",
        *(f"    {line}" for line in _statements(tree.body)),
        '    return "".join(map(str, parts))',
    )
    return "\n".join(lines) + "\n"


def _statements(body: list[nodes.Node]) -> Iterator[str]:
    for node in body:
        match node:
            case nodes.Output():
                yield f"parts += [{', '.join(map(_expression, node.nodes))}]"
            case nodes.For():
                source, target = _expression(node.iter), _expression(node.target)
                lines = list(_statements(node.body))
                if any("loop.last" in line for line in lines):
                    source, target = f"enumerate({source}, 1)", f"index, {target}"
                yield f"for {target} in {source}:"
                last = f"index == len({_expression(node.iter)})"
                yield from ("    " + line.replace("loop.last", last) for line in lines)
            case nodes.If():
                yield f"if {_expression(node.test)}:"
                yield from ("    " + line for line in _statements(node.body))
                if node.else_:
                    yield "else:"
                    yield from ("    " + line for line in _statements(node.else_))
            case _:
                raise TypeError(f"templates cannot have {type(node).__name__}")


def _expression(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.TemplateData():
            return repr(node.data)
        case nodes.Const():
            return repr(node.value)
        case nodes.Tuple():
            return f"({', '.join(map(_expression, node.items))})"
        case nodes.Getattr():
            return f"{_expression(node.node)}.{node.attr}"
        case nodes.Call() if not node.args:
            return f"{_expression(node.node)}()"
        case nodes.Not():
            return f"not {_expression(node.node)}"
        case nodes.CondExpr() if node.expr2:
            yes, test, no = map(_expression, (node.expr1, node.test, node.expr2))
            return f"({yes} if {test} else {no})"
        case _:
            raise TypeError(f"templates cannot have {type(node).__name__}")


if __name__ == "__main__":
    TARGET.write_text(compiled_templates())
