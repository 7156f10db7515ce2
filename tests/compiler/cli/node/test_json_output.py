"""--json of the commands that change a node, or tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import CLUSTER, STORIES, cnpc
from netcluster import Namespace
from schemas import checked

pytestmark = pytest.mark.requires_root_and_nft
SUFFIX = {"nftables": "nft", "iptables": "v4"}


class Host:
    """A node of its own, and a ruleset of two stories for it."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.environment = {"CNPC_STATE_DIR": str(folder / "state")}
        self.files = []
        for story in ("1-deny", "2-allow"):
            options = ("--backend", backend, "-o", folder / story)
            made = cnpc("compile", CLUSTER, STORIES / story, *options)
            assert made.code == 0, made.err
            self.files.append(folder / story / f"worker-1.{SUFFIX[backend]}")

    def json(self, *arguments: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Return what a command prints, which is as its schema says."""
        done = cnpc(*arguments, "--json", environment=self.environment)
        assert done.code == code, done.err
        found = checked(done.out)
        assert found["command"] == arguments[0]
        return found


@pytest.fixture(params=SUFFIX)
def host(request: pytest.FixtureRequest, space: Namespace, tmp_path: Path) -> Host:  # noqa: ARG001 - be in it
    return Host(tmp_path, request.param)


def test_every_command_tells_as_json(host: Host) -> None:
    deny, allow = host.files
    assert host.json("status", code=1)["version"] is None
    assert host.json("boot")["version"] is None
    assert host.json("save", code=1)["next_boot"] is None
    assert host.json("rollback", code=1) == {
        "command": "rollback",
        "version": None,
        "went_back": False,
    }
    tried = host.json("apply", deny, "--check")
    assert (tried["version"], tried["kind"]) == (None, "load")
    assert len(tried["policies_added"]) == 1
    loaded = host.json("apply", deny)
    assert (loaded["kind"], len(loaded["pods_added"])) == ("load", 3)
    again = host.json("apply", deny)
    assert (again["kind"], again["version"]) == ("nothing", loaded["version"])
    told = host.json("diff", allow, code=1)
    assert (len(told["policies_added"]), len(told["policies_removed"])) == (2, 1)
    assert told["chains"]
    assert told["sets"]
    assert host.json("diff", deny)["chains"] == []
    assert host.json("diff")["drift"] is None
    held = host.json("apply", allow, "--confirm", "2m", "--cut-established")
    assert 110 < held["confirm_within_seconds"] <= 120
    assert held["connections_ended"] == 0
    kept = host.json("apply", "--confirmed")
    assert (kept["confirmed"], kept["kind"]) == (held["version"], None)
    assert host.json("apply", "--confirmed", code=1)["confirmed"] is None
    status = host.json("status")
    assert status["version"] == held["version"]
    assert (status["well"], status["node"], len(status["pods"])) == (True, "worker-1", 3)
    assert host.json("save", deny)["next_boot"] == loaded["version"]
    assert host.json("rollback")["version"] == loaded["version"]
    assert host.json("flush")["removed"]
    assert not host.json("flush")["removed"]


def test_refusals_are_told_as_json(host: Host) -> None:
    host.json("apply", host.files[0])
    other = host.files[0].with_name(host.files[0].name.replace("worker-1", "worker-2"))
    done = cnpc("apply", other, "--json", environment=host.environment)
    assert done.code == 2
    (error,) = checked(done.out)["errors"]
    assert "--force" in error["message"]
    assert error["message"] in done.err
