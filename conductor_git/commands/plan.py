"""`plan`: write plans, look at them, check them, and put them on the control branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.signers import SIGNERS_PATH
from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.levels import judge_signers
from conductor_git.core.planning.edits import Edits
from conductor_git.core.planning.plan import BrokenPlan, Plan, Validation
from conductor_git.core.targets import parse_target
from conductor_git.store.control.control import check_writable, read_control
from conductor_git.store.plumbing.repository import Repository

if TYPE_CHECKING:
    from conductor_git.store.control.drafts import Drafts

SCHEMA = 1


def list_plans(repo: Repository) -> Outcome:
    """Every plan on the control branch, also those that are broken."""
    from conductor_git.core.reporting.planreport import list_text, plan_data

    control = read_control(repo)
    plans, broken = [plan_data(plan) for plan in control.plans], msgspec.to_builtins(control.broken)
    data = {"schema": SCHEMA, "control": control.ref, "plans": plans, "broken": broken}
    return Outcome(DONE, list_text(control.plans, control.broken), data)


def show(repo: Repository, plan: str) -> Outcome:
    """One plan of the control branch, with what judges each of its waves. Raises CannotRun where it is not there."""
    from conductor_git.core.planning.rules import rules_of
    from conductor_git.core.reporting.planreport import plan_data, show_text

    control = read_control(repo)
    found = next((known for known in control.plans if known.plan == plan), None)
    if found is None:
        raise _not_there(plan, control.ref, control.broken)
    rules = {target: rules_of(control.policy, found, target, control.scripts) for target in found.targets()}
    judged = [{**msgspec.to_builtins(rule), "target": str(target)} for target, rule in rules.items()]
    data = {"schema": SCHEMA, "control": control.ref, "plan": plan_data(found), "rules": judged}
    return Outcome(DONE, show_text(found, rules), data)


def graph(repo: Repository, *, format: Literal["text", "mermaid"] = "text") -> Outcome:
    """What can run side by side, as phases or as a Mermaid flowchart."""
    from conductor_git.core.planning.phases import mermaid, phases, steps
    from conductor_git.core.reporting.planreport import graph_text

    plans = read_control(repo).plans
    chart = mermaid(plans)
    text = chart.removesuffix("\n") if format == "mermaid" else graph_text(plans)
    waves = [[str(target) for target in step] for step in steps(plans)]
    return Outcome(DONE, text, {"schema": SCHEMA, "phases": phases(plans), "steps": waves, "mermaid": chart})


def check(repo: Repository) -> Outcome:
    """Check the working tree's plans, and say what is not on the control branch yet."""
    from conductor_git.core.planning.plancheck import check_plans
    from conductor_git.store.control.drafts import edits_of, read_drafts

    drafts = read_drafts(repo)
    edits = edits_of(repo, drafts)
    findings = check_plans(drafts.plans, drafts.broken, policy=drafts.policy, scripts=drafts.scripts)
    findings += judge_signers(drafts.policy.trust, drafts.signers)
    wrong = refused(findings)
    findings += _pending(edits, drafts.policy.control_ref, wrong=wrong)
    count = len(drafts.plans) + len(drafts.broken)
    text = f"{count} plan{'' if count == 1 else 's'} checked" + ("" if wrong else ": they can be obeyed")
    data = {"schema": SCHEMA, "plans": count, "clean": not wrong, "findings": findings, "pending": sorted(edits.made)}
    return Outcome(REFUSED if wrong else DONE, text, msgspec.to_builtins(data), tuple(findings))


def commit_plans(repo: Repository, *, message: str = "") -> Outcome:
    """Put what the working tree changed of policy, plans and scripts on the control branch, once the check passes.

    Raises CannotRun where the same file was changed there too, and where the branch cannot take the commit.
    """
    from conductor_git.store.control.commits import commit_files
    from conductor_git.store.control.drafts import contents, edits_of, read_drafts

    drafts = read_drafts(repo)
    if drafts.control is not None:
        check_writable(drafts.control, drafts.policy)
    edits = edits_of(repo, drafts)
    ref = drafts.policy.control_ref
    findings = _check_result(drafts, edits)
    if refused(findings):
        data = _commit_data(None, ref, [], findings)
        return Outcome(REFUSED, "", data, tuple(findings), unchanged="nothing was committed")
    if edits.clashes:
        raise _clash(edits.clashes, ref)
    if not edits.made:
        text = f"nothing to commit: '{_short(ref)}' has it all"
        return Outcome(DONE, text, _commit_data(None, ref, [], findings), tuple(findings))
    executable = [path for path, version in edits.made.items() if version is not None and version.mode == "100755"]
    subject = message or f"conductor: {_summary(edits, drafts.plans)}"
    commit = commit_files(repo, ref, contents(repo, edits), subject, executable=executable)
    text = f"committed to '{_short(ref)}' as {commit[:12]}: {_summary(edits, drafts.plans)}"
    return Outcome(DONE, text, _commit_data(commit, ref, sorted(edits.made), findings), tuple(findings))


