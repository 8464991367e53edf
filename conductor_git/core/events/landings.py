"""The landings that the ledger records."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_git.core.events.event import Event
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


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


def requests(events: Iterable[Event]) -> list[list[Event]]:
    """What the conductor asked somebody else to merge, by pull request, newest first; in one they land together."""
    found: dict[tuple[object, object], list[Event]] = {}
    for event in events:
        if "request" in event.data and claim_of(event) is not None:
            found.setdefault((event.data["request"], event.data.get("onto")), []).append(event)
    return list(found.values())[::-1]


def claim_of(event: Event) -> Oid | None:
    """The claimed commit that a landing of the conductor keeps alive; None for every other event."""
    claim = event.data.get("claim")
    if (event.kind, event.writer) != ("landing", CONDUCTOR) or not isinstance(claim, str) or not _OID.fullmatch(claim):
        return None
    return Oid(claim)
