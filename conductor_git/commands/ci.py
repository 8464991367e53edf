"""`ci`: jobs for a forge, and what they run that nobody would type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_git import __version__
from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.cijobs import Asked, Forge, platforms_of, render_jobs
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid, Target
from conductor_git.store.control.control import read_control
from conductor_git.store.notes.writer import branch_plan
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.snapshot import take
from conductor_git.store.validation.flights import StillRunning
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.validating import prove as prove_one

Say = Callable[[str], None]


def jobs(repo: Repository, forge: Forge) -> Outcome:
    """The forge's file. Raises CannotRun where there is no policy."""
    control = read_control(repo)
    asked = Asked(control.policy.integration, platforms_of(control.plans), __version__)
    text = render_jobs(forge, asked)
    return Outcome(DONE, text, {"schema": 1, "forge": forge, "platforms": asked.platforms, "file": text})


def prove(repo: Repository, *, say: Say, now: int) -> Outcome:
    """Validate every claim that is said and that this platform can prove; all of them, whatever fails.

    Of the plan whose branch CI works for, else of every plan. Raises CannotRun where one could not be run.
    """
    snapshot = take(repo)
    board = fold(snapshot, now)
    told: list[dict[str, Any]] = []
    for rules, commit in _open(snapshot, board, branch_plan(repo, snapshot.plans)):
        tree = snapshot.history.tree(commit) or commit
        product = product_of(repo, tree)
        answer = prove_one(repo, snapshot, board, rules, product, say=say, wait=None, terminal=False)
        if isinstance(answer, StillRunning):
            raise CannotRun(f"the run of {rules.target} did not end", detail=f"log: {answer.log}")
        proof = answer.attestation
        told.append({"target": str(proof.target), "commit": commit, "outcome": proof.outcome, "proof": proof.digest})
    passed = all(each["outcome"] == "passed" for each in told)
    lines = [f"{each['target']}  {each['commit'][:12]}  {each['outcome']} on {platform_tag()}" for each in told]
    text = "\n".join(lines) or f"no claim awaits {platform_tag()}"
    return Outcome(DONE if passed else REFUSED, text, {"schema": 1, "platform": platform_tag(), "claims": told})


def _open(snapshot: Snapshot, board: Board, only: str | None) -> list[tuple[RuleSet, Oid]]:
    """The rules and commit of each claim that a run here could prove."""
    found = []
    for status in board.plans:
        plan = snapshot.plan(status.plan)
        if plan is None or only not in (None, status.plan):
            continue
        for shown in (*status.waves, status.claim):
            rules = rules_of(snapshot.policy, plan, Target(plan.plan, shown.wave), snapshot.scripts)
            if shown.state == "claimed" and shown.commit and isinstance(rules, RuleSet) and _can(rules, shown.awaiting):
                found.append((rules, shown.commit))
    return found


def _can(rules: RuleSet, awaiting: tuple[str, ...]) -> bool:
    here = platform_tag()
    return (not rules.platforms or here in rules.platforms) and (
        not awaiting or here in awaiting or "a runner" in awaiting
    )
