"""What memory keys like `agent-2-wave-3-complete` answer: history itself, whatever anybody wrote."""

from __future__ import annotations

from typing import Any

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.memory import Derived
from conductor_git.core.planning.plan import Plan
from conductor_git.core.reporting.board import Board, WaveStatus
from conductor_git.core.targets import Target

DONE = "completed"
"""The status of what is complete; of all else it is the word of the board."""


def answer_from_history(asked: Derived, key: str, board: Board, plans: tuple[Plan, ...]) -> dict[str, Any]:
    """Status, commit, note and what it unblocks. Raises CannotRun where no such plan or wave is declared."""
    target = _target(asked, key, board)
    status = board.plan(target.plan)
    shown = None if status is None else _shown((*status.waves, status.claim), target)
    if status is None or shown is None:
        raise CannotRun(f"'{key}' asks for {target}, which is not declared", hint="conductor-git plan list")
    complete = shown.state == "complete" or (target.wave is None and status.state == "merged")
    word = shown.state if target.wave is not None else status.state
    return {
        "status": DONE if complete else word,
        "state": word,
        "target": str(target),
        "agent": status.agent,
        "commit": shown.commit,
        "note": shown.note,
        "unblocks": [str(each) for each in _dependents(target, plans)],
    }


def _target(asked: Derived, key: str, board: Board) -> Target:
    if asked.plan:
        return Target(asked.plan, asked.wave)
    own = [status for status in board.plans if status.agent == asked.agent]
    having = [status for status in own if _shown(status.waves, Target(status.plan, asked.wave))] or own
    if len(having) == 1:
        return Target(having[0].plan, asked.wave)
    if not having:
        raise CannotRun(f"'{key}' asks for a wave of '{asked.agent}', who has no plan", hint="conductor-git status")
    names = ", ".join(status.plan for status in having)
    raise CannotRun(
        f"'{key}' may be of any of the plans {names} of '{asked.agent}'",
        hint=f"conductor-git memory read plan-{having[0].plan}-wave-{asked.wave}-complete",
    )


def _shown(waves: tuple[WaveStatus, ...], target: Target) -> WaveStatus | None:
    return next((wave for wave in waves if wave.wave == target.wave), None)


def _dependents(target: Target, plans: tuple[Plan, ...]) -> list[Target]:
    """The waves that need it by themselves, and the plans of which every claim does."""
    found = []
    for plan in plans:
        if target in plan.needs:
            found.append(Target(plan.plan))
        found += [Target(plan.plan, wave.number) for wave in plan.waves if target in plan.needs_of(wave)]
    return found
