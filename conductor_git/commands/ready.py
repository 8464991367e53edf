"""`ready` and `why`: what can go on, and what stands in the way."""

from __future__ import annotations

from conductor_git.commands.outcome import Outcome
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.overdue import silent_plans, timely
from conductor_git.core.reporting.ready import ready_data, ready_text
from conductor_git.core.reporting.why import ask_why, why_data, why_text
from conductor_git.store.boards import read_board
from conductor_git.store.past.changes import with_changes
from conductor_git.store.past.conflicts import with_conflicts
from conductor_git.store.past.freezes import with_freezes
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team.pulse import look_at
from conductor_git.store.team.subjects import find_target


def ready(repo: Repository, *, now: int) -> Outcome:
    """What can start or go on now. Raises CannotRun where there is no policy."""
    board = read_board(repo, now)
    board = timely(board, now, look_at(repo, [silent.branch for silent in silent_plans(board, now)]))
    late = tuple(finding for finding in board.findings if finding.refuses)
    return Outcome(text=ready_text(board, now), data=ready_data(board), findings=late)


def why(repo: Repository, target: str, *, now: int) -> Outcome:
    """What stands in the way of a plan or wave. Raises CannotRun where there is no such plan or wave."""
    snapshot = with_freezes(repo, with_changes(repo, take(repo)))
    board = with_conflicts(repo, snapshot, fold(snapshot, now))
    about = find_target(repo, snapshot, board, target)
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    found = ask_why(about, snapshot, verdicts, board)
    return Outcome(text=why_text(found, board, now), data=why_data(found))
