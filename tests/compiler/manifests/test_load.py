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
from cnpc.compiler.manifests.load import Inputs, OnUnknown, load
from cnpc.compiler.manifests.text.render_problems import render
from cnpc.compiler.model.snapshot import NAMESPACE_NAME_LABEL, ContainerPort, Endpoint
from cnpc.compiler.net import Family, Protocol

Manifest = dict[str, object]


def pod(name: str, *, spec: Manifest | None = None, **status: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"nodeName": "n1", "containers": [{"name": "main"}]} | (spec or {}),
        "status": {"phase": "Running", "podIP": "10.0.0.1"} | status,
    }


def namespace(name: str, **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def node(name: str, *addresses: str) -> Manifest:
    listed = [{"type": "InternalIP", "address": address} for address in addresses]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"addresses": listed},
    }


def policy(name: str, priority: int = 10, tier: str = "Admin") -> Manifest:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"tier": tier, "priority": priority, "subject": {"namespaces": {}}},
    }


def listed(*items: object, kind: str = "List") -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": ""}, "items": items}


def read(*objects: object, on_unknown: OnUnknown = OnUnknown.ERROR) -> Inputs:
    text = "\n".join(json.dumps(item) for item in objects)
    return load(["-"], stdin=io.BytesIO(text.encode()), on_unknown=on_unknown)


def faults(*objects: object) -> str:
    with pytest.raises(InputError) as caught:
        read(*objects)
    return render(caught.value.diagnostics)


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


def test_an_endpoint_has_its_addresses_labels_and_ports() -> None:
    ports: list[Manifest] = [
        {"name": "http", "containerPort": 8080},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"containerPort": 9000},
    ]
    spec: Manifest = {
        "containers": [{"ports": ports}, {"ports": ports[:1]}],
        "initContainers": [
            {"restartPolicy": "Always", "ports": [{"name": "mesh", "containerPort": 15001}]},
            {"ports": [{"name": "gone", "containerPort": 1}]},
        ],
    }
    ips = [{"ip": "fd00::5"}, {"ip": "10.0.0.5"}]
    found = read(namespace("shop"), pod("a", spec=spec, podIP="10.0.0.5", podIPs=ips)).snapshot
    assert found.endpoints == (
        Endpoint(
            "shop",
            "a",
            "n1",
            {"app": "a"},
            ((Family.IPV4, 0x0A000005), (Family.IPV6, (0xFD << 120) + 5)),
            (
                ContainerPort("http", Protocol.TCP, 8080),
                ContainerPort("dns", Protocol.UDP, 53),
                ContainerPort("mesh", Protocol.TCP, 15001),
            ),
        ),
    )


@pytest.mark.parametrize(
    "absent",
    [
        pod("a", podIP=None),
        pod("a", podIP=""),
        pod("a", spec={"hostNetwork": True}),
        pod("a", phase="Succeeded"),
        pod("a", phase="Failed"),
        pod("a") | {"status": None},
        {key: value for key, value in pod("a").items() if key != "status"},
    ],
)
def test_who_has_no_address_of_its_own_or_has_ended_is_no_endpoint(absent: Manifest) -> None:
    found = read(absent)
    assert (found.snapshot.endpoints, found.warnings) == ((), ())


@pytest.mark.parametrize("phase", ["Running", "Pending", "Unknown", None])
def test_whoever_has_an_address_is_an_endpoint_even_while_it_is_deleted(phase: str | None) -> None:
    going = pod("a", phase=phase)
    going["metadata"] = {"name": "a", "deletionTimestamp": "2024-01-01T00:00:00Z"}
    (endpoint,) = read(namespace("default"), going).snapshot.endpoints
    assert (endpoint.namespace, endpoint.name) == ("default", "a")


def test_an_address_is_free_again_when_its_pod_has_ended() -> None:
    found = read(namespace("shop"), pod("old", phase="Succeeded"), pod("new"))
    assert [item.name for item in found.snapshot.endpoints] == ["new"]


def test_an_address_that_two_live_pods_have_is_an_error_that_names_both() -> None:
    text = faults(namespace("shop"), pod("b"), pod("a"))
    assert "<stdin>:2:" in text
    assert "pods shop/a and shop/b both have the address 10.0.0.1" in text
    assert "also: <stdin>:3:" in text


