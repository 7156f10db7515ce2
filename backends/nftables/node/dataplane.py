"""The node's nftables: observes, plans, commits and removes a ruleset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ....compiler.errors import NodeError
from ...apply.dataplane import Drift, Installed, RulesetSource
from ...apply.record import KernelState
from ...linux.conntrack import denied
from ...linux.doctor import lacks_nft
from ..decompile import judge_of
from ..diff import unchanged, with_sizes
from ..names import BACKEND, SPARE, SUFFIX, TABLE
from ..plan import Plan, PlanKind, plan, replace_whole, unload
from ..ruleset import EMPTY, NftRuleset, read_ruleset
from .client import open_nft
from .kernel import Fingerprint, LinuxKernel, NodeKernel


def ruleset_source(text: str, name: str = "<ruleset>") -> RulesetSource[NftRuleset]:
    """Return the ruleset of a text, which is read when it is first needed."""
    return RulesetSource(BACKEND, {SUFFIX: text}, lambda: read_ruleset(text, name))


@dataclass(frozen=True, slots=True)
class NftDataplane:
    """The table ``inet cnpc`` of a node, and the spare ones while it is replaced."""

    node: NodeKernel
    backend = BACKEND
    empty = EMPTY

    def read(self, texts: Mapping[str, str]) -> NftRuleset:
        """Return what the text says; InputError where it is not as compile writes it."""
        return read_ruleset(texts[SUFFIX])

    def readable(self, ruleset: NftRuleset) -> NftRuleset:
        """Return a ruleset as it is shown to people."""
        return ruleset

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return self.node.netns_id()

    def present(self) -> bool:
        """Tell whether the own table is loaded."""
        return self.node.has_table(TABLE)

    def difference(self, kernel: KernelState) -> Drift:  # noqa: ARG002 - iptables needs it
        """Return how the kernel differs, where it is not as it was noted."""
        return Drift.CHANGED if self.present() else Drift.GONE

    def changed(self, ruleset: NftRuleset, kernel: KernelState) -> tuple[str, ...]:
        """Return the chains with other rules, and the sets and maps with other elements."""
        return self.node.changed(ruleset, kernel.contents)

    def where_active(self) -> tuple[str, ...]:
        """Return where rules of ours judge packets."""
        return (BACKEND,) if self.present() else ()

    def obstacle(self) -> str:
        """Return that nothing is in the way: a table of our name is replaced."""
        return ""

    def left_out(self) -> str:
        """Return that nothing of a ruleset is left out."""
        return ""

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell whether nobody, in any table, has committed anything since, and ours is there."""
        return self.node.generation() == kernel.generation and self.present()

    def verified(
        self, ruleset: NftRuleset, kernel: KernelState, *, wholly: bool
    ) -> tuple[NftRuleset, KernelState] | None:
        """Return the ruleset as the kernel has it, and how that is now; None where it differs."""
        sized = with_sizes(ruleset, kernel.sizes)
        generation = self.node.generation()
        if not self.is_unchanged(kernel) and not self._untouched(sized, kernel, wholly=wholly):
            return None
        return sized, replace(kernel, generation=generation)

    def plan(self, now: Installed[NftRuleset], new: NftRuleset) -> Plan:
        """Return the commits that lead from what is in force to the ruleset."""
        if now.drift in {Drift.NONE, Drift.GONE}:
            return plan(now.ruleset, new)
        if not self.node.has_table(TABLE):
            return plan(EMPTY, new)
        return replace_whole(new, self._spare(), self._dynamic(new))

    def check(self, planned: Plan) -> None:
        """Let the kernel judge all commits as one; NodeError with its words if it refuses."""
        text = "".join(transaction.text for transaction in planned.transactions)
        if text:
            self.node.check(text)

    def commit(self, planned: Plan, now: Installed[NftRuleset], new: NftRuleset) -> KernelState:
        """Commit all transactions; NodeError if one is refused or the result is not as planned."""
        before = self.node.generation()
        for transaction in planned.transactions:
            self.node.commit(transaction.text)
        self._remove_spares()
        after = self.node.generation()
        kept = with_sizes(new, planned.sizes)
        found = self.node.fingerprint(kept, _known(now, planned, new))
        if found is None:
            raise NodeError("somebody removed parts of the ruleset while it was loaded")
        alone = after - before == len(planned.transactions)
        return KernelState(
            place=self.node.netns_id(),
            generation=after if alone else None,
            structure=found.structure,
            contents=found.contents,
            sizes=planned.sizes,
        )

    def renamed(self, kernel: KernelState, planned: Plan) -> KernelState:
        """Return how the kernel is for a ruleset that says the same as the one in force."""
        return replace(kernel, sizes=planned.sizes)

    def unload(self) -> bool:
        """Remove the own tables; False if there were none."""
        left = [name for name in (TABLE, *SPARE) if self.node.has_table(name)]
        for transaction in unload(left).transactions:
            self.node.commit(transaction.text)
        return bool(left)

    def cut(self, ruleset: NftRuleset) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        judge = judge_of(ruleset, self.node.elements)
        found = denied(judge, self.node.connections())
        return sum(self.node.forget(connection) for connection in found)

    def generation(self) -> int:
        """Return a number that changes with whatever anybody commits."""
        return self.node.generation()

    def listing(self) -> str:
        """Return the own table as nft lists it, without elements; NodeError if there is none."""
        return self.node.listing()

    def _untouched(self, layout: NftRuleset, kernel: KernelState, *, wholly: bool) -> bool:
        found = self.node.fingerprint(layout, {} if wholly else kernel.contents)
        same = found == Fingerprint(kernel.structure, kernel.contents)
        return same and (not wholly or self.node.same_contents(layout))

    def _spare(self) -> str:
        """Return a spare table's name that an interrupted replacement has not left in use."""
        return next((name for name in SPARE if not self.node.has_table(name)), SPARE[0])

    def _dynamic(self, new: NftRuleset) -> str:
        """Return what fills the dynamic sets again that the kernel has now."""
        lines = []
        for name, table in new.sets.items():
            if table.dynamic and (elements := self.node.elements(table)):
                lines.append(f"add element {{table}} {name} {{{{ {', '.join(elements)} }}}}")
        return "\n".join(lines)

    def _remove_spares(self) -> None:
        """Remove what interrupted replacements left, now that the own table judges."""
        left = [name for name in SPARE if self.node.has_table(name)]
        if left:
            for transaction in unload(left).transactions:
                self.node.commit(transaction.text)


def _known(now: Installed[NftRuleset], planned: Plan, new: NftRuleset) -> Mapping[str, str]:
    """Return the digests of those sets' elements that the plan leaves as they are."""
    if now.kernel is None or planned.kind is PlanKind.REPLACE:
        return {}
    kept = unchanged(now.ruleset, with_sizes(new, planned.sizes))
    return {name: text for name, text in now.kernel.contents.items() if name in kept}


def open_dataplane() -> NftDataplane:
    """Return it; NodeError with the remedy where the node lacks it."""
    for finding in lacks_nft():
        raise NodeError(str(finding))
    return NftDataplane(LinuxKernel(open_nft()))
