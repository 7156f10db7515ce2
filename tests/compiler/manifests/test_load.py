"""Files to policies and a snapshot, with all errors at once."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import load
from cnpc.compiler.manifests.text.render_problems import render
from manifests import listed, namespace, node, pod, policy, read

WORLD = (
    namespace("shop"),
    node("n1", "172.18.0.1", "fd00::1", "n1.example"),
    pod("a"),
    policy("p"),
)


def test_every_way_to_write_a_cluster_gives_the_same(tmp_path: Path) -> None:
    as_json = json.dumps(listed(*WORLD), indent=1)
    as_yaml = yaml.safe_dump(json.loads(as_json))
    files = {
        "list.json": as_json,
        "line.json": json.dumps(listed(*WORLD)),
        "list.yaml": as_yaml,
        "json.yaml": as_json,
        "documents.yml": yaml.safe_dump_all(json.loads(json.dumps(WORLD))),
        "documents.json": "\n".join(json.dumps(item) for item in WORLD),
        "nested.json": json.dumps(listed(listed(*WORLD[:2]), listed(*WORLD[2:]))),
        "nested.yaml": yaml.safe_dump(json.loads(json.dumps(listed(listed(*WORLD))))),
        "bom.yaml": "\ufeff" + as_yaml,
        "bom.json": "\ufeff" + as_json,
        "crlf.yaml": as_yaml.replace("\n", "\r\n"),
    }
    expected = read(*WORLD)
    assert len(expected.snapshot.endpoints) == len(expected.policies) == 1
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text, newline="")
        assert load([str(path)]) == expected, name
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        assert load([str(packed)]) == expected, name


def test_items_of_typed_lists_leave_out_their_kind() -> None:
    bare = [{key: item[key] for key in item if key not in ("kind", "apiVersion")} for item in WORLD]
    api = "policy.networking.k8s.io/v1alpha2"
    lists = [
        listed(bare[0], kind="NamespaceList"),
        listed(bare[1], kind="NodeList"),
        listed(bare[2], kind="PodList"),
        listed(bare[3], kind="ClusterNetworkPolicyList") | {"apiVersion": api},
    ]
    assert read(*lists) == read(*WORLD)
    text = yaml.safe_dump_all(json.loads(json.dumps(lists)))  # keys sorted: kind after items
    assert load(["-"], stdin=io.BytesIO(text.encode())) == read(*WORLD)


def test_the_order_of_everything_changes_nothing() -> None:
    more = (*WORLD[:3], policy("z", 5), policy("y", 5), policy("b", 1, "Baseline"))
    expected = read(*more)
    assert [item.name for item in expected.policies] == ["y", "z", "b"]
    for order in itertools.islice(itertools.permutations(more), 0, None, 37):
        assert read(*order) == expected
    turned = json.loads(json.dumps(more), object_pairs_hook=lambda pairs: dict(pairs[::-1]))
    assert read(*turned) == expected


def test_a_folder_is_read_whole_and_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for index, item in enumerate(WORLD):
        folder = tmp_path / "below" if index % 2 else tmp_path
        suffix = ("yaml", "yml", "json", "json.gz")[index]
        data = json.dumps(item).encode()
        (folder / f"{index}.{suffix}").write_bytes(
            gzip.compress(data) if suffix.endswith("gz") else data
        )
    (tmp_path / "notes.txt").write_text("no manifest")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "..data").symlink_to(tmp_path / "below")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "0.yaml")
    again = str(tmp_path / "below" / "1.yml")
    assert load([str(tmp_path), again, str(tmp_path)]) == read(*WORLD)


def test_a_file_without_objects_in_a_folder_is_only_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# rendered to nothing\n")
    (tmp_path / "b.yaml").write_text(json.dumps(namespace("shop")))
    (found,) = load([str(tmp_path)]).warnings
    assert found.message == "there is no object in this file"


@pytest.mark.parametrize("text", ["kind: List\napiVersion: v1\nitems: []\n", json.dumps(listed())])
def test_a_list_without_items_is_no_error(text: str) -> None:
    found = load(["-"], stdin=io.BytesIO(text.encode()))
    assert (found.policies, found.warnings) == ((), ())


def test_nothing_at_all_on_standard_input_is_an_error() -> None:
    with pytest.raises(InputError, match="there is no object in this file"):
        load(["-"], stdin=io.BytesIO(b" \n"))


@pytest.mark.parametrize("depth", range(900, 1010, 7))
def test_nesting_near_the_limit_is_read_or_refused(depth: int) -> None:
    deep = ', "status": ' + "[" * depth + "]" * depth + "}"
    with suppress(InputError):
        load(["-"], stdin=io.BytesIO((json.dumps(policy("p"))[:-1] + deep).encode()))


def test_too_deep_nesting_is_an_error_and_no_more() -> None:
    text = json.dumps(policy("p"))[:-1] + ', "status": ' + "[" * 5000 + "]" * 5000 + "}"
    with pytest.raises(InputError, match=r"^nested too deeply$"):
        load(["-"], stdin=io.BytesIO(text.encode()))


def test_pyyaml_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = json.loads(json.dumps(listed(*WORLD)))
    text = yaml.safe_dump(world, default_flow_style=True).encode()  # for libyaml alone
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert load(["-"], stdin=io.BytesIO(text)) == read(*WORLD)
    with pytest.raises(InputError) as caught:
        load(["-"], stdin=io.BytesIO(text.replace(b"tier: Admin", b"tier: [")))
    (found,) = caught.value.diagnostics
    assert found.message.startswith("not YAML: ")
    assert found.text


def test_other_kinds_are_counted() -> None:
    others = [{"apiVersion": "apps/v1", "kind": "Deployment", "spec": []}] * 2
    service = {"apiVersion": "v1", "kind": "Service", "metadata": 1}
    assert read(*others, service, *WORLD).passed_over == {"apps/v1/Deployment": 2, "v1/Service": 1}


def test_a_network_policy_of_another_group_is_another_kind() -> None:
    calico = {"apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy"}
    assert read(calico).passed_over == {"crd.projectcalico.org/v1/NetworkPolicy": 1}


def test_all_faults_of_all_files_come_at_once_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(json.dumps(policy("p", 2000, "Amdin"), indent=1))
    second.write_text(json.dumps(policy("P"), indent=1) + "\n")
    with pytest.raises(InputError) as caught:
        load([str(second), str(first), str(tmp_path / "missing.yaml")])
    found = [(str(item.span), item.message.split(":")[0]) for item in caught.value.diagnostics]
    assert found == [
        (f"{first}:8:11", "spec.tier"),
        (f"{first}:9:15", "spec.priority"),
        (f"{second}:5:11", "metadata.name"),
        (f"{tmp_path}/missing.yaml", "cannot read"),
    ]


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        load(["/proc/self/mem"])  # even root gets an input/output error
    assert render(caught.value.diagnostics) == (
        "/proc/self/mem: error: cannot read: Input/output error\n"
    )


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="No such file or directory"):
        load([str(tmp_path)])


def test_a_pipe_is_read_once_and_still_pointed_into() -> None:
    reading, writing = os.pipe()
    os.write(writing, json.dumps(policy("p", 2000), indent=1).encode())
    os.close(writing)
    with pytest.raises(InputError) as caught:
        load([f"/dev/fd/{reading}"])
    os.close(reading)
    (found,) = caught.value.diagnostics
    assert (found.text.strip(), found.caret) == ('"priority": 2000,', 14)


def test_a_truncated_gzip_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps(policy("p")).encode())[:-9])
    with pytest.raises(InputError, match="not a whole gzip file"):
        load([str(path)])
