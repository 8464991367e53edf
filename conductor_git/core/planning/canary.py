"""The canary: a validation that passes although its sources are garbage proves nothing of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.planning.globs import matches
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import RuleSet, Scripts, rules_of
from conductor_git.core.targets import Oid, Target

GARBAGE = b")]}> conductor-git canary: garbage stands here in place of the source\n"
"""What each source holds then: no program, no data and no document that anybody meant."""


class Trial(msgspec.Struct, frozen=True):
    """One validation of a plan, and the targets that rest on it. `rules` are those of the first of them."""

    plan: Plan
    rules: RuleSet
    targets: tuple[Target, ...]


class Tried(msgspec.Struct, frozen=True):
    """How a trial went: outcomes as an attestation has them, or `not run`; empty where there was no run."""

    trial: Trial
    replaced: tuple[str, ...]
    here: str
    garbage: str = ""
    log: str = ""
    """Of the last run."""


def trials(plans: Iterable[Plan], policy: Policy, scripts: Scripts) -> list[Trial]:
    """Each different validation of each plan; what nothing can judge is the plan check's to say."""
    found: list[Trial] = []
    for plan in plans:
        alike: dict[tuple[str, Oid, tuple[str, ...]], list[RuleSet]] = {}
        for target in plan.targets():
            rules = rules_of(policy, plan, target, scripts)
            if isinstance(rules, RuleSet):
                alike.setdefault((rules.script, rules.script_digest, rules.args), []).append(rules)
        found += [Trial(plan, same[0], tuple(rules.target for rules in same)) for same in alike.values()]
    return found


def is_source(path: str, plan: Plan, policy: Policy) -> bool:
    """Whether a tracked text file is a source of a plan: what it may change, but no rules, plans and scripts."""
    if path.startswith((".conductor/", f"{policy.scripts}/")) or matches(policy.plans, path):
        return False
    if any(matches(pattern, path) for pattern in policy.protect):
        return False
    return not plan.scope or any(matches(pattern, path) for pattern in plan.scope)


def judge_tried(tried: Tried) -> list[Finding]:
    """What is wrong with a validation by how it went."""
    trial = tried.trial
    plan = trial.plan.plan
    name = " ".join([f"'{trial.rules.script}'", *trial.rules.args])
    rests = ", ".join(map(str, trial.targets))
    log = f"log: {tried.log}" if tried.log else ""
    if tried.here != "passed":
        text = f"{name} of plan {plan} did not pass on what would be committed now ({tried.here})"
        hint = f"conductor-git validate {trial.targets[0]}"
        return [Finding("CG717", "error", plan, text, hint, f"nobody can tell what it is worth; {log}".rstrip("; "))]
    if not tried.replaced:
        text = f"{name} of plan {plan} was not tried: there is no source yet that could be replaced"
        return [Finding("CG717", "warning", plan, text, f"conductor-git plan show {plan}")]
    if tried.garbage != "passed":
        return []
    many = f"{len(tried.replaced)} sources are" if len(tried.replaced) > 1 else f"'{tried.replaced[0]}' is"
    text = f"{name} of plan {plan} passes while {many} garbage: it proves nothing of {rests}"
    hint = f"conductor-git plan check --try {plan}    # again, once the script tests what the plan changes"
    return [Finding("CG716", "error", plan, text, hint, log)]


def tried_line(tried: Tried) -> str:
    """How it went, in a line."""
    trial = tried.trial
    what = f"plan {trial.plan.plan}: {' '.join([trial.rules.script, *trial.rules.args])}"
    if tried.here != "passed" or not tried.replaced:
        return f"{what}: {tried.here} here, not tried with garbage"
    fate = "still passed" if tried.garbage == "passed" else "failed, as it must"
    return f"{what}: passed here, {fate} with {len(tried.replaced)} of its sources garbage"
