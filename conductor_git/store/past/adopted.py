"""Which branch a plan is worked on where its agent chose one: what the delegation says that its start commit names."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.events.delegation import Delegation, read_delegation
from conductor_git.core.events.event import Event
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid
from conductor_git.store.past.starts import find_start
from conductor_git.store.plumbing.refs import HEADS, Refs
from conductor_git.store.plumbing.repository import Repository


def find_adopted(
    repo: Repository, plans: Iterable[Plan], events: Iterable[Event], refs: Refs, *, since: str, kept: frozenset[str]
) -> dict[str, str]:
    """Plan -> branch (short name), for plans that were joined under another branch than they declare.

    The start commit stands on the branch that the plan declares, where only one clone could push it: whose event it
    names has the plan. `kept` are branches that no plan can be worked on. Costs a git process for each such plan.
    """
    said = [found for event in events if (found := read_delegation(event))]
    chosen: dict[str, str] = {}
    for plan in plans:
        others = {each.event: each for each in said if each.plan == plan.plan and _is_other(each, plan, refs, kept)}
        begun = find_start(repo, tip, plan.plan, since=since) if others and (tip := _tip(plan, refs)) else None
        if begun is not None and begun.plan == plan.plan and begun.event in others:
            chosen[plan.plan] = others[begun.event].branch
    return chosen


def _is_other(said: Delegation, plan: Plan, refs: Refs, kept: frozenset[str]) -> bool:
    if said.branch in (plan.branch, *kept):
        return False
    return f"{HEADS}{said.branch}" in refs.oids or bool(refs.copies(said.branch))


def _tip(plan: Plan, refs: Refs) -> Oid | None:
    return refs.oids.get(plan.ref) or next(iter(refs.copies(plan.branch).values()), None)
