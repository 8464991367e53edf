"""`validate`: run what judges a plan or wave on exactly the content it is to be claimed with, and record the result."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from conductor_git.commands.outcome import CANNOT_RUN, DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.durations import render_duration
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.reporting.answer import SCHEMA, answer, answer_of
from conductor_git.core.reporting.board import Board, Step
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.validationtext import (
    beside_lines,
    failed_lines,
    passed_lines,
    running_lines,
    title,
    untold_lines,
)
from conductor_git.core.targets import Oid, Target
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import Beside, Product, beside_index, product_of
from conductor_git.store.snapshot import take
from conductor_git.store.team.subjects import find_target, find_tree
from conductor_git.store.validation.flights import Say, StillRunning
from conductor_git.store.validation.logs import log_tail
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.validating import Validated, prove


class _Asked(msgspec.Struct, frozen=True):
    """What the command line asks for, beside what it is about."""

    rerun: bool
    give_up: float | None
    """On the monotonic clock; None is never."""
    say: Say
    terminal: bool
    now: int


def validate(
    repo: Repository,
    target: str = "",
    *,
    tree: str = "",
    commit: str = "",
    rerun: bool = False,
    rebased: bool = False,
    max_seconds: float | None,
    say: Say,
    terminal: bool,
    now: int,
) -> Outcome:
    """Prove the index (or `tree`, or `commit`) for a plan or wave; a proof that exists is reused unless `rerun`.

    With `rebased`, prove each claim of the plan again that a rewrite gave another tree. The exit codes: passed 0,
    failed 1, could not run 2, not yet after `max_seconds` 4. Raises CannotRun where nothing could be run.
    """
    snapshot = take(repo)
    board = fold(snapshot, now)
    found = find_target(repo, snapshot, board, target)
    give_up = None if max_seconds is None else time.monotonic() + max_seconds
    asked = _Asked(rerun, give_up, say, terminal, now)
    if rebased:
        if tree or commit:
            raise CannotRun("'--rebased' finds the commits by itself: name no tree and no commit")
        return _rebased(repo, snapshot, board, found, asked)
    whole = find_tree(repo, tree=tree, commit=commit)
    beside = beside_index(repo) if not tree and not commit else Beside()
    again = f"conductor-git validate {found}"
    again += f" --tree {whole}" if tree else f" --commit {repo.resolve(commit)}" if commit else ""
    return _one(repo, snapshot, board, found, product_of(repo, whole), beside, again, asked)


def _one(
    repo: Repository,
    snapshot: Snapshot,
    board: Board,
    target: Target,
    product: Product,
    beside: Beside,
    again: str,
    asked: _Asked,
) -> Outcome:
    rules = _rules(snapshot, target)
    if isinstance(rules, Finding):
        return Outcome(
            CANNOT_RUN, data=answer(target, "refused", tree=product.oid, findings=(rules,)), findings=(rules,)
        )
    if asked.terminal:
        limit = render_duration(rules.timeout)
        asked.say(f"{title(target)}: tree '{product.oid[:7]}', {rules.script}, at most {limit}")
    wait = None if asked.give_up is None else max(0.0, asked.give_up - time.monotonic())
    proved = prove(
        repo, snapshot, board, rules, product, say=asked.say, wait=wait, terminal=asked.terminal, rerun=asked.rerun
    )
    notes = beside_lines(beside.unstaged, beside.untracked)
    if isinstance(proved, StillRunning):
        lines = running_lines(target, rules.script, proved.seconds, again)
        wait_on = (Step("you", "wait for the run", again),)
        data = answer(target, "running", tree=product.oid, rules=rules.digest, log=proved.log, next=wait_on)
        return Outcome(NOT_YET, _text([*lines, *notes], proved.log), data)
    return _answered(proved, rules, notes, beside, asked)


def _rules(snapshot: Snapshot, target: Target) -> RuleSet | Finding:
    plan = snapshot.plan(target.plan)
    if plan is None:
        raise AssertionError("found before")
    return rules_of(snapshot.policy, plan, target, snapshot.scripts)


def _answered(found: Validated, rules: RuleSet, notes: list[str], beside: Beside, asked: _Asked) -> Outcome:
    proof = found.attestation
    notes = [*untold_lines(found.untold), *_other_platform(rules), *notes]
    if proof.passed:
        lines = [*passed_lines(proof, reused=found.reused, now=asked.now), *notes]
    else:
        tail = [] if asked.terminal else log_tail(found.log)
        lines = [*failed_lines(proof, found.changed, tail), *notes]
    return Outcome(DONE if proof.passed else REFUSED, _text(lines, found.log), _data(found, beside))


def _other_platform(rules: RuleSet) -> list[str]:
    if not rules.platforms or platform_tag() in rules.platforms:
        return []
    return [f"note: {title(rules.target)} asks for {', '.join(rules.platforms)}; this is {platform_tag()}"]


def _data(found: Validated, beside: Beside) -> dict[str, Any]:
    target = found.attestation.target
    return answer_of(
        found.attestation,
        reused=found.reused,
        untold=found.untold,
        changed=found.changed,
        unstaged=beside.unstaged,
        untracked=beside.untracked,
        log=found.log or None,
        next=(Step("you", f"claim {target}", f"conductor-git claim {target}"),) if found.attestation.passed else (),
    )


def _text(lines: list[str], log: str) -> str:
    return "\n".join([*lines, f"log: {log}"] if log else lines)


def _rebased(repo: Repository, snapshot: Snapshot, board: Board, target: Target, asked: _Asked) -> Outcome:
    """Prove rewritten claims in order; the first that does not pass ends it."""
    outcomes = []
    again = f"conductor-git validate {target.plan} --rebased"
    for number, commit in _rewritten(board, target.plan):
        tree = repo.resolve(commit, kind="tree")
        if tree is None:
            raise CannotRun(f"the tree of claim '{commit[:7]}' is not in this repository", hint="git fsck")
        about = Target(target.plan, number)
        outcomes.append(_one(repo, snapshot, board, about, product_of(repo, tree), Beside(), again, asked))
        if outcomes[-1].code != DONE:
            break
    if not outcomes:
        none = {"schema": SCHEMA, "target": target.plan, "claims": []}
        return Outcome(DONE, f"no claim of plan {target.plan} was rewritten", none)
    return Outcome(
        outcomes[-1].code,
        "\n".join(outcome.text for outcome in outcomes if outcome.text),
        {"schema": SCHEMA, "target": target.plan, "claims": [outcome.data for outcome in outcomes]},
        outcomes[-1].findings,
    )


def _rewritten(board: Board, plan: str) -> list[tuple[int | None, Oid]]:
    status = board.plan(plan)
    if status is None:
        return []
    return [
        (shown.wave, shown.commit)
        for shown in (*status.waves, status.claim)
        if shown.commit is not None and any(finding.code == "CG211" for finding in shown.findings)
    ]
