"""Which commits are a plan's own work, on its branch or landed, and whether each stays inside the plan's bounds.

Bounds are paths and, of a merge, what it took in: of other plans only the claims that its own plan needs.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding, newest_of
from conductor_git.core.judgement.boundaries import Merging, Staged, excuse, judge_merge, judge_staged
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.freezes import judge_frozen
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.waiving import Waivers
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid, Target


class Owned(msgspec.Struct, frozen=True):
    """A commit of a plan. `step` is the step of integration that brought it; None where it has not landed."""

    commit: Oid
    plan: str
    step: Oid | None = None
    took: tuple[str, ...] = ()
    """Of a merge, the plans whose work it took in and need not have."""


def owned_commits(snapshot: Snapshot, claims: Claims) -> list[Owned]:
    """Every commit above `since` that is some plan's own, start commits left out, ancestors first."""
    taking = Taking(snapshot.plans, claims)
    return _in_order({**_landed(snapshot, claims, taking), **_standing(claims, taking)}, snapshot, claims)


def _in_order(found: Mapping[Oid, Owned], snapshot: Snapshot, claims: Claims) -> list[Owned]:
    order = sorted(found, key=lambda oid: (claims.graph.generation(oid), oid))
    return [found[oid] for oid in order if oid not in claims.starts and oid != snapshot.history.since]


def standing_commits(snapshot: Snapshot, claims: Claims) -> list[Owned]:
    """Those of them that have not landed."""
    return _in_order(_standing(claims, Taking(snapshot.plans, claims)), snapshot, claims)


def judge_owned(owned: Owned, paths: tuple[str, ...], snapshot: Snapshot) -> list[Finding]:
    """Judge the paths that a plan's commit changed by itself: those of a merge that differ from all its parents. What
    it did to frozen paths is known to the snapshot, where somebody looked.

    What has landed is judged by the plan as integration had it then.
    """
    hint = f"git show --stat {owned.commit[:12]}"
    return [
        msgspec.structs.replace(found, subject=owned.commit, message=f"{owned.commit[:7]}: {found.message}", hint=hint)
        for found in judge_as_made(owned, paths, snapshot)
    ]


def judge_as_made(
    owned: Owned, paths: tuple[str, ...], snapshot: Snapshot, *, conductor: bool = False
) -> list[Finding]:
    """The same for whoever has just made it, with the way back; `conductor` where that was the conductor."""
    touches = snapshot.bounds.touched.get(owned.commit, ())
    if not (paths or owned.took or touches):
        return []
    then = snapshot.history.declared.get(owned.step, {}) if owned.step else {}
    plans = tuple(then.get(plan.plan, plan) for plan in snapshot.plans) if then else snapshot.plans
    plan = next((plan for plan in plans if plan.plan == owned.plan), None)
    if plan is None:
        return []
    # Whoever committed it: on a plan's branch everybody is the plan's agent.
    parents = snapshot.history.graph.parents(owned.commit)
    findings = [
        *_foreign(owned),
        *judge_staged(Staged(paths, plan.branch, plan.agent), snapshot.policy, plans),
        *judge_frozen(touches, parents, owned.commit, snapshot, conductor=conductor),
    ]
    if findings:
        waivers = Waivers(snapshot.ledger.decisions, snapshot.made)
        findings = excuse(findings, plan.plan, waivers, owned.commit)
    return findings


def judge_standing(snapshot: Snapshot, claims: Claims) -> dict[str, list[Finding]]:
    """By plan, how its commits that have not landed left its bounds and nobody accepted it: of each kind the newest.

    Paths are judged as far as the snapshot has them; what a merge took in always is.
    """
    settled = accepted(snapshot.ledger.decisions)
    standing = _standing(claims, Taking(snapshot.plans, claims), known=snapshot.changes)
    outside = _outside(standing.values(), snapshot)
    suspect = {
        oid: owned
        for oid, owned in standing.items()
        if owned.took
        or oid in snapshot.bounds.touched
        or not outside.get(owned.plan, set()).isdisjoint(snapshot.changes.get(oid, ()))
    }
    found: dict[str, dict[str, list[Finding]]] = {}
    for owned in _in_order(suspect, snapshot, claims):
        for each in judge_owned(owned, snapshot.changes.get(owned.commit, ()), snapshot):
            if each.refuses and owned.commit not in settled:
                found.setdefault(owned.plan, {}).setdefault(each.code, []).append(each)
    return {plan: [newest_of(listed) for listed in kinds.values()] for plan, kinds in found.items()}


def _outside(standing: Iterable[Owned], snapshot: Snapshot) -> dict[str, set[str]]:
    """By plan, the paths of its commits that are not its own to change: each path is judged once for all commits."""
    touched: dict[str, set[str]] = {}
    for owned in standing:
        touched.setdefault(owned.plan, set()).update(snapshot.changes.get(owned.commit, ()))
    plans = {plan.plan: plan for plan in snapshot.plans}
    return {
        name: {
            found.subject
            for found in judge_staged(
                Staged(tuple(paths), plans[name].branch, plans[name].agent), snapshot.policy, snapshot.plans
            )
        }
        for name, paths in touched.items()
        if name in plans
    }


