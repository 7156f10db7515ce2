"""A list as kubectl prints it: cut anywhere, it is read as if it had been read as a whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cnpc.compiler.errors import InputError, Place, Source
from cnpc.compiler.manifests import load as manifests
from cnpc.compiler.manifests.load import load
from cnpc.compiler.manifests.snapshot_builder import Places
from cnpc.compiler.manifests.text import kubectl_list
from cnpc.compiler.manifests.text.kubectl_list import NotAsPrinted, cut, decode_items
from cnpc.compiler.manifests.text.render_problems import render
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]

SIZES = (1 << 16, 500, 64)
LABELS = {"note": "}],\n        },\n        {", "ü": "\\\"'"}


def pod(name: str, **status: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": {"app": name}, "name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
        "status": {"phase": "Running"} | status,
    }


def policy(name: str, **spec: object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": {}} | spec,
    }


def printed(*items: object, **others: object) -> str:
    """Return the text that kubectl prints."""
    kind = {"kind": "List", "metadata": {"resourceVersion": ""}} | others
    return json.dumps({"apiVersion": "v1", "items": items} | kind, indent=4) + "\n"


WORLD = (
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": LABELS}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}},
    *(pod(f"p-{index}", podIP=f"10.0.0.{index}") for index in range(9, 0, -1)),
    policy("a"),
    policy("b", ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]),
)


@pytest.fixture(autouse=True)
def _as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files of any size cut, which only large ones are."""
    monkeypatch.setattr(manifests, "MOST_CHECKED", 0)


@pytest.fixture(params=SIZES)
def _small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl_list, "_SIZE", request.param)


def whole(path: Path) -> str:
    """Return what comes of a file that is read from standard input, which is never cut."""
    return result(lambda: load(["-"], stdin=io.BytesIO(path.read_bytes()))).replace(
        "<stdin>", str(path)
    )


def result(read: Callable[[], object]) -> str:
    try:
        return repr(read())
    except InputError as problem:
        return render(problem.diagnostics)


TEXTS = {
    "as it is": printed(*WORLD),
    "other indents": json.dumps(json.loads(printed(*WORLD)), indent=1),
    "not ASCII": json.dumps(json.loads(printed(*WORLD)), indent=4, ensure_ascii=False),
    "no item": printed(),
    "one item": printed(WORLD[0]),
    "a list in the list": printed(json.loads(printed(*WORLD)), policy("c")),
    "no List": printed(*WORLD, kind="Pod"),
    "a list of pods": printed(*WORLD[3:12], kind="PodList"),
    "no kind": printed(*WORLD, kind=None),
    "items twice": printed(*WORLD).replace('"kind": "List"', '"items": [], "kind": "List"'),
    "an item that is none": printed(*WORLD, 7),
    "an item without a kind": printed(*WORLD, {"apiVersion": "v1"}),
    "wrong fields": printed(*WORLD, pod("q", podIP=7), pod("r", phase=[]), policy("c", spec=1)),
    "names twice": printed(*WORLD, *WORLD),
    "addresses twice": printed(*WORLD, pod("q", podIP="10.0.0.3")),
    "no namespace": printed(*WORLD[:1], *WORLD[2:]),
    "cut off": printed(*WORLD)[:-300],
    "cut off between items": printed(*WORLD).rpartition("\n        },\n        {")[0],
    "something after the end": printed(*WORLD) + "{",
    "another list after the end": printed(*WORLD[:5]) + printed(*WORLD[5:]),
    "a comma too many": printed(*WORLD).replace("\n        },\n", "\n        },,\n", 1),
    "no comma": printed(*WORLD).replace("\n        },\n", "\n        }\n", 1),
    "a string over two lines": printed(*WORLD).replace("p-4", "p-4\n        },\n        {"),
    "half a surrogate pair": printed(*WORLD).replace("p-4", "p-\\ud800"),
    "nested too deeply": printed(*WORLD, pod("q", deep=0)).replace('"deep": 0', "[" * 9999),
}


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", TEXTS)
def test_it_makes_no_difference_how_a_file_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(TEXTS[name])
    assert result(lambda: load([str(path)])) == whole(path)


@pytest.mark.usefixtures("_small")
def test_what_is_not_text_is_reported_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(printed(*WORLD).encode().replace(b"p-4", b"p-\xff"))
    assert result(lambda: load([str(path)])) == whole(path)
    assert "not UTF-8 text" in whole(path)


def test_standard_input_is_still_there_if_a_file_must_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(printed(*WORLD) + "{}")
    with pytest.raises(InputError) as caught:
        load(["-", str(path)], stdin=io.BytesIO(json.dumps(pod("q", podIP=7)).encode()))
    assert [item.message for item in caught.value.diagnostics] == [
        "not a manifest: the fields 'apiVersion' and 'kind' are required",
        "status.podIP: must be a string, not the number 7",
    ]


@pytest.mark.parametrize("name", ["as it is", "other indents", "not ASCII"])
def test_what_kubectl_prints_is_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl_list, "_SIZE", 500)
    found = cut(io.BytesIO(TEXTS[name].encode()))
    assert found is not None
    lists = [decode_items(piece) for piece in found]
    assert len(lists) > 3
    assert [json.loads(bytes(item)) for items in lists for item in items] == list(WORLD)


def test_an_item_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl_list, "_SIZE", 500)
    monkeypatch.setattr(kubectl_list, "_MAX_ITEM", 5_000)
    found = cut(io.BytesIO(printed({"long": "x" * 10_000}, *WORLD).encode()))
    with pytest.raises(NotAsPrinted):
        list(found or ())


@given(st.lists(st.integers(1, 5), max_size=20))
def test_a_number_leads_back_to_its_place(counts: list[int]) -> None:
    places = Places()
    expected: list[Place] = []
    for run, count in enumerate(counts):
        first = Place(Source(str(run)), run, ("items", 10 * run))
        number = places.add(first, count)
        assert number == len(expected)
        expected += [Place(first.source, run, ("items", 10 * run + i)) for i in range(count)]
    assert [places[number] for number in range(len(expected))] == expected
