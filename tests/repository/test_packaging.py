"""What ``pip install cnpc`` leaves: one package, complete, that compiles without libnftables."""

from __future__ import annotations

import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from command import CLUSTER, STORIES, cnpc, run

ROOT = Path(__file__).parents[2]
SHIPPED = ("backends", "compiler", "grammar", "templates")
ROOT_MODULES = ("__init__.py", "__main__.py", "api.py")
DATA = (".py", ".lark", ".j2")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what git has and would have, away from the checkout."""
    work = tmp_path_factory.mktemp("wheel")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.out.split("\0")):
        if (ROOT / name).is_file():
            (work / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (work / "src" / name).write_bytes((ROOT / name).read_bytes())
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work)
    done = run(*build, work / "src")
    assert done.code == 0, done.out + done.err
    [made] = work.glob("*.whl")
    return made


def tree() -> set[str]:
    """Return the files that the wheel must hold, as they lie in the checkout."""
    inside = {
        str(path.relative_to(ROOT))
        for room in SHIPPED
        for path in (ROOT / room).rglob("*")
        if path.suffix in DATA
    }
    return {f"cnpc/{name}" for name in (*inside, *ROOT_MODULES, "py.typed")}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == tree()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cnpc"}


def test_every_package_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {Path(name).parent for name in tree() if name.endswith(".py")}
    assert set(declared["packages"]) == {".".join(folder.parts) for folder in folders}


def test_no_other_module_stands_at_the_root() -> None:
    assert sorted(path.name for path in ROOT.glob("*.py")) == sorted(ROOT_MODULES)


def test_the_installed_wheel_compiles(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    # The dependencies are this environment's; its cnpc comes behind the one that is installed.
    [site] = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{Path(yaml.__file__).parents[1]}\n")
    pip = (sys.executable, "-m", "pip", "--python", python)
    done = run(*pip, "install", "--no-deps", "--no-index", "--quiet", wheel)
    assert done.code == 0, done.err
    command = home / "bin" / "cnpc"
    assert run(command, "--version", cwd=tmp_path) == cnpc("--version")
    arguments = ("compile", CLUSTER, STORIES / "1-deny", "--node", "worker-1")
    assert run(command, *arguments, cwd=tmp_path) == cnpc(*arguments)
    where = run(python, "-c", "import cnpc; print(cnpc.__file__)", cwd=tmp_path)
    assert where.out.startswith(str(home))


def test_compiling_imports_no_bindings_and_loads_no_libnftables() -> None:
    program = f"""
import sys
from cnpc.compiler.cli.main import main
try:
    main(["compile", {str(CLUSTER)!r}, "--node", "worker-1"])
finally:
    maps = open("/proc/self/maps").read()
    assert "libnftables" not in maps
    loaded = sorted(name for name in sys.modules if name.split(".")[0] == "nftables")
    print(loaded, file=sys.stderr)
"""
    done = run(sys.executable, "-c", program)
    assert (done.code, done.err) == (0, "[]\n")
