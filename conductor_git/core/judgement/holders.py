"""Which plans' branches hold which commits that integration lacks: one pass for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from conductor_git.core.judgement.history import Graph
from conductor_git.core.targets import Oid


class Holders:
    """Plans as bits of one number, so that a thousand branches over one long history cost no more than the history."""

    def __init__(self, graph: Graph, tips: Mapping[str, Oid], landed: AbstractSet[Oid]) -> None:
        self._plans = tuple(tips)
        self._bits = {plan: 1 << place for place, plan in enumerate(tips)}
        seeds: dict[Oid, int] = {}
        for plan, tip in tips.items():
            if tip in graph.nodes and tip not in landed:
                seeds[tip] = seeds.get(tip, 0) | self._bits[plan]
        own = graph.ancestors(seeds, stop=landed)
        self._reached = graph.spread(seeds, among=own)
        self._chained = graph.spread(seeds, among=own, first_parent=True)
        self._owning = self._working = 0
        for bits in seeds.values():
            self._owning |= bits
        for oid, bits in self._reached.items():
            if len(graph.parents(oid)) < 2:
                self._working |= bits

    def hold(self, plan: str, commit: Oid) -> bool:
        """Whether the plan's branch has this commit and integration has not."""
        return bool(self._reached.get(commit, 0) & self._bits.get(plan, 0))

    def any_holds(self, commit: Oid) -> bool:
        """Whether some plan's branch has it and integration has not."""
        return commit in self._reached

    def alone(self, commit: Oid) -> str | None:
        """The one plan whose branch has it among its first parents; None where there is none, or more than one."""
        bits = self._chained.get(commit, 0)
        return self._plans[bits.bit_length() - 1] if bits.bit_count() == 1 else None

    def has_own(self, plan: str) -> bool:
        """Whether the plan's branch has a commit that integration lacks."""
        return bool(self._owning & self._bits.get(plan, 0))

    def has_work(self, plan: str) -> bool:
        """Whether one of these commits is no merge."""
        return bool(self._working & self._bits.get(plan, 0))
