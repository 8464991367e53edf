"""`plan check --try`: does each validation fail when what it judges is garbage?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.core.planning.canary import Tried, judge_tried, trials, tried_line
from conductor_git.core.planning.plancheck import check_plans
from conductor_git.core.planning.problems import nearest
from conductor_git.core.targets import Oid
from conductor_git.store.control.drafts import keep_scripts, read_drafts
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import index_tree
from conductor_git.store.validation.canary import carry_out

SCHEMA = 1


def try_plans(repo: Repository, plan: str, *, say: Callable[[str], None]) -> Outcome:
    """Try the validations of one plan of the working tree, or with an empty name of all of them.

    Raises CannotRun where there is no such plan, or a validation could not be run.
    """
    drafts = read_drafts(repo)
    findings = check_plans(drafts.plans, drafts.broken, policy=drafts.policy, scripts=drafts.scripts)
    if refused(findings):
        return Outcome(REFUSED, data=_data(0, [], findings), findings=tuple(findings), unchanged="nothing was tried")
    asked = [each for each in drafts.plans if plan in ("", each.plan)]
    if plan and not asked:
        meant = nearest(plan, [each.plan for each in drafts.plans])
        detail = f"did you mean '{meant}'?" if meant else ""
        raise CannotRun(f"there is no plan '{plan}' in the working tree", hint="conductor-git plan list", detail=detail)
    keep_scripts(repo, drafts)
    tree = index_tree(repo)
    control = drafts.control.oid if drafts.control else Oid("")
    tried = [
        carry_out(repo, trial, drafts.policy, drafts.scripts, tree, control, say=say)
        for trial in trials(asked, drafts.policy, drafts.scripts)
    ]
    findings = [finding for each in tried for finding in judge_tried(each)]
    text = "\n".join(tried_line(each) for each in tried) or "nothing to try: there is no plan"
    data = _data(len(asked), tried, findings)
    return Outcome(REFUSED if refused(findings) else DONE, text, data, tuple(findings))


def _data(plans: int, tried: list[Tried], findings: list[Any]) -> Any:
    listed = [
        {
            "plan": each.trial.plan.plan,
            "script": each.trial.rules.script,
            "args": each.trial.rules.args,
            "targets": [str(target) for target in each.trial.targets],
            "replaced": len(each.replaced),
            "here": each.here,
            "garbage": each.garbage,
            "log": each.log,
        }
        for each in tried
    ]
    clean = not refused(findings)
    return msgspec.to_builtins(
        {"schema": SCHEMA, "plans": plans, "clean": clean, "findings": findings, "tried": listed}
    )
