"""Open blockers as the board shows them: what was answered, and when silence becomes too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, get_args

from conductor_git.core.events.authority import Raised, blockers
from conductor_git.core.events.event import Event
from conductor_git.core.planning.policy import Limits
from conductor_git.core.reporting.board import Blocker, Guidance

Level = Literal["low", "high", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)


def show_blockers(
    events: Iterable[Event], limits: Limits, agent: Callable[[str], str]
) -> dict[str, tuple[Blocker, ...]]:
    """The open blockers of each plan, the most urgent first, then in ledger order; `agent(plan)` is who has it."""
    found: dict[str, list[Blocker]] = {}
    for raised in blockers(events, agent).values():
        if raised.resolution is None:
            found.setdefault(raised.event.plan or "", []).append(_shown(raised, limits))
    return {plan: tuple(sorted(listed, key=_calm)) for plan, listed in found.items()}


def _calm(blocker: Blocker) -> int:
    """The less urgent the more; a level that nobody knows is a high one."""
    return -LEVELS.index(blocker.level) if blocker.level in LEVELS else -LEVELS.index("high")


def patience(level: str, limits: Limits) -> int:
    """Seconds that a blocker of a level may stay unanswered; of a level that nobody knows, as a high one."""
    return {"low": limits.blocker_low, "critical": limits.blocker_critical}.get(level, limits.blocker_high)


def _shown(raised: Raised, limits: Limits) -> Blocker:
    event = raised.event
    level = str(event.data.get("level", ""))
    return Blocker(
        str(event.target),
        level,
        str(event.data.get("message", "")),
        event.writer,
        event.time,
        event.id,
        str(event.data.get("context", "")),
        tuple(Guidance(str(answer.data.get("message", "")), answer.time) for answer in raised.guidance),
        None if raised.guidance else event.time + patience(level, limits),
    )
