"""Putting a new plan on the control branch under a number that nobody else takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.newplan import new_plan, next_number
from conductor_git.core.planning.plan import BrokenPlan, Plan
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.plantext import render_plan
from conductor_git.store.control.commits import commit_files
from conductor_git.store.control.control import Control, check_writable, read_control
from conductor_git.store.files.locks import hold
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository


def commit_new_plan(
    repo: Repository, title: str, waves: Sequence[str], *, agent: str = "", branch: str = "", say: Callable[[str], None]
) -> Plan:
    """Commit a plan of that title and these waves; the one that is there already where a killed command made it.

    Raises CannotRun where the plan would be broken or the control branch cannot take it.
    """
    with hold(repo, "new-plan", doing=f"write plan '{title}'"):
        control = read_control(repo)
        known = next((plan for plan in control.plans if _is_it(plan, title, waves, agent, branch)), None)
        if known is not None:
            return known
        check_writable(control, control.policy)
        number = next_number(control.plans, control.broken, _names_here(repo, control))
        plan = new_plan(title, waves, control.policy, number, agent=agent, branch=branch)
        text = render_plan(plan).encode()
        parsed = parse_plan(text, plan.path)
        if isinstance(parsed, BrokenPlan):
            raise CannotRun(
                f"plan '{title}' cannot be written: {parsed.errors[0].message}", detail="nothing was changed"
            )
        why = f"conductor: declare plan {plan.plan}, {title}"
        oid = commit_files(repo, control.ref, {plan.path: text}, why)
        say(f"plan {plan.plan} is '{plan.path}', committed to '{control.ref.removeprefix(HEADS)}' as {oid[:12]}")
        return parsed


def _is_it(plan: Plan, title: str, waves: Sequence[str], agent: str, branch: str) -> bool:
    return (
        (plan.title, [wave.title for wave in plan.waves]) == (title, list(waves))
        and agent in ("", plan.agent)
        and branch in ("", plan.branch)
    )


def _names_here(repo: Repository, control: Control) -> list[str]:
    # A plan that is only written in the working tree has its number too.
    folder = os.path.join(repo.worktree or "", os.path.dirname(control.policy.plans.partition("*")[0]))
    return os.listdir(folder) if repo.worktree and os.path.isdir(folder) else []
