"""The landings that the ledger records."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.events.authority import CONDUCTOR
from conductor_git.core.events.event import Event


def standing_landings(events: Iterable[Event]) -> list[Event]:
    """The conductor's landings, in ledger order, without those of which the conductor said that they never came there.

    A landing is recorded before integration moves; where that is lost to somebody else, it is taken back.
    """
    landings: list[Event] = []
    void: set[object] = set()
    for event in events:
        if event.writer != CONDUCTOR:
            continue
        if event.kind == "landing" and isinstance(event.data.get("commit"), str):
            landings.append(event)
        elif event.kind == "resolution" and "landing" in event.data:
            void.add(event.data["landing"])
    return [event for event in landings if event.id not in void]