def new(
    repo: Repository,
    title: str,
    *,
    plan: str = "",
    waves: Sequence[str] = (),
    agent: str = "",
    branch: str = "",
    validation: str = "",
    needs: Sequence[str] = (),
    scope: Sequence[str] = (),
) -> Outcome:
    """Write a plan file into the working tree, with the next free number unless `plan` says otherwise.

    Raises CannotRun where the plan would be broken or its file is there already.
    """
    from conductor_git.core.planning.newplan import new_plan, next_number
    from conductor_git.core.planning.planfile import parse_plan
    from conductor_git.core.planning.plantext import render_plan
    from conductor_git.core.reporting.planreport import plan_data
    from conductor_git.store.control.drafts import read_drafts, write_draft
    from conductor_git.store.files.locks import hold

    with hold(repo, "new-plan", doing=f"write plan '{title}'"):
        drafts = read_drafts(repo)
        control = drafts.control
        plans = (*drafts.plans, *(control.plans if control else ()))
        broken = (*drafts.broken, *(control.broken if control else ()))
        _check_free(plan, plans, broken)
        number = plan or next_number(plans, broken)
        made = msgspec.structs.replace(
            new_plan(title, waves or (title,), drafts.policy, number, agent=agent, branch=branch),
            validation=Validation(validation) if validation else None,
            needs=tuple(parse_target(need) for need in needs),
            scope=tuple(scope),
        )
        text = render_plan(made)
        read = parse_plan(text, made.path)
        if isinstance(read, BrokenPlan):
            raise CannotRun(f"plan '{title}' cannot be written: {read.errors[0].message}", detail="nothing was written")
        write_draft(repo, read.path, text)
    said = f"wrote '{read.path}'\nnext: say in it what is to be done, then conductor-git plan commit"
    return Outcome(DONE, said, {"schema": SCHEMA, "plan": plan_data(read)})


def _check_free(plan: str, plans: Sequence[Plan], broken: Sequence[BrokenPlan]) -> None:
    paths = {known.plan: known.path for known in plans} | {known.plan: known.path for known in broken if known.plan}
    if plan in paths:
        raise CannotRun(f"plan '{plan}' is in '{paths[plan]}' already", detail="nothing was written")


def _check_result(drafts: Drafts, edits: Edits) -> list[Finding]:
    """Check what the control branch would have: others may have added plans that this working tree lacks."""
    from conductor_git.core.planning.plancheck import check_plans
    from conductor_git.core.planning.rules import Script, Scripts

    result = edits.result
    here, control = _by_path(drafts.plans, drafts.broken), drafts.control
    there = _by_path(control.plans, control.broken) if control else {}
    same = {path: file for path, file in here.items() if result.get(path) == drafts.files.get(path)}
    files = {path: file for path, file in {**there, **same}.items() if path in result}
    start = drafts.policy.scripts + "/"
    scripts = {
        path.removeprefix(start): Script(version.mode, version.oid)
        for path, version in result.items()
        if path.startswith(start)
    }
    kept = drafts.control is not None and result.get(SIGNERS_PATH) != drafts.files.get(SIGNERS_PATH)
    signers = drafts.control.signers if drafts.control is not None and kept else drafts.signers
    return judge_signers(drafts.policy.trust, signers) + check_plans(
        [file for file in files.values() if isinstance(file, Plan)],
        [file for file in files.values() if isinstance(file, BrokenPlan)],
        policy=drafts.policy,
        scripts=Scripts(None, scripts),
    )


def _by_path(plans: Sequence[Plan], broken: Sequence[BrokenPlan]) -> dict[str, Plan | BrokenPlan]:
    return {**{plan.path: plan for plan in plans}, **{plan.path: plan for plan in broken}}


def _commit_data(commit: str | None, ref: str, paths: list[str], findings: list[Finding]) -> object:
    listed = msgspec.to_builtins(findings)
    return {"schema": SCHEMA, "committed": commit, "control": ref, "paths": paths, "findings": listed}


def _pending(edits: Edits, ref: str, *, wrong: bool) -> list[Finding]:
    branch = _short(ref)
    commit = "conductor-git plan commit" + ("    # once the errors are mended" if wrong else "")
    found = []
    for path, version in edits.made.items():
        how = "is gone here and still on" if version is None else "differs from" if path in edits.there else "is not on"
        last = " yet" if version is not None and path not in edits.there else ""
        message = f"'{path}' {how} '{branch}'{last}"
        found.append(Finding("CG702", "warning", path, message, hint=commit))
    for path in edits.clashes:
        message = f"'{path}' was changed here and on '{branch}'"
        found.append(Finding("CG702", "warning", path, message, hint=f"git merge {branch}"))
    return found


def _clash(paths: Sequence[str], ref: str) -> CannotRun:
    listed = ", ".join(f"'{path}'" for path in paths)
    return CannotRun(
        f"{listed} changed here and on '{_short(ref)}'",
        detail="nothing was committed",
        hint=f"git merge {_short(ref)}    # or edit it in the worktree that has '{_short(ref)}'",
    )


def _summary(edits: Edits, plans: Sequence[Plan]) -> str:
    """What a commit does in a few words: `add plan 3; change plan 2, verify.sh`."""
    names = {plan.path: f"plan {plan.plan}" for plan in plans}
    verbs: dict[str, list[str]] = {}
    for path, version in edits.made.items():
        verb = "remove" if version is None else "change" if path in edits.there else "add"
        verbs.setdefault(verb, []).append(names.get(path, path.rpartition("/")[2]))
    parts = []
    for verb, listed in verbs.items():
        shown = listed if len(listed) <= 4 else [*listed[:3], f"{len(listed) - 3} more"]
        parts.append(f"{verb} {', '.join(shown)}")
    return "; ".join(parts)


def _not_there(plan: str, ref: str, broken: Sequence[BrokenPlan]) -> CannotRun:
    unreadable = next((file for file in broken if file.plan == plan), None)
    if unreadable is not None:
        return CannotRun(f"plan '{plan}' cannot be read: {unreadable.errors[0]}", hint="conductor-git plan check")
    return CannotRun(f"plan '{plan}' is not on '{_short(ref)}'", hint="conductor-git plan list")


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
