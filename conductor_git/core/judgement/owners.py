"""Which commits are a plan's own work, on its branch or landed, and whether each stays inside the plan's bounds."""

from __future__ import annotations

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.judgement.boundaries import Staged, judge_staged
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid


class Owned(msgspec.Struct, frozen=True):
    """A commit of a plan. `step` is the step of integration that brought it; None where it has not landed."""

    commit: Oid
    plan: str
    step: Oid | None = None


def owned_commits(snapshot: Snapshot, claims: Claims) -> list[Owned]:
    """Every commit above `since` that is some plan's own, start commits left out, ancestors first."""
    found = {**_landed(snapshot, claims), **_standing(claims)}
    order = sorted(found, key=lambda oid: (claims.graph.generation(oid), oid))
    return [found[oid] for oid in order if oid not in claims.starts and oid != snapshot.history.since]


def judge_owned(owned: Owned, paths: tuple[str, ...], snapshot: Snapshot) -> list[Finding]:
    """Judge the paths that a plan's commit changed by itself: those of a merge that differ from all its parents.

    What has landed is judged by the plan as integration had it then.
    """
    then = snapshot.history.declared.get(owned.step, {}) if owned.step else {}
    plans = tuple(then.get(plan.plan, plan) for plan in snapshot.plans)
    plan = next((plan for plan in plans if plan.plan == owned.plan), None)
    if plan is None:
        return []
    # Whoever committed it: on a plan's branch everybody is the plan's agent.
    findings = judge_staged(Staged(paths, plan.branch, plan.agent), snapshot.policy, plans)
    hint = f"git show --stat {owned.commit[:12]}"
    return [
        msgspec.structs.replace(found, subject=owned.commit, message=f"{owned.commit[:7]}: {found.message}", hint=hint)
        for found in findings
    ]


def _landed(snapshot: Snapshot, claims: Claims) -> dict[Oid, Owned]:
    graph, tip, since = claims.graph, snapshot.history.integration, snapshot.history.since
    found: dict[Oid, Owned] = {}
    if tip is None:
        return found
    seen: set[Oid] = {since} if since else set()
    for step in reversed([oid for oid in graph.first_parents(tip.oid) if oid != since]):
        seen.add(step)
        for parent in graph.parents(step)[1:]:
            brought = graph.ancestors([parent], stop=seen)
            seen |= brought
            whose = {oid: plan for oid in brought if (plan := claims.started(oid))}
            named = claims.plans_said.get(parent)
            if named is not None:
                # A branch that was made by hand has no start commit; what lands under a plan's claim is that plan's.
                for oid in graph.first_parents(parent):
                    if oid not in brought:
                        break
                    whose.setdefault(oid, named)
            found |= {oid: Owned(oid, plan, step) for oid, plan in whose.items()}
    return found


def _standing(claims: Claims) -> dict[Oid, Owned]:
    tips = [tip.oid for tip in claims.history.branches.values()]
    own = claims.graph.ancestors(tips, stop=claims.landed)
    return {oid: Owned(oid, plan) for oid in own if (plan := claims.plan_of(oid))}
