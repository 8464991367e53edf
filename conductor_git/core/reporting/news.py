"""What changed under an agent since it last looked: needs met, integration moved, the plan edited."""

from __future__ import annotations

import shlex

from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid


def find_news(snapshot: Snapshot, plan: Plan, branch: str, *, was: str, is_now: str) -> tuple[str, ...]:
    """A line for each thing, with the command that takes it in, as seen from a branch (short name) of the plan.

    `was` is the digest of what was handed over, empty where nobody knows it; `is_now` is that of now.
    """
    edited = f"plan {plan.plan} was edited since it was handed over, so the brief given then is not this one"
    said = [edited] if was and was != is_now else []
    found = snapshot.history.branches.get(branch) or snapshot.history.executors.get(branch)
    return tuple(said) if found is None else (*said, *_to_take_in(snapshot, plan, found.oid))


def _to_take_in(snapshot: Snapshot, plan: Plan, tip: Oid) -> list[str]:
    claims = Claims(snapshot.history, snapshot.plans)
    verdicts = Verdicts(snapshot, claims)
    said = []
    for need in dict.fromkeys(need for each in plan.targets() for need in plan.needs_for(each)):
        proven = verdicts.of(need).proven if need.plan != plan.plan else ()
        if proven and not any(claims.graph.is_ancestor(commit, tip) for commit in proven):
            said.append(f"{need}, which you need, is complete: git merge {proven[0][:12]}")
    trunk = snapshot.history.integration
    moved = [] if trunk is None else list(claims.graph.first_parents(trunk.oid, stop=claims.graph.below([tip])))
    if moved:
        name = snapshot.policy.integration
        steps = f"{len(moved)} step{'s' if len(moved) > 1 else ''}"
        said.append(f"'{name}' is {steps} ahead of your branch: git merge {shlex.quote(name)}")
    return said
