"""Which plans' branches hold which commits that integration lacks."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping

from conductor_git.core.judgement.graph import Graph, Reach
from conductor_git.core.targets import Oid


class Holders:
    """By line of the graph, so that many branches over one long history cost no more than the branches."""

    def __init__(self, graph: Graph, tips: Mapping[str, Oid], landed: Reach) -> None:
        self._graph = graph
        own = {plan: tip for plan, tip in tips.items() if tip in graph.nodes and tip not in landed}
        self._held = {plan: graph.below([tip], stop=landed) for plan, tip in own.items()}
        self._any = graph.below(own.values(), stop=landed)
        self._chained: dict[int, list[tuple[int, str]]] = {}
        """By line: from where on the first parents of which plan's branch go down it."""
        for plan, tip in own.items():
            for line, place in graph.first_parent_places(tip, stop=landed):
                insort(self._chained.setdefault(line, []), (place, plan))

    def hold(self, plan: str, commit: Oid) -> bool:
        """Whether the plan's branch has this commit and integration has not."""
        return plan in self._held and commit in self._held[plan]

    def any_holds(self, commit: Oid) -> bool:
        """Whether some plan's branch has it and integration has not."""
        return commit in self._any

    def alone(self, commit: Oid) -> str | None:
        """The one plan whose branch has it among its first parents; None where there is none, or more than one."""
        found = self._graph.place(commit)
        if found is None or commit not in self._any:
            return None
        line, place = found
        chained = self._chained.get(line, [])
        # No plan's name sorts behind this one.
        above = bisect_right(chained, (place, "\x7f"))
        return chained[0][1] if above == 1 else None

    def has_own(self, plan: str) -> bool:
        """Whether the plan's branch has a commit that integration lacks."""
        return plan in self._held

    def has_work(self, plan: str) -> bool:
        """Whether one of these commits is no merge."""
        held = self._held.get(plan)
        return held is not None and self._graph.size(held) > sum(1 for _ in self._graph.merges(held))
