"""What is wrong with plans that cannot be seen in one file: each finding is about how they stand to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from conductor_git.core.findings import Finding
from conductor_git.core.planning.globs import overlap
from conductor_git.core.planning.needs import NeedGraph, Order
from conductor_git.core.planning.plan import BrokenPlan, Plan
from conductor_git.core.planning.plans import one_each
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.problems import nearest
from conductor_git.core.planning.rules import Scripts, judged_by
from conductor_git.core.targets import Target


def check_plans(
    plans: Iterable[Plan],
    broken: Iterable[BrokenPlan] = (),
    *,
    policy: Policy | None = None,
    scripts: Scripts | None = None,
) -> list[Finding]:
    """Everything that is wrong with a set of plans, and where policy and scripts are given with what judges them."""
    good, bad = one_each(plans, broken)
    graph = NeedGraph(good)
    findings = [*_broken(bad), *_unknown_needs(good, bad), *_circles(graph), *_branches(good, policy)]
    if policy is not None and scripts is not None:
        findings += _rules(good, policy, scripts)
    # What may run at the same time can only be told where nothing needs itself.
    if not any(finding.code == "CG705" for finding in findings):
        order = Order(graph)
        findings += [*_scopes(good, order), *_agents(good, order)]
    return findings


def find_obstacles(
    plans: Iterable[Plan], broken: Iterable[BrokenPlan], policy: Policy, scripts: Scripts
) -> dict[str, list[Finding]]:
    """What keeps readable plans from ever being claimed, by plan; in linear time, for the report asks it of all."""
    good, bad = one_each(plans, broken)
    found: dict[str, list[Finding]] = {}
    for circle in NeedGraph(good).circles():
        for plan in dict.fromkeys(target.plan for target in circle):
            found.setdefault(plan, []).append(_circle(circle))
    for finding in (*_unknown_needs(good, bad), *_branches(good, policy), *_rules(good, policy, scripts)):
        found.setdefault(finding.subject.partition(".")[0], []).append(finding)
    return found


def _broken(broken: Iterable[BrokenPlan]) -> Iterator[Finding]:
    for plan in broken:
        for error in plan.errors:
            yield Finding("CG701", "error", plan.plan or plan.path, str(error), detail=error.hint)


def _unknown_needs(plans: Iterable[Plan], broken: Iterable[BrokenPlan]) -> Iterator[Finding]:
    known = {plan.plan: plan for plan in plans}
    unreadable = {plan.plan for plan in broken}
    for plan in known.values():
        owners = [
            (Target(plan.plan), plan.needs),
            *((Target(plan.plan, wave.number), wave.needs) for wave in plan.waves),
        ]
        for owner, needs in owners:
            for need in needs:
                if need.plan not in unreadable and not _is_declared(need, known):
                    message = f"{owner} needs '{need}', {_missing(need, known)}"
                    yield Finding("CG704", "error", str(owner), message, hint="conductor-git plan list")


def _is_declared(need: Target, known: dict[str, Plan]) -> bool:
    plan = known.get(need.plan)
    return plan is not None and (need.wave is None or plan.wave(need.wave) is not None)


def _missing(need: Target, known: dict[str, Plan]) -> str:
    plan = known.get(need.plan)
    if plan is not None:
        return f"and plan '{plan.plan}' has only the waves {', '.join(str(wave.number) for wave in plan.waves)}"
    meant = nearest(need.plan, known)
    return "which no plan declares" + (f"; did you mean '{Target(meant, need.wave)}'?" if meant else "")


def _circles(graph: NeedGraph) -> Iterator[Finding]:
    return map(_circle, graph.circles())


def _circle(circle: tuple[Target, ...]) -> Finding:
    shown = " -> ".join(map(str, circle))
    message = f"these need each other in a circle, so none can be claimed: {shown}"
    return Finding("CG705", "error", str(circle[0]), message, hint=f"conductor-git plan show {circle[0].plan}")


def _branches(plans: Iterable[Plan], policy: Policy | None) -> Iterator[Finding]:
    used: dict[str, str] = {}
    if policy is not None:
        used = {policy.control or policy.integration: "control", policy.integration: "integration"}
    folders = {folder: branch for branch in used for folder in _folders(branch)}
    for plan in plans:
        # One branch cannot be a folder of another: git keeps both as files.
        taken = [branch for branch in (plan.branch, *_folders(plan.branch)) if branch in used]
        clash = taken[0] if taken else folders.get(plan.branch)
        if clash is None:
            used[plan.branch] = f"plan {plan.plan}"
            folders |= dict.fromkeys(_folders(plan.branch), plan.branch)
            continue
        same = "is also that of" if clash == plan.branch else f"cannot stand beside '{clash}' of"
        message = f"branch '{plan.branch}' of plan {plan.plan} {same} {used[clash]}"
        yield Finding("CG706", "error", plan.plan, message, hint=f"conductor-git plan show {plan.plan}")


def _folders(branch: str) -> list[str]:
    """The folders that a branch's name lies in."""
    parts = branch.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _rules(plans: Iterable[Plan], policy: Policy, scripts: Scripts) -> Iterator[Finding]:
    for plan in plans:
        seen = set()
        for target in plan.targets():
            found = judged_by(policy, plan, target, scripts)
            # What is missing for every wave alike is said once a plan.
            if isinstance(found, Finding) and (found.code, found.message) not in seen:
                seen.add((found.code, found.message))
                yield found


def _scopes(plans: tuple[Plan, ...], order: Order) -> Iterator[Finding]:
    for one, other in combinations([plan for plan in plans if plan.scope], 2):
        pair = _common_path(one, other) if _side_by_side(order, one, other) else None
        if pair is not None:
            shown = f"'{pair[0]}'" if pair[0] == pair[1] else f"'{pair[0]}' and '{pair[1]}'"
            message = f"plans {one.plan} and {other.plan} run side by side and may both change {shown}"
            yield Finding("CG707", "warning", one.plan, message, hint=f"conductor-git plan show {other.plan}")


def _common_path(one: Plan, other: Plan) -> tuple[str, str] | None:
    return next(((a, b) for a in one.scope for b in other.scope if overlap(a, b)), None)


def _agents(plans: tuple[Plan, ...], order: Order) -> Iterator[Finding]:
    for one, other in combinations(plans, 2):
        if one.agent == other.agent and _side_by_side(order, one, other):
            message = f"plans {one.plan} and {other.plan} run side by side and both name the agent '{one.agent}'"
            yield Finding("CG715", "warning", one.plan, message, hint=f"conductor-git plan show {other.plan}")


def _side_by_side(order: Order, one: Plan, other: Plan) -> bool:
    return not order.is_after(one.plan, other.plan) and not order.is_after(other.plan, one.plan)
