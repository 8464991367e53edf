"""The ledger in git: `refs/notes/conductor/<writer>.<clone id>`, one notes ref per writer and clone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.event import BadLine, Event, Kind, parse_line, render_line
from conductor_git.core.ledger import CLOCK_SLACK
from conductor_git.core.policy import Limits
from conductor_git.core.targets import Oid, Target
from conductor_git.store import loose
from conductor_git.store.clone import clone_id
from conductor_git.store.exclusive import exclusive
from conductor_git.store.git import GitFailed
from conductor_git.store.ledger_push import push_own as push_own
from conductor_git.store.ledger_reader import read_ledger as read_ledger
from conductor_git.store.objects import read_objects
from conductor_git.store.refs import LEDGER, LEDGER_COPIES
from conductor_git.store.repository import Repository
from conductor_git.store.writer import check_writer

_PATIENCE = 20.0
"""Seconds for which an append is tried again while the ref moves or is locked."""
_DEAD_LOCK = 10.0
"""Seconds after which the lock of a ref that only we write is a dead process's: a live one has it for milliseconds."""

_SUBJECT = re.compile(r"conductor: clock ([0-9]{1,15}) known ([0-9]{1,15})")
_UNTOLD = 10**15
"""The clock of a tip that `git notes` made by hand: it says nothing, so the notes themselves are read."""
_MOVED = ("Not updating", "but expected", "reference already exists", "File exists")


class Draft(msgspec.Struct, frozen=True):
    """What an event will say; id and clock are given when it is recorded."""

    kind: Kind
    data: dict[str, Any]
    target: Target | None = None


class _Known(msgspec.Struct, frozen=True):
    """What the refs say at the moment of an append."""

    tip: Oid | None
    """Of the ref that is appended to; None where it does not exist."""
    date: int
    """The tip's committer time; 0 where there is no tip."""
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
            if _write(repo, ref, lines, known, now, parents):
                return tuple(event for event, _ in lines)
            _drop_dead_lock(repo, ref)
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
    raise CannotRun(f"'{ref}' was moved or locked for {_PATIENCE:g} s", detail="nothing was recorded")


_Lines = list[tuple[Event, bytes]]


def _look(repo: Repository, ref: str, clone: str) -> _Known:
    """Read clocks from the subjects of all ledger tips, and the whole ledger only where they cannot be believed."""
    form = "%(objectname) %(committerdate:unix) %(refname) %(contents:subject)"
    tip, date, clock, events = None, 0, 0, 0
    for line in repo.git("for-each-ref", f"--format={form}", LEDGER, LEDGER_COPIES).lines():
        oid, when, name, subject = line.split(" ", 3)
        if name == ref:
            tip, date = Oid(oid), int(when or 0)
        said = _SUBJECT.fullmatch(subject)
        clock = max(clock, int(said[1]) if said else _UNTOLD)
        # What others counted is their word. What this clone counted is the least that it knows now.
        if said and name.startswith(LEDGER) and name.endswith(f".{clone}"):
            events = max(events, int(said[2]))
    if clock > events + CLOCK_SLACK:
        ledger = read_ledger(repo)
        clock, events = ledger.clock, len(ledger.events)
    return _Known(tip, date, clock, events)


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


def _write(repo: Repository, ref: str, lines: _Lines, known: _Known, now: int, parents: Sequence[Oid]) -> bool:
    """Write and read back; False where the ref has moved meanwhile."""
    try:
        tip = _import(repo, ref, _stream(ref, lines, known, now, parents))
    except GitFailed as error:
        _remove_crash_report(error.said)
        # A git that was killed may have moved the ref before it died; then what it said last does not count.
        if _git_has(repo, ref, lines):
            return True
        if any(sign in error.said for sign in _MOVED):
            return False
        raise _not_written(ref, error) from error
    if not (_disk_has(repo, ref, lines, tip) or _git_has(repo, ref, lines)):
        raise CannotRun(f"'{ref}' does not hold what was just written to it", hint="git fsck")
    return True


