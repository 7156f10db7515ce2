"""A node without a kernel: it keeps what was committed, and can refuse or die at a commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cnpc.backends.linux.conntrack import Connection
from cnpc.backends.nftables.node.kernel import Fingerprint
from cnpc.backends.nftables.ruleset import NftRuleset, NftSet
from cnpc.compiler.errors import NodeError


class Killed(BaseException):
    """What a signal does to a process."""


@dataclass
class FakeNode:
    """Knows tables by name alone; its fingerprint is what was last committed."""

    commits: list[str] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    foreign: int = 0
    refuse: str = ""
    kill_at: int | None = None
    flush_at: int | None = None
    boot: str = "boot"

    def netns_id(self) -> str:
        return self.boot

    def commit(self, text: str) -> None:
        number = len(self.commits)
        if number == self.kill_at:
            raise Killed
        if number == self.flush_at:
            self.flush_at = None
            self.tables.clear()
            self.foreign += 1
            raise NodeError("No such file or directory")
        self.commits.append(text)
        for verb, name in re.findall(r"^(table|delete table) (inet \w+)", text, re.MULTILINE):
            if verb == "table":
                self.tables.add(name)
            else:
                self.tables.discard(name)

    def check(self, text: str) -> None:
        if self.refuse and self.refuse in text:
            raise NodeError(f"refused: {self.refuse}")

    def generation(self) -> int:
        return len(self.commits) + self.foreign

    def has_table(self, table: str) -> bool:
        return table in self.tables

    def fingerprint(
        self, layout: NftRuleset, known: Mapping[str, str] = MappingProxyType({})
    ) -> Fingerprint | None:
        if "inet cnpc" not in self.tables:
            return None
        contents = {name: known.get(name, "") for name in layout.sets}
        return Fingerprint(" ".join([*sorted(layout.chains), str(self.foreign // 100)]), contents)

    def same_contents(self, layout: NftRuleset) -> bool:
        return bool(layout.sets)

    def changed(self, layout: NftRuleset, contents: Mapping[str, str]) -> tuple[str, ...]:
        return ("chain forward",) if contents and layout.chains else ()

    def elements(self, table: NftSet) -> tuple[str, ...]:
        return (f"192.0.2.{len(table.name)}",)

    def listing(self) -> str:
        return ""

    def connections(self) -> Iterator[Connection]:
        return iter(())

    def forget(self, connection: Connection) -> bool:
        raise AssertionError(connection)
