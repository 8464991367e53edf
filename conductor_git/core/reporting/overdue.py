"""What only the clock of now can tell: blockers that nobody answered, agents that fell silent."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.durations import ago
from conductor_git.core.events.shortids import SHOWN
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Blocker, Board, PlanStatus
from conductor_git.core.say import printable

_WORKING = ("active", "claimed", "blocked")


class Seen(msgspec.Struct, frozen=True):
    """The worktree of a plan's branch, where it is on this machine. `changed` counts paths with changes that are not
    committed; None where that cannot be told."""

    path: str
    changed: int | None


def is_silent(status: PlanStatus, board: Board, now: int) -> bool:
    """Whether a plan that is worked on has shown no sign of life for too long."""
    if status.last_activity is None or status.state not in _WORKING:
        return False
    return now - status.last_activity > board.silent_after


def silent_plans(board: Board, now: int) -> list[PlanStatus]:
    """The plans whose agents fell silent."""
    return [status for status in board.plans if is_silent(status, board, now)]


def timely(board: Board, now: int, seen: Mapping[str, Seen]) -> Board:
    """The board with what is overdue now. `seen` has worktrees by branch (short name), for silent plans."""
    late = [finding for status in board.plans for each in status.blockers if (finding := _unanswered(each, now))]
    plans = [
        msgspec.structs.replace(status, findings=(*status.findings, _silence(status, now, seen.get(status.branch))))
        if is_silent(status, board, now)
        else status
        for status in board.plans
    ]
    return msgspec.structs.replace(board, plans=tuple(plans), findings=(*late, *board.findings))


def _unanswered(blocker: Blocker, now: int) -> Finding | None:
    if blocker.escalates is None or now < blocker.escalates:
        return None
    grade = f"{blocker.level} " if blocker.level else ""
    name = f"'{blocker.id[:SHOWN]}' " if blocker.id else ""
    text = f"{grade}blocker {name}on {blocker.target} is unanswered past its limit: {' '.join(blocker.message.split())}"
    hint = f"conductor-git guide {blocker.id[:SHOWN]} -m 'WHAT TO DO'    # for the conductor"
    return Finding("CG306", "error", blocker.target, printable(text), hint, f"raised by '{blocker.writer}'")


def _silence(status: PlanStatus, now: int, seen: Seen | None) -> Finding:
    since = ago(now - (status.last_activity or 0)).removesuffix(" ago")
    commits = "1 commit" if status.commits == 1 else f"{status.commits or 'no'} commits"
    told = f"{status.agent or 'nobody'} is silent for {since}: {commits} since the last claim, {_worktree(seen)}"
    hint = f"conductor-git delegate {status.plan} --resume    # the same agent goes on; or --take-over"
    return Finding("CG803", "warning", status.plan, printable(told), hint)


def _worktree(seen: Seen | None) -> str:
    if seen is None:
        return "no worktree on this machine"
    if seen.changed is None:
        return f"worktree '{seen.path}' cannot be read"
    if not seen.changed:
        return f"worktree '{seen.path}' is clean"
    return f"worktree '{seen.path}' has {seen.changed} path{'s' if seen.changed > 1 else ''} not committed"
