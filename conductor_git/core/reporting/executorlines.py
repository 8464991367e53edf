"""Wave executors in words, from the board alone: loaded with every status, which judges nothing."""

from __future__ import annotations

from conductor_git.core.durations import ago
from conductor_git.core.reporting.board import Board, Executor, PlanStatus


def executors_of(status: PlanStatus) -> list[tuple[str, Executor]]:
    """Every executor of a plan with its wave, as `2.1`."""
    return [(f"{status.plan}.{wave.wave}", executor) for wave in status.waves for executor in wave.executors]


def executor_text(executor: Executor, now: int) -> str:
    """What an executor has done, in one line."""
    if executor.tip is None:
        did = "its branch is not here"
    elif executor.ahead:
        did = f"{executor.ahead} commit{'s' if executor.ahead > 1 else ''} to take in"
    else:
        did = "nothing to take in"
    seen = "" if executor.last_activity is None else f", {ago(now - executor.last_activity)}"
    return f"{executor.name} on {executor.branch}: {did}{seen}"


def executors_data(board: Board) -> list[dict[str, object]]:
    """For `ready --json`."""
    return [
        {"target": target, "executor": executor} for status in board.plans for target, executor in executors_of(status)
    ]