def _import(repo: Repository, ref: str, stream: bytes) -> Oid:
    """Run fast-import and return the ledger commit that it made."""
    writer, email = _identity(ref)
    # No hook is asked: our own reference-transaction hook would start Python to judge what was just judged here.
    return Oid(
        repo.git(
            *("-c", "core.hooksPath=/dev/null", "fast-import", "--done", "--quiet"),
            stdin=stream,
            env={"GIT_COMMITTER_NAME": writer, "GIT_COMMITTER_EMAIL": email},
            writes=True,
            timeout=120,
        ).text()
    )


def _stream(ref: str, lines: _Lines, known: _Known, now: int, parents: Sequence[Oid]) -> bytes:
    """What git fast-import reads. Source of the grammar: git-fast-import, "INPUT FORMAT"."""
    # Dates that only grow: with two equal ones fast-import walks the whole ref to see that it is a fast-forward.
    date = max(now, known.date + 1)
    out = bytearray()
    if known.tip is None and parents:
        # The first parent is always the ledger's own.
        out += _commit(ref, "conductor: clock 0 known 0", date)
        date += 1
    out += _commit(ref, f"conductor: clock {lines[-1][0].clock} known {known.events + len(lines)}", date, mark=":1")
    if known.tip is not None:
        out += f"from {known.tip}\n".encode()
    for parent in dict.fromkeys(parents):
        out += f"merge {parent}\n".encode()
    for event, raw in lines:
        out += f"M 100644 inline {note_path(event.id)}\ndata {len(raw)}\n".encode() + raw
    return bytes(out + b"get-mark :1\ndone\n")


def _commit(ref: str, subject: str, date: int, *, mark: str = "") -> bytes:
    writer, email = _identity(ref)
    head = f"commit {ref}\n" + (f"mark {mark}\n" if mark else "")
    return f"{head}committer {writer} <{email}> {date} +0000\ndata {len(subject) + 1}\n{subject}\n".encode()


def _identity(ref: str) -> tuple[str, str]:
    """Whose name ledger commits bear: the writer's, so that no user's identity has to be configured."""
    name = ref.removeprefix(LEDGER)
    return name.partition(".")[0], f"{name}@conductor-git"


def note_path(oid: Oid) -> str:
    """Where the note of an event stands in a ledger's tree."""
    return f"{oid[:2]}/{oid[2:]}"


def _disk_has(repo: Repository, ref: str, lines: _Lines, tip: Oid) -> bool:
    """Whether ref and notes stand in git's files as loose ones; saves the process that asks git."""
    return loose.read_ref(repo, ref) == tip and all(loose.read_object(repo, event.id) == raw for event, raw in lines)


def _git_has(repo: Repository, ref: str, lines: _Lines) -> bool:
    names = {f"{ref}:{note_path(event.id)}": raw for event, raw in lines}
    return {found.name: found.body for found in read_objects(repo, names)} == names


def _drop_dead_lock(repo: Repository, ref: str) -> None:
    """Take away what a git that was killed while it moved the ref has left; nobody else ever would."""
    path = os.path.join(repo.common_dir, f"{ref}.lock")
    with suppress(OSError):
        if time.time() - os.stat(path).st_mtime > _DEAD_LOCK:
            os.unlink(path)


def _remove_crash_report(said: str) -> None:
    found = re.search(r"dumping crash report to (/.*fast_import_crash_[0-9]+)", said)
    if found:
        with suppress(OSError):
            os.unlink(found[1])


def _not_written(ref: str, error: GitFailed) -> CannotRun:
    lines = error.said.splitlines() or [f"git was killed by signal {-error.code}"]
    why = next((line for line in lines if line.startswith("fatal: ")), lines[0]).removeprefix("fatal: ")
    return CannotRun(f"'{ref}' could not be written", detail=f"{why}; nothing was recorded")
