"""One input, one output, whatever the order of files, documents and keys."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import CLUSTER, STORIES, cnpc, contents

NAMES = sorted(path.parent.name for path in STORIES.glob("*/policy.yaml"))


def documents(name: str) -> list[dict[str, Any]]:
    """Return all objects of a story and its cluster."""
    items = yaml.safe_load(CLUSTER.read_text())["items"]
    for path in sorted((STORIES / name).glob("*.yaml")):
        items += yaml.safe_load_all(path.read_text())
    return list(items)


def shuffled(value: Any, dice: random.Random) -> Any:  # noqa: ANN401 - any manifest
    """Return the value with the keys of its mappings in another order."""
    if isinstance(value, dict):
        keys = dice.sample(list(value), len(value))
        return {key: shuffled(value[key], dice) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, dice) for item in value]
    return value


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_input_does_not_matter(name: str, tmp_path: Path) -> None:
    assert cnpc("compile", CLUSTER, STORIES / name, "-o", tmp_path / "plain").code == 0
    dice = random.Random(name)  # noqa: S311 - a test's shuffle
    items = shuffled(documents(name), dice)
    dice.shuffle(items)
    files = tmp_path / "files"
    files.mkdir()
    for index, item in enumerate(items):
        (files / f"{index}.json").write_text(json.dumps(item))
    environment = {"PYTHONHASHSEED": str(dice.randrange(1000))}
    done = cnpc("compile", files, "-o", tmp_path / "shuffled", environment=environment)
    assert done.code == 0, done.err
    assert contents(tmp_path / "shuffled") == contents(tmp_path / "plain")
