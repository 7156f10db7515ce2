"""Who may import whom: the product's modules live in rooms, and imports go down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ROOMS = {
    "version": ("cnpc",),
    "net": ("cnpc.compiler.interval_union", "cnpc.compiler.net", "cnpc.compiler.masks"),
    "errors": ("cnpc.compiler.errors",),
    "options": ("cnpc.compiler.options",),
    "source": ("cnpc.compiler.source",),
    "policy": ("cnpc.compiler.policy",),
    "snapshot": ("cnpc.compiler.snapshot",),
    "decode": ("cnpc.compiler.decode", "cnpc.compiler.decode.*"),
    "reading": ("cnpc.compiler.manifests", "cnpc.compiler.diagnostics"),
    "resolve": ("cnpc.compiler.resolve", "cnpc.compiler.selectors", "cnpc.compiler.subjects"),
    "ir": ("cnpc.compiler.ir", "cnpc.compiler.names", "cnpc.compiler.space"),
    "ir tools": tuple(f"cnpc.compiler.{x}" for x in ("verify", "printer", "reader", "evaluate")),
    "lower": (
        "cnpc.compiler.lower*",
        "cnpc.compiler.conflicts",
        "cnpc.compiler.dispatch",
        "cnpc.compiler.hooks",
        "cnpc.compiler.idle",
        "cnpc.compiler.ways",
    ),
    "optimizer": tuple(
        f"cnpc.compiler.{x}"
        for x in (
            "classes",
            "costs",
            "denials",
            "layout",
            "narrowing",
            "peers",
            "port_forms",
            "reach",
            "routes",
            "services",
        )
    ),
    "passes": ("cnpc.compiler.passes", "cnpc.compiler.passes.*"),
    "pipeline": ("cnpc.compiler.pipeline",),
    "backends": ("cnpc.backends", "cnpc.backends.*"),
    "command line": ("cnpc.compiler.cli", "cnpc.compiler.cli.*"),
    "without code": ("cnpc.compiler", "cnpc.grammar", "cnpc.templates"),
}

MAY_IMPORT = {
    "source": {"errors"},
    "policy": {"errors", "net"},
    "snapshot": {"net"},
    "decode": {"errors", "net", "policy", "snapshot", "source"},
    "reading": {"decode", "errors", "policy", "snapshot", "source"},
    "resolve": {"net", "policy", "snapshot"},
    "ir": {"net"},
    "ir tools": {"errors", "ir", "net"},
    # Here alone do policies and the intermediate representation meet.
    "lower": {
        "errors",
        "ir",
        "ir tools",
        "net",
        "options",
        "policy",
        "resolve",
        "snapshot",
    },
    "optimizer": {"ir", "ir tools", "net"},
    "passes": {"ir", "ir tools", "net", "optimizer"},
    "pipeline": {"ir", "ir tools", "lower", "options", "passes", "policy", "resolve", "snapshot"},
    "backends": {"errors", "ir", "ir tools", "net"},  # evaluate judges connections to be cut
    "command line": set(ROOMS) - {"decode", "lower", "without code"}
    | {"lower"},  # the warnings of policies that contradict each other
}


BINDINGS = ["import nftables"]
"""What may be missing, and is needed only when something is loaded."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("cnpc", *parts)).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for path in (
        ROOT / "__init__.py",
        *(path for top in ("backends", "compiler", "grammar", "templates")
          for path in (ROOT / top).rglob("*.py")),
    )
}  # fmt: skip


def room(module: str) -> str:
    """Return the one room of a module."""
    found = [name for name, patterns in ROOMS.items() if any(fnmatch(module, p) for p in patterns)]
    assert len(found) == 1, f"{module} is in {found or 'no room'}"
    return found[0]


def imports(module: str) -> Iterator[str]:
    """Give the product's modules that a module imports."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(module=name, names=names, level=level) if level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - level + 1])
                target = f"{base}.{name}" if name else base
                submodules = {f"{target}.{alias.name}" for alias in names} & set(MODULES)
                yield from submodules or {target}
            case ast.ImportFrom(module=str(name)):
                assert name.split(".")[0] != "cnpc", f"{module} imports {name} absolutely"
            case ast.Import(names=names):
                assert all(alias.name.split(".")[0] != "cnpc" for alias in names), module


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_its_own_room_and_those_below(module: str) -> None:
    here = room(module)
    there = {target: room(target) for target in imports(module)}
    allowed = MAY_IMPORT.get(here, set()) | {here}
    assert not {target for target, name in there.items() if name not in allowed}


def test_imports_have_no_cycles() -> None:
    graph = {module: set(imports(module)) - {module} for module in MODULES}
    list(TopologicalSorter(graph).static_order())


def test_no_pass_sees_another() -> None:
    passes = [name for name in MODULES if name.startswith("cnpc.compiler.passes.")]
    assert passes
    for module in passes:
        assert not [target for target in imports(module) if room(target) == "passes"]


def test_every_rule_names_a_room() -> None:
    named = set(MAY_IMPORT) | {name for rooms in MAY_IMPORT.values() for name in rooms}
    assert named <= set(ROOMS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_import_at_their_top_alone(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    everywhere = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    within = [ast.unparse(node) for node in everywhere if node not in tree.body]
    assert within == (BINDINGS if module == "cnpc.backends.node" else [])
    assert "TYPE_CHECKING" not in MODULES[module].read_text()


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    for path in (ROOT / "tests" / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(module=str(name)):
                    assert name.split(".")[0] != "cnpc", path
                case ast.Import(names=names):
                    assert all(alias.name.split(".")[0] != "cnpc" for alias in names), path
