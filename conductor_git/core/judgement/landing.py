"""What may land: claims that were complete, and of other plans only what such claims cover."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from conductor_git.core.judgement.claims import Claims, Said
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid, Target


class Landings:
    """Asked by the door about a merge to come and, with `ever`, by the reader about one that stands."""

    def __init__(self, claims: Claims, verdicts: Verdicts, *, ever: bool) -> None:
        self.claims = claims
        self.verdicts = verdicts
        self.ever = ever
        self.said = {said.commit: said for said in claims.all_said()}
        self._held: dict[Oid, bool] = {}

    def complete(self, commit: Oid, declared: Mapping[str, Plan] = {}) -> bool:
        """Whether it is a complete claim or, with `ever`, was one by the plan as it was declared when it landed.

        Of what has landed nothing later is asked: no change of plans and rules, no word in the ledger, no revert.
        """
        said = self.said.get(commit)
        if said is None or commit in self.verdicts.of(said.target).proven:
            return said is not None
        if not self.ever:
            return False
        plan = declared.get(said.target.plan) or self.verdicts.plans.get(said.target.plan)
        needs = plan.needs_for(said.target) if plan else ()
        return self._holds(said) and all(self._met(need, commit) for need in needs)

    def uncovered(self, source: Oid, brought: AbstractSet[Oid], declared: Mapping[str, Plan] = {}) -> list[str]:
        """The plans of which a merge of `source` brings work that no such claim covers; `brought` is all it brings.

        An empty name among them is a claim of no plan.
        """
        plans = self.plans_in(brought)
        if not self.complete(source, declared):
            return plans or ([""] if self.claims.nameless & brought else [])
        others = [plan for plan in plans if plan != self.said[source].target.plan]
        if not others:
            return []
        claims = self.claims
        whole: dict[str, list[Oid]] = {plan: [] for plan in others}
        for oid in brought:
            plan = self.said[oid].target.plan if oid in self.said else ""
            if plan in whole and self.complete(oid, declared):
                whole[plan].append(oid)
        covered = {plan: claims.graph.below(found) for plan, found in whole.items()}
        whose = ((oid, claims.started(oid) or claims.plans_said.get(oid, "")) for oid in brought)
        return sorted({plan for oid, plan in whose if plan in covered and oid not in covered[plan]})

    def plans_in(self, brought: AbstractSet[Oid]) -> list[str]:
        """The plans of which a start commit or claim is among these commits."""
        started = {self.claims.starts[oid] for oid in brought if oid in self.claims.starts}
        return sorted(started | {self.claims.plans_said[oid] for oid in brought if oid in self.claims.plans_said})

    def _met(self, need: Target, commit: Oid) -> bool:
        graph, listed = self.claims.graph, self.claims.by_target.get(need, ())
        return any(self._holds(said) and graph.is_ancestor(said.commit, commit) for said in listed)

    def _holds(self, said: Said) -> bool:
        if said.commit not in self._held:
            rules = self.verdicts.rules(said.target)
            self._held[said.commit] = self.verdicts.court.ever_proved(said.target, said.product, rules, said.commit)
        return self._held[said.commit]
