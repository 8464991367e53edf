"""Events that change how work is judged, and whose word each of them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conductor_git.core.events.event import Event
from conductor_git.core.targets import Oid, Target

CONDUCTOR = "conductor"
"""The writer who decides for the whole repository."""


def accepted(events: Iterable[Event]) -> frozenset[Oid]:
    """The commits that the conductor has accepted on the record."""
    named = (_text(event, "commit") for event in events if event.kind == "acceptance" and event.writer == CONDUCTOR)
    return frozenset(Oid(commit) for commit in named if commit)


def open_blockers(events: Iterable[Event]) -> dict[Target, list[Event]]:
    """Blockers by target that neither their author nor the conductor has resolved, in ledger order."""
    raised: dict[Oid, Event] = {}
    closed: set[tuple[str, str]] = set()
    for event in events:
        if event.kind == "blocker":
            raised[event.id] = event
        elif event.kind == "resolution":
            closed.add((_text(event, "blocker"), event.writer))
    found: dict[Target, list[Event]] = {}
    for event in raised.values():
        settled = (event.id, event.writer) in closed or (event.id, CONDUCTOR) in closed
        if event.target is not None and not settled:
            found.setdefault(event.target, []).append(event)
    return found


def reopenings(events: Iterable[Event], agent: Callable[[str], str]) -> dict[Target, list[Oid]]:
    """The commits up to which claims are taken back, by the conductor or by `agent(plan)`, who has the plan."""
    found: dict[Target, list[Oid]] = {}
    for event in events:
        if event.kind != "reopening" or event.target is None:
            continue
        if event.writer in (CONDUCTOR, agent(event.target.plan)):
            found.setdefault(event.target, []).append(Oid(_text(event, "commit")))
    return found


def _text(event: Event, key: str) -> str:
    value = event.data.get(key)
    return value if isinstance(value, str) else ""