def test_a_pod_that_is_being_deleted_yields_its_address_with_a_warning() -> None:
    old = deleted(pod("old", podIPs=[{"ip": "fd00::1"}]), "2026-01-01T00:00:00Z")
    for objects in ((old, pod("new")), (pod("new"), old)):
        found = read(namespace("shop"), *objects)
        held = {item.name: item.addresses for item in found.snapshot.endpoints}
        assert held == {
            "new": ((Family.IPV4, 0x0A000001),),
            "old": ((Family.IPV6, (0xFD << 120) + 1),),
        }
        [warning] = found.warnings
        assert warning.message == (
            "pods shop/new and shop/old both have the address 10.0.0.1; "
            "shop/new has it, since shop/old is being deleted"
        )


def test_of_pods_that_are_being_deleted_the_one_that_goes_last_has_the_address() -> None:
    first = deleted(pod("b"), "2026-01-01T00:00:00Z")
    last = deleted(pod("a"), "2026-01-01T00:00:01Z")
    found = read(namespace("shop"), first, last)
    assert [item.name for item in found.snapshot.endpoints] == ["a"]
    assert "both have" in faults(
        namespace("shop"), first, deleted(pod("c"), "2026-01-01T00:00:00Z")
    )


def deleted(item: Manifest, when: str) -> Manifest:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    return item | {"metadata": metadata | {"deletionTimestamp": when}}


def test_failing_closed_nobody_has_an_address_that_two_live_pods_claim() -> None:
    twins = pod("b"), pod("a", podIPs=[{"ip": "fd00::1"}], spec={"nodeName": "n2"})
    found = read(namespace("shop"), *twins, on_unknown=OnUnknown.FAIL_CLOSED)
    [left] = found.snapshot.endpoints
    assert (left.name, left.addresses) == ("a", ((Family.IPV6, (0xFD << 120) + 1),))
    address = (Family.IPV4, 0x0A000001)
    assert found.snapshot.contested == (("n1", address), ("n2", address))
    assert ["both have the address" in item.message for item in found.warnings] == [True]


def test_failing_closed_what_is_no_address_is_none() -> None:
    item = pod("a", podIPs=[{"ip": "10.0.0.x"}, {"ip": "fd00::1"}], podIP="10.0.0.x")
    assert faults(namespace("shop"), item).count("'10.0.0.x' is not an IP address") == 2
    found = read(namespace("shop"), item, on_unknown=OnUnknown.FAIL_CLOSED)
    assert [endpoint.addresses for endpoint in found.snapshot.endpoints] == [
        ((Family.IPV6, (0xFD << 120) + 1),)
    ]
    assert len(found.warnings) == 2
    nothing = read(namespace("shop"), pod("a", podIP="x"), on_unknown=OnUnknown.FAIL_CLOSED)
    assert nothing.snapshot.endpoints == ()


def test_an_ipv4_mapped_address_counts_as_ipv4() -> None:
    found = read(
        namespace("shop"), pod("a", podIP="::ffff:10.0.0.1"), node("n1", "::ffff:172.018.0.1")
    )
    assert found.snapshot.endpoints[0].addresses == ((Family.IPV4, 0x0A000001),)
    assert found.snapshot.nodes[0].addresses == ((Family.IPV4, 0xAC120001),)
    assert found.warnings == ()


def test_a_missing_namespace_is_made_with_one_warning() -> None:
    found = read(pod("a"), pod("b", podIP="10.0.0.2"))
    (made,) = found.snapshot.namespaces
    assert (made.name, made.labels) == ("shop", {NAMESPACE_NAME_LABEL: "shop"})
    (warning,) = found.warnings
    assert "'shop'" in warning.message
    assert render(found.warnings).startswith("<stdin>:1:76: warning: ")


def test_a_namespace_always_has_the_label_of_its_name() -> None:
    (found,) = read(namespace("shop", tenant="x")).snapshot.namespaces
    assert found.labels == {NAMESPACE_NAME_LABEL: "shop", "tenant": "x"}


def test_a_node_has_those_of_its_addresses_that_are_ips() -> None:
    (found,) = read(node("n1", "n1.example", "fd00::1", "10.0.0.2", "10.0.0.1")).snapshot.nodes
    assert found.addresses == (
        (Family.IPV4, 0x0A000001),
        (Family.IPV4, 0x0A000002),
        (Family.IPV6, (0xFD << 120) + 1),
    )


def test_equal_labels_are_kept_once() -> None:
    first, second = pod("a"), pod("b", podIP="10.0.0.2")
    for item in (first, second):
        item["metadata"] = {"name": item["metadata"]["name"], "labels": {"app": "x"}}  # type: ignore[index] # of a literal above
    one, two = read(namespace("default"), first, second).snapshot.endpoints
    assert one.labels is two.labels


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
