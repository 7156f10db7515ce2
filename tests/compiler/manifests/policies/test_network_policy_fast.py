"""The short way for NetworkPolicies gives what the long way gives, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import yaml
from cnpc.compiler.errors import Place, Source
from cnpc.compiler.manifests.kinds import Collector
from cnpc.compiler.manifests.policies.network_policy_fast import Doubtful, WellFormed
from cnpc.compiler.manifests.problems import OnUnknown, Problems
from cnpc.compiler.manifests.text.documents import Manifest, TypeName
from hypothesis import given
from hypothesis import strategies as st
from worlds.generate import seeded
from worlds.strategies import worlds
from worlds.world import LARGE, World

Object = dict[str, Any]

PLACE = Place(Source("policies.json"), 0, ("items", 3))
NAME = TypeName("networking.k8s.io/v1", "NetworkPolicy")
BAD = Path(__file__).parents[3] / "bad"


def short(text: str) -> str | None:
    """Return the policy of a text with all its places, if it is well-formed."""
    try:
        return repr(WellFormed().decode(msgspec.Raw(text.encode()), PLACE))
    except Doubtful:
        return None


def long(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str | None, list[str]]:
    """Return the policy of a text that is taken to be doubtful, and what is found wrong with it."""

    def doubt(_self: object, _raw: object, _place: object) -> None:
        raise Doubtful

    problems = Problems(OnUnknown.ERROR)
    collector = Collector(problems)
    with monkeypatch.context() as patched:
        patched.setattr(WellFormed, "decode", doubt)
        collector.add(Manifest(NAME, msgspec.Raw(text.encode()), PLACE))
    messages = [item.message for item in problems.diagnostics]
    return (repr(collector.policies[0]) if collector.policies else None), messages


def agree(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether a policy went the short way; it then must be as it is at the end of the long."""
    found = short(text)
    if found is not None:
        assert long(text, monkeypatch) == (found, [])
    return found is not None


def policies(world: World) -> list[str]:
    return [json.dumps(item) for item in world.kind("NetworkPolicy")]


@given(worlds())
def test_policies_of_random_worlds_come_out_the_same(world: World) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for text in policies(world):
            agree(text, monkeypatch)


def test_nearly_all_of_them_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for seed in range(20) for text in policies(seeded(seed, LARGE))]
    went = [agree(text, monkeypatch) for text in texts]
    assert len(went) > 100
    assert sum(went) > 0.9 * len(went)


def bad() -> Iterator[str]:
    for path in BAD.iterdir():
        if path.suffix != ".yaml" or b"kind: NetworkPolicy" not in path.read_bytes():
            continue
        for document in yaml_documents(path):
            if isinstance(document, dict) and document.get("kind") == NAME.kind:
                yield json.dumps(document)


def yaml_documents(path: Path) -> list[object]:
    """Return the documents of a file, none of one that is not YAML at all."""
    with suppress(yaml.YAMLError):
        return list(yaml.safe_load_all(path.read_text()))
    return []


@pytest.mark.parametrize("text", list(bad()))
def test_what_is_wrong_goes_the_long_way(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, messages = long(text, monkeypatch)
    if messages:
        assert short(text) is None


GOOD: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {
        "name": "p",
        "namespace": "shop",
        "generation": 7,
        "annotations": {"note": 'He said: "name": "q"', "more": ""},
    },
    "spec": {
        "podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {},
            {
                "from": [
                    {"podSelector": {"matchLabels": {"app": "web"}}},
                    {"namespaceSelector": {}, "podSelector": {}},
                    {"namespaceSelector": {"matchLabels": {"team": "a"}}},
                ],
                "ports": [{"port": 80, "endPort": 90}, {"protocol": "UDP", "port": "dns"}],
            },
        ],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": []}
        ],
    },
    "status": {"conditions": []},
}


@pytest.mark.parametrize("indent", [None, 4])
def test_every_field_can_go_the_short_way(
    indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert agree(json.dumps(GOOD, indent=indent), monkeypatch)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    "X!",
    0,
    -1,
    1.5,
    80,
    10**30,
    True,
    [],
    {},
    [None],
    {"x": {}},
    [[]],
    "0/0",
)


@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_a_policy_that_was_changed_comes_out_the_same(random: Random, changes: int) -> None:
    policy = json.loads(json.dumps(GOOD))
    for _ in range(changes):
        *way, last = random.choice(list(paths(policy)))
        parent = policy
        for step in way:
            parent = parent[step]
        match random.choice(("drop", "set", "rename")):
            case "drop":
                del parent[last]
            case "rename" if isinstance(parent, dict):
                parent[random.choice(("status", "ports", "from", "to", "x"))] = parent.pop(last)
            case _:
                parent[last] = deepcopy(random.choice(VALUES))  # a later change may go into it
    with pytest.MonkeyPatch.context() as monkeypatch:
        agree(json.dumps(policy), monkeypatch)


KEYS = sorted({str(path[-1]) for path in paths(GOOD) if isinstance(path[-1], str)})


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_comes_twice_is_never_passed_over(
    key: str, blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(GOOD)
    head, quoted, rest = text.partition(f'"{key}"')
    _, end = json.JSONDecoder().raw_decode(rest, 2)
    for first in (rest[2:end], '"\\u0022:\\u0022"', "{}"):
        twice = f"{head}{quoted}{blank}: {first}, {quoted}{rest}"
        assert short(twice) is None
        assert any("twice" in message for message in long(twice, monkeypatch)[1])


@pytest.mark.parametrize("value", ['"\t"', "NaN", "1e999", "1" * 5000, '"\\ud800"', "[" * 5000])
def test_what_json_parsers_disagree_about_goes_the_long_way(value: str) -> None:
    text = json.dumps(GOOD)
    for before in ('"generation": ', '"cidr": ', '"port": ', '"note": ', '"app": '):
        head, _, rest = text.partition(before)
        _, end = json.JSONDecoder().raw_decode(rest)
        assert short(f"{head}{before}{value}{rest[end:]}") is None, (before, value)