def judge_intake(merging: Merging, head: Oid, snapshot: Snapshot) -> list[Finding]:
    """Judge a merge that is about to be committed, on top of `head`: into integration, a plan's branch, or that of one
    of its executors."""
    plan = snapshot.plan_at(merging.branch)
    if plan is None or merging.branch == snapshot.policy.integration:
        return judge_merge(merging, snapshot)
    claims = Claims(snapshot.history, snapshot.plans)
    took = Taking(snapshot.plans, claims).took(plan.plan, (head, *merging.sources), claims.landed)
    if not took:
        return []
    names = ", ".join(took)
    text = f"this merge takes work of plan {names} into '{merging.branch}', which is plan {plan.plan}'s"
    detail = f"it takes in '{snapshot.policy.integration}', its own branches, and the claims that it needs"
    foreign = [Finding("CG406", "error", plan.plan, text, "git merge --abort", detail)]
    return excuse(foreign, plan.plan, Waivers(snapshot.ledger.decisions, snapshot.made))


class Taking:
    """What a merge into a plan's branch takes in beside integration, its own plan's work, and claims that it needs."""

    def __init__(self, plans: Iterable[Plan], claims: Claims) -> None:
        self._claims = claims
        self._plans = {plan.plan: plan for plan in plans}
        self._needs: dict[str, frozenset[Target]] = {}
        self._said = {said.commit: said.target for said in claims.all_said()}

    def needs(self, plan: str, commit: Oid) -> bool:
        """Whether a commit is a claim that the plan, or a wave of it, needs."""
        if plan not in self._needs:
            declared = self._plans.get(plan)
            targets = declared.targets() if declared else ()
            self._needs[plan] = frozenset(need for each in targets if declared for need in declared.needs_for(each))
        return self._said.get(commit) in self._needs[plan]

    def took(self, plan: str, parents: Sequence[Oid], had: Container[Oid]) -> tuple[str, ...]:
        """The plans whose work a merge of these parents takes in and need not; `had` is what integration had then."""
        if len(parents) < 2:
            return ()
        graph, claims = self._claims.graph, self._claims
        own = graph.ancestors(parents[:1], stop=had)
        brought = graph.ancestors(parents[1:], stop=had) - own
        # A claim that it needs comes with all that it stands on, also by the branch of an executor.
        brought -= graph.ancestors([oid for oid in brought if self.needs(plan, oid)], stop=had)
        # While a branch is there, it also says whose commits without a start below them are.
        whose = {claims.plan_of(oid) or claims.plans_said.get(oid) for oid in brought}
        return tuple(sorted(name for name in whose if name is not None and name != plan))


def _foreign(owned: Owned) -> list[Finding]:
    if not owned.took:
        return []
    text = f"merge into plan {owned.plan} took in work of plan {', '.join(owned.took)}, which it does not need"
    return [Finding("CG406", "error", owned.commit, text)]


def _landed(snapshot: Snapshot, claims: Claims, taking: Taking) -> dict[Oid, Owned]:
    graph, tip, since = claims.graph, snapshot.history.integration, snapshot.history.since
    found: dict[Oid, Owned] = {}
    if tip is None:
        return found
    seen: set[Oid] = {since} if since else set()
    for step in reversed([oid for oid in graph.first_parents(tip.oid) if oid != since]):
        seen.add(step)
        for parent in graph.parents(step)[1:]:
            brought = graph.ancestors([parent], stop=seen)
            whose = {oid: plan for oid in brought if (plan := claims.started(oid))}
            named = claims.plans_said.get(parent)
            if named is not None:
                # A branch that was made by hand has no start commit; what lands under a plan's claim is that plan's.
                for oid in graph.first_parents(parent):
                    if oid not in brought:
                        break
                    whose.setdefault(oid, named)
            for oid, plan in whose.items():
                found[oid] = Owned(oid, plan, step, taking.took(plan, graph.parents(oid), seen))
            seen |= brought
    return found


def _standing(claims: Claims, taking: Taking, *, known: Iterable[Oid] | None = None) -> dict[Oid, Owned]:
    """What has not landed; with `known` only the merges and what is in it."""
    graph = claims.graph
    reach = graph.below([tip.oid for tip in claims.history.branches.values()], stop=claims.landed)
    if known is None:
        own = {oid for line in graph.lines(reach) for oid in line}
    else:
        own = {oid for oid in known if oid in reach}
    own.update(graph.merges(reach))
    whose = {oid: plan for oid in own if (plan := claims.plan_of(oid))}
    return {
        oid: Owned(oid, plan, None, taking.took(plan, graph.parents(oid), claims.landed)) for oid, plan in whose.items()
    }
