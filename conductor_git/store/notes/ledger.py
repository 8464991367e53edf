"""The ledger in git: `refs/notes/conductor/<writer>.<clone id>`, one notes ref per writer and clone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.canonical import canonical
from conductor_git.core.events.event import BadLine, Event, Kind, line_fields, parse_line, render_signed
from conductor_git.core.planning.policy import Limits
from conductor_git.core.targets import Oid, Target
from conductor_git.store.files.exclusive import exclusive
from conductor_git.store.notes.clock import advance_clock, read_clock
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.ledger_push import push_own as push_own
from conductor_git.store.notes.ledger_reader import read_ledger as read_ledger
from conductor_git.store.notes.ledger_writer import Commit, prepare, publish
from conductor_git.store.notes.signing import Signing
from conductor_git.store.notes.writer import check_writer
from conductor_git.store.plumbing.refs import LEDGER
from conductor_git.store.plumbing.repository import Repository

_PATIENCE = 20.0
"""Seconds for which an append is tried again while the ref moves or is locked."""


class Draft(msgspec.Struct, frozen=True):
    """What an event will say; id and clock are given when it is recorded."""

    kind: Kind
    data: dict[str, Any]
    target: Target | None = None


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
    signing: Signing | None = None,
) -> Event:
    """Record one event and read it back. `now` is in seconds since the epoch.

    `parents` are commits that shall live and travel with the ledger; `signing` is `signing_for` the writer. Raises
    CannotRun, and then nothing was recorded.
    """
    drafts = [Draft(kind, data, target)]
    return append_many(
        repo, writer=writer, drafts=drafts, now=now, parents=parents, event_bytes=event_bytes, signing=signing
    )[0]


def append_many(
    repo: Repository,
    *,
    writer: str,
    drafts: Sequence[Draft],
    now: int,
    parents: Sequence[Oid] = (),
    event_bytes: int = Limits().event_bytes,
    signing: Signing | None = None,
) -> tuple[Event, ...]:
    """Record several events, all or none, in this order. Otherwise as `append`."""
    clone = clone_id(repo)
    ref = ledger_ref(writer, clone)
    with exclusive(os.path.join(repo.private, "locks", f"ledger-{writer}")):
        reading = read_clock(repo, clone, writer)
        lines = _render(repo, ref, drafts, reading.clock, now, event_bytes, signing)
        events = tuple(event for event, _ in lines)
        later = reading.later(len(lines))
        commit = Commit(ref, later.subject, {event.id: raw for event, raw in lines}, parents, now)
        for attempt in _attempts():
            made = prepare(repo, commit)
            if attempt == 0:
                # After what is likely to fail, before anybody can see the events.
                advance_clock(repo, reading, later)
            if publish(repo, commit, made):
                return events
    raise CannotRun(f"'{ref}' was moved or locked for {_PATIENCE:g} s", detail="nothing was recorded")


def _attempts() -> Iterator[int]:
    give_up, pause = time.monotonic() + _PATIENCE, 0.01
    for attempt in count():
        yield attempt
        if time.monotonic() > give_up:
            return
        time.sleep(pause)
        pause = min(2 * pause, 1.0)


_Lines = list[tuple[Event, bytes]]


def _render(
    repo: Repository,
    ref: str,
    drafts: Sequence[Draft],
    clock: int,
    now: int,
    event_bytes: int,
    signing: Signing | None,
) -> _Lines:
    writer = ref.removeprefix(LEDGER).partition(".")[0]
    lines = []
    for draft in drafts:
        clock += 1
        try:
            fields = line_fields(
                clock=clock, writer=writer, kind=draft.kind, time=now, data=draft.data, target=draft.target
            )
            raw = _signed(fields, signing) or canonical(fields).encode("ascii") + b"\n"
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


def _signed(fields: dict[str, Any], signing: Signing | None) -> bytes | None:
    """The signed line; None where it stays unsigned."""
    if signing is None:
        return None
    try:
        return render_signed(fields, repository=signing.repository, sign=signing)
    except CannotRun:
        if signing.required:
            raise
        # Nobody asked for a signature: a locked key must not stop the work.
        return None
