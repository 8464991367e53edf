"""What can start or go on now, and with which command."""

from __future__ import annotations

from typing import Any

from conductor_git.core.durations import ago
from conductor_git.core.events.shortids import SHOWN
from conductor_git.core.reporting.board import Board, Step
from conductor_git.core.reporting.executorlines import executor_text, executors_data, executors_of
from conductor_git.core.reporting.lines import cells, one_line
from conductor_git.core.say import printable
from conductor_git.core.targets import Target

SCHEMA = 1
_OTHERS = "others"


def ready_steps(board: Board) -> list[Step]:
    """The steps that somebody of the team can take now."""
    waiting = {status.plan for status in board.plans if status.state == "waiting" and not status.delegated}
    return [step for step in board.next if step.target and step.who != _OTHERS and step.target not in waiting]


def ready_data(board: Board) -> dict[str, Any]:
    """For `--json`."""
    return {
        "schema": SCHEMA,
        "ready": ready_steps(board),
        "executors": executors_data(board),
        "blockers": [blocker for status in board.plans for blocker in status.blockers],
        "findings": [finding for finding in board.findings if finding.refuses],
    }


def ready_text(board: Board, now: int) -> str:
    """A line for each, with its command, then what is blocked."""
    rows = [(step.target, one_line(step.who), one_line(step.step), step.command) for step in ready_steps(board)]
    widths = [max((cells(row[at]) for row in rows), default=0) for at in range(3)]
    lines = ["  ".join([*map(_padded, row, widths), printable(row[3])]).rstrip() for row in rows]
    for status in board.plans:
        for target, executor in executors_of(status):
            lines.append(one_line(f"executor of {target}: {executor_text(executor, now)}"))
        for blocker in status.blockers:
            told = f"{blocker.message} ({blocker.writer}, {ago(now - blocker.since)})"
            grade = f"{blocker.level} " if blocker.level else ""
            lines.append(one_line(f"blocked: {blocker.target}, {grade}{blocker.id[:SHOWN]}: {told}"))
    return "\n".join(lines) or _nothing(board)


def _nothing(board: Board) -> str:
    if not board.plans:
        return "nothing can start: there are no plans yet; conductor-git delegate 'TITLE' --wave 'TITLE'"
    waiting = next((status for status in board.plans if status.state != "merged"), None)
    if waiting is None:
        return "nothing is left to do: every plan has landed"
    target = Target(waiting.plan, waiting.current)
    return f"nothing can start or go on now; why: conductor-git why {target}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
