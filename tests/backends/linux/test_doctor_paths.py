"""What keeps packets of pods from being judged as theirs: doctor names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cnpc.backends.iptables.node.doctor import look_at_iptables
from cnpc.backends.linux import doctor_paths, programs
from cnpc.backends.linux.doctor_paths import PATHS
from cnpc.backends.linux.links import Link
from netcluster import Namespace
from netcluster.namespaces import run

pytestmark = pytest.mark.requires_root_and_nft


OF_OTHERS = """*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -j DROP
COMMIT
*nat
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 10.0.0.0/8 ! -d 10.0.0.0/8 -j MASQUERADE
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
COMMIT
"""


@pytest.fixture(autouse=True)
def _alone(space: Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor_paths, "_CNI", tmp_path / "net.d")
    assert space


def told() -> str:
    return "\n".join(str(finding) for look in PATHS for finding in look())


def test_a_good_node_has_nothing_of_it() -> None:
    assert told() == ""
    for flavour in ("legacy", "nft"):
        run((f"iptables-{flavour}-restore", "--noflush"), OF_OTHERS)
    assert told() == ""


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan"])
def test_devices_that_no_chain_sees(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "net.d"
    folder.mkdir()
    (folder / "10-net.conflist").write_text(json.dumps({"plugins": [{"type": kind}]}))
    (folder / "20-other.conf").write_text(json.dumps({"type": "dhcp"}))
    assert f"packets of pods on {kind} pass unjudged" in told()
    for text in ("", "[]", '{"plugins": 3}', json.dumps({"type": "ptp"})):
        (folder / "10-net.conflist").write_text(text)
        assert told() == ""
    (folder / "10-net.conflist").write_text(json.dumps({"type": kind}))
    assert kind in told()


def test_a_macvlan_of_the_node_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link("pod", "macvlan", 0, (False, False))
    monkeypatch.setattr(doctor_paths, "links", lambda: {2: link})
    assert "packets of pods on macvlan pass unjudged" in told()


@pytest.mark.parametrize("flavour", ["legacy", "nft"])
@pytest.mark.parametrize("tool", ["iptables", "ip6tables"])
def test_a_policy_that_drops_is_told(flavour: str, tool: str) -> None:
    run((f"{tool}-{flavour}", "-P", "FORWARD", "DROP"))
    assert f"{tool} drops what is forwarded" in told()


@pytest.mark.parametrize("flavour", ["legacy", "nft"])
@pytest.mark.parametrize(
    "rule",
    [
        "-A POSTROUTING -j MASQUERADE",
        "-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE",
        '-A CNI-1 ! -d 224.0.0.0/4 -m comment --comment "name: x" -j MASQUERADE',
    ],
)
def test_what_hides_pods_from_others_is_told(flavour: str, rule: str) -> None:
    run((f"iptables-{flavour}-restore", "--noflush"), f"*nat\n:CNI-1 - [0:0]\n{rule}\nCOMMIT\n")
    assert "pods send to pods of other nodes with this node's address" in told()
    assert "MASQUERADE), by which policies there judge them" in told()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("unshare: unshare failed: Operation not permitted", "cannot be tried: unshare"),
        (
            "Fatal: can't open lock file /run/xtables.lock: Read-only file system",
            "cannot take its lock: Fatal: can't open lock file /run/xtables.lock: Read-only",
        ),
    ],
)
def test_the_right_thing_is_blamed(
    monkeypatch: pytest.MonkeyPatch, words: str, expected: str
) -> None:
    real = programs.run

    def failing(argv: list[str], text: str, *_: object) -> programs.Finished:
        if argv[0] == "unshare":
            return programs.Finished(4, "", f"{words}\n")
        return real(argv, text)

    monkeypatch.setattr(programs, "run", failing)
    found = "\n".join(map(str, look_at_iptables()))
    assert expected in found
    assert "load the modules" not in found
