"""Bridges that pods hang on, and whether their frames are judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cnpc.backends.linux import bridges
from cnpc.backends.linux.bridges import unjudged
from cnpc.backends.linux.links import links
from netcluster import Namespace
from netcluster.namespaces import run

PODS = ("10.9.1.2", "fd00:9::2")


@pytest.fixture
def sysctls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], None]:
    """Set the sysctls of IPv4 and IPv6; "" means that the module is not loaded."""
    paths = tuple(tmp_path / name for name in ("iptables", "ip6tables"))
    monkeypatch.setattr(bridges, "_SYSCTLS", paths)

    def write(*values: str) -> None:
        for path, value in zip(paths, values, strict=True):
            path.unlink(missing_ok=True)
            if value:
                path.write_text(f"{value}\n")

    return write


@pytest.fixture
def bridge(space: Namespace) -> Namespace:
    for words in (
        "ip link add cni0 type bridge",
        "ip address add 10.9.1.1/24 dev cni0",
        "ip address add fd00:9::1/64 dev cni0 nodad",
        "ip link add port type veth peer name pod",
        "ip link set port master cni0",
    ):
        run(words.split())
    return space


pytestmark = pytest.mark.requires_root_and_nft


@pytest.mark.usefixtures("bridge")
def test_frames_are_judged_where_the_module_does_it(
    sysctls: Callable[[str, str], None],
) -> None:
    told = ("cni0",)
    for four, six, pods, expected in (
        ("", "", PODS, told),
        ("0", "0", PODS, told),
        ("1", "0", PODS, told),
        ("1", "0", PODS[:1], ()),
        ("0", "1", PODS[:1], told),
        ("1", "1", PODS, ()),
        ("0", "0", ("10.9.2.2",), ()),
        ("0", "0", (), ()),
        ("0", "0", None, told),
        ("1", "1", None, ()),
    ):
        sysctls(four, six)
        assert unjudged(pods) == expected, (four, six, pods)


@pytest.mark.usefixtures("bridge")
def test_a_bridge_may_judge_by_itself(sysctls: Callable[[str, str], None]) -> None:
    sysctls("0", "0")
    run(["ip", "link", "set", "cni0", "type", "bridge", "nf_call_iptables", "1"])
    assert unjudged(PODS[:1]) == ()
    assert unjudged(PODS) == ("cni0",)
    run(["ip", "link", "set", "cni0", "type", "bridge", "nf_call_ip6tables", "1"])
    assert unjudged(PODS) == ()


def test_pods_without_a_bridge_are_judged(
    space: Namespace,  # noqa: ARG001 - in it
    sysctls: Callable[[str, str], None],
) -> None:
    sysctls("", "")
    assert unjudged(PODS) == ()
    run(["ip", "link", "add", "docker0", "type", "bridge"])
    run(["ip", "link", "add", "port", "type", "veth", "peer", "name", "pod"])
    run(["ip", "address", "add", "10.9.1.1/24", "dev", "port"])
    assert unjudged(PODS) == ()
    assert unjudged(None) == ()
    kinds = {link.name: link.kind for link in links().values()}
    assert kinds == {"lo": "", "docker0": "bridge", "port": "veth", "pod": "veth"}
