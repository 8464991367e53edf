"""The ledger in git: `refs/notes/conductor/<writer>.<clone id>`, one notes ref per writer and clone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.event import BadLine, Event, Kind, parse_line, render_line
from conductor_git.core.ledger import CLOCK_SLACK
from conductor_git.core.policy import Limits
from conductor_git.core.targets import Oid, Target
from conductor_git.store import ledger_writer
from conductor_git.store.clone import clone_id
from conductor_git.store.exclusive import exclusive
from conductor_git.store.ledger_push import push_own as push_own
from conductor_git.store.ledger_reader import read_ledger as read_ledger
from conductor_git.store.refs import LEDGER, LEDGER_COPIES
from conductor_git.store.repository import Repository
from conductor_git.store.writer import check_writer

_PATIENCE = 20.0
"""Seconds for which an append is tried again while the ref moves or is locked."""
_SUBJECT = re.compile(r"conductor: clock ([0-9]{1,15}) known ([0-9]{1,15})")
_UNTOLD = 10**15
"""The clock of a tip that `git notes` made by hand: it says nothing, so the notes themselves are read."""


class Draft(msgspec.Struct, frozen=True):
    """What an event will say; id and clock are given when it is recorded."""

    kind: Kind
    data: dict[str, Any]
    target: Target | None = None


class _Known(msgspec.Struct, frozen=True):
    """What the refs say at the moment of an append."""

    tip: Oid | None
    """Of the ref that is appended to; None where it does not exist."""
    clock: int
    """The highest clock that is believed."""
    events: int
    """How many events are known here at least; never more than there are."""


def ledger_ref(writer: str, clone: str) -> str:
    """The full name of the ref that this writer appends to in this clone. Raises CannotRun for an illegal writer."""
    return f"{LEDGER}{check_writer(writer, 'writer')}.{clone}"


def append(
    repo: Repository,
    *,
    writer: str,
    kind: Kind,
    data: dict[str, Any],
    target: Target | None = None,
    now: int,
    parents: Sequence[Oid] = (),
    event_bytes: int = Limits().event_bytes,
) -> Event:
    """Record one event and read it back. `now` is in seconds since the epoch.

    `parents` are commits that shall live and travel with the ledger. Raises CannotRun, and then nothing was recorded.
    """
    drafts = [Draft(kind, data, target)]
    return append_many(repo, writer=writer, drafts=drafts, now=now, parents=parents, event_bytes=event_bytes)[0]


def append_many(
    repo: Repository,
    *,
    writer: str,
    drafts: Sequence[Draft],
    now: int,
    parents: Sequence[Oid] = (),
    event_bytes: int = Limits().event_bytes,
) -> tuple[Event, ...]:
    """Record several events, all or none, in this order. Otherwise as `append`."""
    clone = clone_id(repo)
    ref = ledger_ref(writer, clone)
    with exclusive(os.path.join(repo.private, "locks", f"ledger-{writer}")):
        give_up, pause = time.monotonic() + _PATIENCE, 0.01
        while time.monotonic() < give_up:
            known = _look(repo, ref, clone)
            lines = _render(repo, ref, drafts, known.clock, now, event_bytes)
            if ledger_writer.write(repo, _commit(ref, known, lines, parents, now)):
                return tuple(event for event, _ in lines)
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
    raise CannotRun(f"'{ref}' was moved or locked for {_PATIENCE:g} s", detail="nothing was recorded")


_Lines = list[tuple[Event, bytes]]


def _commit(ref: str, known: _Known, lines: _Lines, parents: Sequence[Oid], now: int) -> ledger_writer.Commit:
    subject = f"conductor: clock {lines[-1][0].clock} known {known.events + len(lines)}"
    notes = {event.id: raw for event, raw in lines}
    return ledger_writer.Commit(ref, known.tip, subject, notes, parents, now)


def _look(repo: Repository, ref: str, clone: str) -> _Known:
    """Read clocks from the subjects of all ledger tips, and the whole ledger only where they cannot be believed."""
    form = "%(objectname) %(refname) %(contents:subject)"
    tip, clock, events = None, 0, 0
    for line in repo.git("for-each-ref", f"--format={form}", LEDGER, LEDGER_COPIES).lines():
        oid, name, subject = line.split(" ", 2)
        if name == ref:
            tip = Oid(oid)
        said = _SUBJECT.fullmatch(subject)
        clock = max(clock, int(said[1]) if said else _UNTOLD)
        # What others counted is their word. What this clone counted is the least that it knows now.
        if said and name.startswith(LEDGER) and name.endswith(f".{clone}"):
            events = max(events, int(said[2]))
    if clock > events + CLOCK_SLACK:
        ledger = read_ledger(repo)
        clock, events = ledger.clock, len(ledger.events)
    return _Known(tip, clock, events)


def _render(repo: Repository, ref: str, drafts: Sequence[Draft], clock: int, now: int, event_bytes: int) -> _Lines:
    writer = ref.removeprefix(LEDGER).partition(".")[0]
    lines = []
    for draft in drafts:
        clock += 1
        try:
            raw = render_line(
                clock=clock, writer=writer, kind=draft.kind, time=now, data=draft.data, target=draft.target
            )
        except (TypeError, ValueError) as error:
            raise CannotRun(f"the {draft.kind} is no JSON: {error}", detail="nothing was recorded") from error
        if len(raw) > event_bytes:
            raise CannotRun(
                f"the {draft.kind} has {len(raw)} bytes, and the policy allows {event_bytes} for an event",
                detail="nothing was recorded",
            )
        # Read as every reader will: what cannot be read back must not be written.
        event = parse_line(raw, id=repo.hash("blob", raw), ref=ref)
        if isinstance(event, BadLine):
            raise CannotRun(f"the {draft.kind} cannot be recorded: {event.why}", detail="nothing was recorded")
        lines.append((event, raw))
    return lines
