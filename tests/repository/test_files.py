"""What holds for the files of the checkout as a whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import run

ROOT = Path(__file__).parents[2]

SHIPPED = ("backends/", "compiler/")

# A path that leaves the checkout by its name; "../../" within a URL or a test of paths is none.
OUTSIDE = re.compile(rb"(?<![\w./])\.\./" + rb"shared|(?<!\w)/wor" + rb"k/|/ho" + rb"me/\w")


@pytest.fixture(scope="module")
def files() -> list[str]:
    listed = run("git", "ls-files", "-z", cwd=ROOT)
    if listed.code:
        pytest.skip("not a checkout of git")
    return [name for name in listed.out.split("\0") if (ROOT / name).is_file()]


def test_no_file_names_a_path_outside_the_checkout(files: list[str]) -> None:
    found = [name for name in files if OUTSIDE.search((ROOT / name).read_bytes())]
    assert set(found) <= {".ci/run"}


def test_shipped_files_stay_small(files: list[str]) -> None:
    shipped = [name for name in files if name.endswith(".py") and name.startswith(SHIPPED)]
    sizes = {name: (ROOT / name).read_text().count("\n") for name in shipped}
    assert {name: lines for name, lines in sizes.items() if lines > 400} == {}


def test_every_exception_to_a_check_has_its_reason(files: list[str]) -> None:
    bare = re.compile(r"#\s*(noqa(: [A-Z0-9, ]+)?|type: ignore(\[[\w, -]+\])?)\s*$")
    lines = [
        f"{name}: {line.strip()}"
        for name in files
        if name.endswith(".py")
        for line in (ROOT / name).read_text().splitlines()
        if bare.search(line)
    ]
    assert lines == []


def test_links_between_documents_lead_somewhere(files: list[str]) -> None:
    link = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
    broken = [
        f"{name}: {target}"
        for name in files
        if name.endswith(".md")
        for target in link.findall((ROOT / name).read_text())
        if not ((ROOT / name).parent / target).exists()
    ]
    assert broken == []
