"""`clean`: take away the worktrees and branches of plans that have landed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.planning.executors import ExecutorBranch, read_executor
from conductor_git.core.planning.plans import unknown_plan
from conductor_git.core.reporting.board import Board, PlanStatus
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.store.landing.leftovers import delete_branch, remove_leftover, why_kept, worktree_at
from conductor_git.store.landing.records import keep_squashed
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team.worktrees import Worktree

SCHEMA = 1


class Leftover(msgspec.Struct, frozen=True):
    """A branch that a plan left, and what became of it and of its worktree."""

    plan: str
    branch: str
    workspace: str | None
    """The folder of its worktree; None where it has none."""
    removed: bool
    why: str = ""
    """Why something of it stays."""


def clean(repo: Repository, plans: Sequence[str], *, dry_run: bool, now: int) -> Outcome:
    """Remove what landed plans left: worktree first, unlocked before, then the branch. Of none named, of every plan.

    The branch of a wave executor goes once it has landed with its plan. What has commits that integration lacks, or
    changes that are not committed, stays and is named. Raises CannotRun for a plan that does not exist.
    """
    snapshot = take(repo)
    writer = whoami(repo, snapshot.plans).name
    if writer != CONDUCTOR:
        text = f"only the conductor cleans up after plans, and this worktree's writer is '{writer}'"
        finding = Finding("CG501", "error", "clean", text, "git worktree list")
        return Outcome(REFUSED, data={"schema": SCHEMA}, findings=(finding,), unchanged="nothing was removed")
    board = fold(snapshot, now)
    asked = [_status(board, plan) for plan in plans] or list(board.plans)
    claims = Claims(snapshot.history, snapshot.plans)
    if not dry_run:
        keep_squashed(repo, snapshot, claims, now=now)
    found = [
        _take_away(repo, status, landed=status.tip in claims.landed, dry_run=dry_run)
        for status in asked
        if status.tip is not None and repo.resolve(f"{HEADS}{status.branch}") and (plans or status.state == "merged")
    ]
    found += [
        _take_away_part(repo, part, branch, tip, dry_run=dry_run, finished=finished)
        for branch, found_tip in snapshot.history.executors.items()
        if (part := read_executor(branch, snapshot.plans)) and part.target.plan in {status.plan for status in asked}
        if (tip := repo.resolve(f"{HEADS}{branch}")) == found_tip.oid
        if (finished := _has_landed(tip, board.plan(part.target.plan), claims)) or plans
    ]
    lines = [_line(each, dry_run=dry_run) for each in found] or [
        "nothing to clean up: no landed plan has left anything"
    ]
    return Outcome(DONE, "\n".join(lines), {"schema": SCHEMA, "dry_run": dry_run, "leftovers": found})


def _status(board: Board, plan: str) -> PlanStatus:
    status = board.plan(plan)
    if status is None:
        raise unknown_plan(plan, [known.plan for known in board.plans])
    return status


def _take_away(repo: Repository, status: PlanStatus, *, landed: bool, dry_run: bool) -> Leftover:
    worktree = worktree_at(repo, status.branch)
    about = Leftover(status.plan, status.branch, worktree.path if worktree else None, removed=False)
    tip = repo.resolve(f"{HEADS}{status.branch}")
    if status.state != "merged" or not landed or tip is None or tip != status.tip:
        return msgspec.structs.replace(
            about, why="it has not landed" if not landed else "it has work that has not landed"
        )
    return _removed(repo, about, worktree, tip, dry_run=dry_run)


def _has_landed(tip: Oid, status: PlanStatus | None, claims: Claims) -> bool:
    """Whether nothing of an executor's branch is still to come: it has landed, or its plan has and it never had any."""
    merged = status is not None and status.state == "merged"
    return tip in claims.landed or (merged and claims.is_part_start(tip))


def _take_away_part(
    repo: Repository, part: ExecutorBranch, branch: str, tip: Oid, *, finished: bool, dry_run: bool
) -> Leftover:
    worktree = worktree_at(repo, branch)
    about = Leftover(part.target.plan, branch, worktree.path if worktree else None, removed=False)
    if not finished:
        return msgspec.structs.replace(about, why="it has work that has not landed")
    return _removed(repo, about, worktree, tip, dry_run=dry_run)


def _removed(repo: Repository, about: Leftover, worktree: Worktree | None, tip: Oid, *, dry_run: bool) -> Leftover:
    why = why_kept(repo, worktree) if worktree else ""
    if not why and not dry_run:
        why = remove_leftover(repo, worktree) if worktree else ""
        why = why or delete_branch(repo, about.branch, tip)
    return msgspec.structs.replace(about, removed=not why, why=why)


def _line(each: Leftover, *, dry_run: bool) -> str:
    what = f"'{each.branch}'" + (f" and its worktree '{each.workspace}'" if each.workspace else "")
    if not each.removed:
        return f"plan {each.plan}: kept {what}: {each.why}"
    return f"plan {each.plan}: {'would remove' if dry_run else 'removed'} {what}"
