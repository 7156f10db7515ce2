"""Who may import whom: the product's modules live in rooms, and imports go down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = {
    "version": ("cnpc",),
    "public": ("cnpc.api", "cnpc.__main__"),
    "flows": ("cnpc.compiler.flows",),
    "net": ("cnpc.compiler.net", "cnpc.compiler.bitset", "cnpc.compiler.interval_union"),
    "errors": ("cnpc.compiler.errors",),
    "options": ("cnpc.compiler.options",),
    "policy": ("cnpc.compiler.model.policy",),
    "snapshot": ("cnpc.compiler.model.snapshot",),
    "resolver": ("cnpc.compiler.model.*",),
    "problems": ("cnpc.compiler.manifests.problems",),
    "hints": ("cnpc.compiler.manifests.hints", "cnpc.compiler.manifests.hints.*"),
    "text": ("cnpc.compiler.manifests.text", "cnpc.compiler.manifests.text.*"),
    "manifests": ("cnpc.compiler.manifests", "cnpc.compiler.manifests.*"),
    "ir": tuple(f"cnpc.compiler.ir.{x}" for x in ("match", "names", "packet_space", "program")),
    "ir tools": ("cnpc.compiler.ir.*",),
    "lowering": ("cnpc.compiler.lowering", "cnpc.compiler.lowering.*"),
    "costs": ("cnpc.compiler.passes.cost_model",),
    "port plan": ("cnpc.compiler.passes.port_plan",),
    "rule regions": ("cnpc.compiler.passes.rule_regions",),
    "peer maps": ("cnpc.compiler.passes.peer_maps", "cnpc.compiler.passes.peer_maps.*"),
    "passes": (
        "cnpc.compiler.passes",
        "cnpc.compiler.passes.*",
        "cnpc.compiler.passes.peer_maps.rewrite",
    ),
    "pipeline": ("cnpc.compiler.pipeline",),
    "templates": ("cnpc.templates.compiled",),
    "backend tools": ("cnpc.backends.*",),
    "linux": ("cnpc.backends.linux", "cnpc.backends.linux.*"),
    "lookups": ("cnpc.backends.stats.lookups",),
    "stats": ("cnpc.backends.stats", "cnpc.backends.stats.*"),
    "nftables": ("cnpc.backends.nftables", "cnpc.backends.nftables.*"),
    "iptables": ("cnpc.backends.iptables", "cnpc.backends.iptables.*"),
    "iptables trees": ("cnpc.backends.iptables.tree_leaves",),
    "iptables passes": ("cnpc.backends.iptables.passes", "cnpc.backends.iptables.lowering.*"),
    "registry": ("cnpc.backends.registry",),
    "apply": ("cnpc.backends.apply", "cnpc.backends.apply.*"),
    # What asks a node, or changes it.
    "node": (
        "cnpc.backends.linux.doctor*",
        "cnpc.backends.nftables.node.*",
        "cnpc.backends.iptables.node.*",
    ),
    "command line": ("cnpc.compiler.cli", "cnpc.compiler.cli.*"),
    "without code": (
        "cnpc.backends",
        "cnpc.backends.iptables.lowering",
        "cnpc.backends.iptables.node",
        "cnpc.backends.nftables.node",
        "cnpc.compiler",
        "cnpc.compiler.ir",
        "cnpc.compiler.model",
        "cnpc.grammar",
        "cnpc.templates",
    ),
}
"""Patterns of modules; of several that fit, the longest counts."""

MAY_IMPORT = {
    "policy": {"errors", "net"},
    "snapshot": {"net"},
    "resolver": {"net", "policy", "snapshot"},
    "problems": {"errors", "hints"},
    "text": {"errors", "hints", "policy", "problems"},
    "manifests": {"errors", "hints", "net", "policy", "problems", "snapshot", "text"},
    "ir": {"net"},
    "ir tools": {"errors", "ir", "net"},
    # Here alone do policies and the intermediate representation meet.
    "lowering": {
        "errors",
        "ir",
        "ir tools",
        "net",
        "options",
        "policy",
        "resolver",
        "snapshot",
    },
    "costs": {"ir", "ir tools", "net"},
    "port plan": {"costs", "ir", "ir tools", "net"},
    "rule regions": {"costs", "ir", "ir tools", "net"},
    "peer maps": {"costs", "ir", "ir tools", "net"},
    "passes": {"costs", "ir", "ir tools", "net", "peer maps", "port plan", "rule regions"},
    "flows": {"errors", "manifests", "net", "snapshot"},
    "pipeline": {
        "ir",
        "ir tools",
        "lowering",
        "options",
        "passes",
        "policy",
        "resolver",
        "snapshot",
    },
    "backend tools": {"errors", "ir", "net"},
    "linux": {"errors", "ir", "ir tools", "net"},  # a program judges connections to be ended
    "lookups": {"ir", "net"},
    "nftables": {
        "backend tools",
        "errors",
        "ir",
        "ir tools",
        "linux",
        "lookups",
        "net",
        "templates",
    },
    "iptables trees": {"ir", "net"},
    "iptables passes": {"errors", "ir", "ir tools", "iptables trees", "net", "passes"},
    "iptables": {
        "backend tools",
        "errors",
        "ir",
        "ir tools",
        "iptables passes",
        "iptables trees",
        "linux",
        "net",
        "nftables",  # people are shown both in one form
        "templates",
    },
    "stats": {"backend tools", "ir", "ir tools", "iptables", "lookups", "net"},
    "registry": {"backend tools", "iptables", "iptables passes", "nftables", "passes"},
    "apply": {"errors", "iptables", "linux", "nftables"},
    "node": {"apply", "errors", "iptables", "linux", "nftables"},
    "command line": set(ROOMS) - {"public", "without code"},
    "public": set(ROOMS) - {"without code"},
}


BINDINGS = ["import nftables"]
"""What may be missing, and is needed only when something is loaded."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("cnpc", *parts)).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for path in (
        *ROOT.glob("*.py"),
        *(path for top in ("backends", "compiler", "grammar", "templates")
          for path in (ROOT / top).rglob("*.py")),
    )
}  # fmt: skip


def room(module: str) -> str:
    """Return the room of a module: that of the longest pattern that fits it."""
    found = {p: name for name, patterns in ROOMS.items() for p in patterns if fnmatch(module, p)}
    assert found, f"{module} is in no room"
    return found[max(found, key=len)]


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
    passes = [name for name in MODULES if room(name) in {"passes", "iptables passes"}]
    lists = {"cnpc.compiler.passes", "cnpc.backends.iptables.passes"}
    assert lists < set(passes)
    for module in set(passes) - lists:
        assert not set(imports(module)) & set(passes), module


def test_every_rule_names_a_room() -> None:
    named = set(MAY_IMPORT) | {name for rooms in MAY_IMPORT.values() for name in rooms}
    assert named <= set(ROOMS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_import_at_their_top_alone(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    everywhere = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    within = [ast.unparse(node) for node in everywhere if node not in tree.body]
    assert within == (BINDINGS if module == "cnpc.backends.nftables.node.client" else [])
    assert "TYPE_CHECKING" not in MODULES[module].read_text()


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    for path in (ROOT / "tests" / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(module=str(name)):
                    assert name.split(".")[0] != "cnpc", path
                case ast.Import(names=names):
                    assert all(alias.name.split(".")[0] != "cnpc" for alias in names), path
