"""All plans of one control tree together."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.plan import BrokenPlan, Plan, PlanError
from conductor_git.core.planning.problems import nearest

_LISTED = 12


def one_each(plans: Iterable[Plan], broken: Iterable[BrokenPlan]) -> tuple[tuple[Plan, ...], tuple[BrokenPlan, ...]]:
    """Set plans apart whose id stands in more than one file: which of them counts must not depend on file names.

    Both results are sorted, numbers as numbers and before slugs.
    """
    readable, unreadable = list(plans), list(broken)
    paths: dict[str, list[str]] = {}
    named = [*((plan.plan, plan.path) for plan in readable), *((plan.plan, plan.path) for plan in unreadable)]
    for plan_id, path in named:
        if plan_id is not None:
            paths.setdefault(plan_id, []).append(path)
    alone = [plan for plan in readable if len(paths[plan.plan]) == 1]
    doubled = [_doubled(plan, paths[plan.plan]) for plan in readable if len(paths[plan.plan]) > 1]
    return (
        tuple(sorted(alone, key=lambda plan: plan_order(plan.plan))),
        tuple(sorted((*unreadable, *doubled), key=lambda plan: (plan_order(plan.plan or ""), plan.path))),
    )


def declares_freezes(plans: Iterable[Plan]) -> bool:
    """Whether any wave freezes anything once it is complete."""
    return any(wave.freezes for plan in plans for wave in plan.waves)


def unknown_plan(name: str, known: Iterable[str], *, then: str = "") -> CannotRun:
    """What to say where nobody declared a plan of that name; `then` is the command that wants one."""
    ids = list(known)
    near = nearest(name, ids)
    listed = ", ".join(ids[:_LISTED]) + (f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else "")
    hint = f"{then} {near}" if near and then else "conductor-git plan list"
    return CannotRun(f"there is no plan '{name}'", detail=f"plans: {listed or 'none'}", hint=hint)


def plan_order(plan: str) -> tuple[int, int, str]:
    """Sort key of a plan's id: 2 before 10 before slugs."""
    return (0, int(plan), "") if plan.isdigit() else (1, 0, plan)


def _doubled(plan: Plan, paths: list[str]) -> BrokenPlan:
    others = ", ".join(f"'{path}'" for path in sorted(paths) if path != plan.path)
    error = PlanError(plan.path, 1, "plan", f"plan '{plan.plan}' is declared in {others} too")
    return BrokenPlan(plan.path, (error,), plan.plan)
