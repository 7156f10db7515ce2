"""A backend is what the registry has: a third one needs no other line of the product."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cnpc.backends.registry import BACKENDS, DEFAULT_BACKEND, passes_of
from command import CLUSTER, STORIES, run

_TOY = """
import sys
from cnpc.backends.base import Ruleset, Size
from cnpc.backends.registry import BACKENDS
from cnpc.compiler.ir.printer import print_program

class Toy:
    name, suffixes, has_maps = "toy", ("toy", "toys"), False

    def build(self, program, header):
        texts = {"toy": "\\n".join(header), "toys": print_program(program)}
        return Ruleset(program.node, texts, Size(1, 2, 3, 4))

BACKENDS["toy"] = Toy
from cnpc.compiler.cli.main import main
main(sys.argv[1:])
"""


def test_every_backend_has_the_name_by_which_it_is_found() -> None:
    assert DEFAULT_BACKEND in BACKENDS
    for name, make in BACKENDS.items():
        backend = make()
        assert backend.name == name
        assert all(backend.suffixes)
        assert passes_of(backend)[0] == ()


def test_a_third_backend_compiles(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", _TOY, "compile", CLUSTER, STORIES / "1-deny", "--backend", "toy")
    done = run(*argv, "-o", tmp_path, "--json")
    assert done.code == 0, done.err
    assert [item["elements"] for item in json.loads(done.out)["compiled"]] == [4, 4]
    assert (tmp_path / "worker-1.toy").read_text().startswith("Network policy of node worker-1")
    assert (tmp_path / "worker-2.toys").read_text().startswith('program "worker-2"')
    asked = run(*argv, "--node", "worker-1")
    assert asked.code == 2
    assert "--backend toy makes .toy, .toys files: -o DIR" in asked.err
    assert "[nftables|iptables|toy]" in run(*argv[:3], "compile", "--help").out
