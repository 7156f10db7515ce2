"""``make demo``: what it prints is what README.md shows, and a wrong verdict fails it.

To show in README.md what is printed now: ``CNPC_REWRITE=1 pytest tests/end_to_end/test_demo.py``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from command import Done, run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
START = "As root, it prints:\n\n```\n"


def demo(program: str = "import demo; raise SystemExit(demo.main())") -> Done:
    paths = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'examples'}"}
    return run(sys.executable, "-c", program, cwd=ROOT, environment=paths)


@pytest.mark.requires_root_and_nft
def test_readme_shows_the_demonstration_as_it_is() -> None:
    done = demo()
    assert (done.code, done.err) == (0, "")
    before, rest = README.read_text().split(START)
    shown, after = rest.split("```\n", 1)
    if os.environ.get("CNPC_REWRITE"):
        README.write_text(f"{before}{START}{done.out}```\n{after}")
    assert shown == done.out


def test_without_root_it_says_what_it_left_out() -> None:
    done = demo(
        "import demo, netcluster; netcluster.missing = lambda: 'no root here';"
        " raise SystemExit(demo.main())"
    )
    assert done.code == 0
    assert done.out.endswith(
        "Left out: the same by packets, in network namespaces (no root here).\n"
    )
    assert "observed" not in done.out


def test_a_wrong_verdict_is_shown_and_fails() -> None:
    turned = """
import demo
from dataclasses import replace
first, *others = demo.load_stories()
wrong = replace(first.expectations[0], allowed=not first.expectations[0].allowed)
changed = replace(first, expectations=[wrong, *first.expectations[1:]])
demo.load_stories = lambda: [changed, *others]
raise SystemExit(demo.main())
"""
    done = demo(turned)
    assert done.code == 1
    [line] = [line for line in done.out.splitlines() if line.endswith("<-- differs")]
    assert line.startswith("foo-ns-1/web ")
    assert done.out.endswith("1 of 40 flows are not as their story expects.\n")
