"""The ledger as values: the union of every writer's events, in one order that all clones agree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import attrgetter

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.event import BadLine, Event
from conductor_git.core.findings import Finding
from conductor_git.core.say import printable
from conductor_git.core.targets import Oid

CLOCK_SLACK = 1000
"""An honest clock is at most the number of events that its writer knew; we may know that many fewer than it did."""


class Doubted(msgspec.Struct, frozen=True):
    """An event that needs a good signature and has none: it counts for nothing."""

    event: Event
    code: str
    why: str


_MASSES = frozenset({"attestation", "memory"})
"""The kinds that a ledger has very many of, and that decide nothing by their mere being there."""


class Ledger(msgspec.Struct, frozen=True, dict=True):
    """Every event that is known here, each once, and every note that is none."""

    events: tuple[Event, ...] = ()
    """In `Event.order`; those whose clock is too far ahead to be believed stand last."""
    bad: tuple[BadLine, ...] = ()
    tips: Mapping[str, Oid] = {}
    """Full ref name -> ledger commit: what all of this was read from."""
    fetched: bool = True
    """False where the clone has remotes, but neither a ledger of its own nor a fetched one: others' events are unknown
    here, not absent."""
    doubted: tuple[Doubted, ...] = ()
    """Events that were set aside for want of a signature, in `Event.order`; they are not among `events`."""

    @cached_property
    def decisions(self) -> tuple[Event, ...]:
        """The events of every kind but proofs and memory: few, however long a ledger gets, and looked through often."""
        return tuple(event for event in self.events if event.kind not in _MASSES)

    @cached_property
    def proofs(self) -> tuple[tuple[Event, Attestation | None], ...]:
        """Each attestation, read; None where it cannot be."""
        return tuple((event, attestation.read(event)) for event in self.events if event.kind == "attestation")

    @property
    def clock_limit(self) -> int:
        """The highest clock that is believed."""
        return len(self.events) + len(self.doubted) + CLOCK_SLACK

    @property
    def clock(self) -> int:
        """The highest clock that is believed and was used; 0 in an empty ledger."""
        limit = self.clock_limit
        return max((event.clock for event in self.events if event.clock <= limit), default=0)

    @property
    def ahead(self) -> tuple[Event, ...]:
        """Events whose clock is too far ahead."""
        limit = self.clock_limit
        return tuple(event for event in self.events if event.clock > limit)


def assemble(lines: Iterable[Event | BadLine], tips: Mapping[str, Oid], *, fetched: bool = True) -> Ledger:
    """Make the union of what was read: an event that several refs carry is one event."""
    events: dict[Oid, Event] = {}
    bad: set[BadLine] = set()
    for line in lines:
        if isinstance(line, Event):
            events[line.id] = line
        else:
            bad.add(line)
    limit = len(events) + CLOCK_SLACK
    # As `Event.order`, without a call for each.
    ordered = sorted(events.values(), key=attrgetter("clock", "writer", "id"))
    ordered.sort(key=lambda event: event.clock > limit)
    return Ledger(tuple(ordered), tuple(sorted(bad, key=_place)), tips, fetched)


def _place(bad: BadLine) -> tuple[str, str, str, str]:
    return (bad.ref, bad.code, bad.id, bad.why)


def findings(ledger: Ledger) -> list[Finding]:
    """What is wrong with the ledger itself; one finding for each trouble of a ref, however many lines have it."""
    found = [] if ledger.fetched else [NEVER_FETCHED]
    groups: dict[tuple[str, str], list[BadLine]] = {}
    for bad in ledger.bad:
        groups.setdefault((bad.code, bad.ref), []).append(bad)
    for (code, ref), lines in groups.items():
        count = "a note is" if len(lines) == 1 else f"{len(lines)} notes are"
        text = f"{count} not believed; '{lines[0].id[:7]}': {lines[0].why}"
        # Names in git need not be text.
        found.append(Finding(code, "warning", printable(ref), printable(text)))
    found += _doubts(ledger.doubted)
    ahead: dict[str, list[Event]] = {}
    for event in ledger.ahead:
        ahead.setdefault(event.writer, []).append(event)
    for writer, events in ahead.items():
        first, more = events[0], f"and {len(events) - 1} more of '{writer}'" if len(events) > 1 else ""
        text = f"clock {first.clock} of event '{first.id[:7]}' is too far ahead of {len(ledger.events)} events"
        found.append(Finding("CG603", "warning", writer, text, detail=more))
    return found


def _doubts(doubted: Iterable[Doubted]) -> list[Finding]:
    groups: dict[tuple[str, str], list[Doubted]] = {}
    for each in doubted:
        groups.setdefault((each.code, each.event.writer), []).append(each)
    found = []
    for (code, writer), listed in groups.items():
        event = listed[-1].event
        about = f" of {event.target}" if event.target else ""
        text = f"{event.kind}{about} by '{writer}' counts for nothing: {listed[-1].why}"
        older = f"; {len(listed) - 1} more of '{writer}'" if len(listed) > 1 else ""
        found.append(Finding(code, "warning", writer, printable(text), detail=f"event '{event.id[:7]}'{older}"))
    return found


NEVER_FETCHED = Finding(
    "CG604",
    "warning",
    "refs/notes/conductor",
    "this clone never fetched a ledger: what others proved is unknown here, not absent",
    hint="conductor-git install && git fetch",
)
