"""The branches of wave executors, told by their names: `<agent>/<plan>-w<wave>-<name>`.

By the name alone, so that a hook file and a fresh clone know them without reading a ledger.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import msgspec

from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import WAVE_NUMBER, Target

_NAME = r"[a-z0-9][a-z0-9_-]*"
_LIKELY = re.compile(rf"{_NAME}/[a-z0-9][a-z0-9-]*-w{WAVE_NUMBER}-{_NAME}")
_AFTER_PLAN = re.compile(rf"-w({WAVE_NUMBER})-({_NAME})")
_INSTEAD = "executors"
"""The folder where the agent's name is a branch itself: git has no branch below another."""


class ExecutorBranch(msgspec.Struct, frozen=True):
    """Whose a branch is: who carries out which wave there."""

    target: Target
    name: str


def executor_branch(agent: str, target: Target, name: str, taken: Collection[str] = ()) -> str:
    """The branch (short name) on which `name` carries out a wave of the agent's plan; `taken` are branches there."""
    return f"{_INSTEAD if agent in taken else agent}/{target.plan}-w{target.wave}-{name}"


def read_executor(branch: str | None, plans: Iterable[Plan]) -> ExecutorBranch | None:
    """Who carries out what on a branch; None where it is a plan's own, or its name says nothing of the kind."""
    if branch is None or _LIKELY.fullmatch(branch) is None:
        return None
    declared = {plan.plan: plan.branch for plan in plans}
    if branch in declared.values():
        return None
    rest = branch.partition("/")[2]
    # A slug may look like the branch of another plan's executor: the longest name is meant.
    for plan in sorted(declared, key=len, reverse=True):
        found = _AFTER_PLAN.fullmatch(rest[len(plan) :]) if rest.startswith(plan) else None
        if found is not None:
            return ExecutorBranch(Target(plan, int(found[1])), found[2])
    return None


def plan_at(branch: str | None, plans: Iterable[Plan]) -> Plan | None:
    """The plan that is worked on on a branch (short name): its own, or one of its executors'."""
    plans = tuple(plans)
    own = next((plan for plan in plans if branch and plan.branch == branch), None)
    executor = None if own else read_executor(branch, plans)
    return own if executor is None else next(plan for plan in plans if plan.plan == executor.target.plan)
