"""The ledger's Lamport clock in this clone: the highest time that any known event has.

What others wrote is read from the subjects of the ledger's tips, and remembered for as long as nothing came from
elsewhere. What this clone's writers wrote stands in the names of files, one a writer: `<writer>@<clock>.<events>`. So
an append needs no git process for its clock, and no lock that another writer could hold.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import WRITER
from conductor_git.core.events.ledger import CLOCK_SLACK
from conductor_git.store.files import memo
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.refs import LEDGER, LEDGER_COPIES
from conductor_git.store.plumbing.repository import Repository

_SUBJECT = re.compile(r"conductor: clock ([0-9]{1,15}) known ([0-9]{1,15})")
_OWN = re.compile(rf"({WRITER})@([0-9]{{1,15}})\.([0-9]{{1,15}})")
_UNTOLD = 10**15
"""The clock of a tip that `git notes` made by hand: it says nothing, so the notes themselves are read."""

_NAME = "clock"
_MEMO = f"{_NAME}/elsewhere"
"""Beside the writers' files, so that nobody throws away one and keeps the other."""

_RACY = 2.0
"""Seconds within which a file system may give two changes the same time."""

_Stamps = tuple[tuple[str, int, int], ...]
"""Path, time and inode of everything that changes when others' ledgers come in."""


class Reading(msgspec.Struct, frozen=True):
    """The clock at one moment, for one writer."""

    clock: int
    """The highest that is believed."""
    events: int
    """How many events are known at least."""
    writer: str
    written: int = 0
    """How many of them this writer wrote, since its file is there."""
    file: str = ""
    """The name of that file; empty where there is none."""

    def later(self, count: int) -> Reading:
        """The clock after so many more events of this writer."""
        written = self.written + count
        clock = self.clock + count
        return Reading(clock, self.events + count, self.writer, written, f"{self.writer}@{clock}.{written}")

    @property
    def subject(self) -> str:
        """The subject of the ledger commit that brings the clock here."""
        return f"conductor: clock {self.clock} known {self.events}"


class _Elsewhere(msgspec.Struct, frozen=True, array_like=True):
    """What all refs said the last time that something came from elsewhere."""

    clock: int
    events: int
    written: int
    """How many events this clone's files counted then."""
    stamps: _Stamps


def read_clock(repo: Repository, clone: str, writer: str) -> Reading:
    """Read the clock. Raises GitFailed where git cannot read a ledger."""
    elsewhere = _elsewhere(repo, clone)
    own = _own(repo)
    clock = max(elsewhere.clock, *(clock for _, clock, _ in own)) if own else elsewhere.clock
    events = elsewhere.events + max(0, sum(written for *_, written in own) - elsewhere.written)
    mine = max((entry for entry in own if entry[0] == writer), default=None)
    if mine is None:
        return Reading(clock, events, writer)
    return Reading(clock, events, writer, mine[2], f"{writer}@{mine[1]}.{mine[2]}")


def advance_clock(repo: Repository, reading: Reading, later: Reading) -> None:
    """Make it later for every process of this clone; the writer's lock is held. Raises CannotRun where that fails."""
    folder = _folder(repo)
    path = os.path.join(folder, later.file)
    try:
        if reading.file:
            os.rename(os.path.join(folder, reading.file), path)
        else:
            os.makedirs(folder, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
    except OSError as error:
        raise CannotRun(f"'{path}' cannot be written: {error.strerror}", detail="nothing was recorded") from error


def _own(repo: Repository) -> list[tuple[str, int, int]]:
    """Writer, clock and number of events, of each file."""
    try:
        names = os.listdir(_folder(repo))
    except OSError:
        return []
    return [(found[1], int(found[2]), int(found[3])) for name in names if (found := _OWN.fullmatch(name))]


def _elsewhere(repo: Repository, clone: str) -> _Elsewhere:
    stamps = _stamps(repo, clone)
    kept = memo.load(repo, _MEMO, _Elsewhere) if stamps else None
    if kept is not None and kept.stamps == stamps:
        return kept
    read = _read_refs(repo, clone, stamps)
    if stamps:
        memo.save(repo, _MEMO, read)
    return read


def _read_refs(repo: Repository, clone: str, stamps: _Stamps) -> _Elsewhere:
    """Read subjects, and the whole ledger only where they cannot be believed."""
    clock, events = 0, 0
    form = "%(refname) %(contents:subject)"
    for line in repo.git("for-each-ref", f"--format={form}", LEDGER, LEDGER_COPIES).lines():
        name, subject = line.split(" ", 1)
        said = _SUBJECT.fullmatch(subject)
        clock = max(clock, int(said[1]) if said else _UNTOLD)
        # What others counted is their word. What this clone counted is the least that it knows now.
        if said and name.startswith(LEDGER) and name.endswith(f".{clone}"):
            events = max(events, int(said[2]))
    if clock > events + CLOCK_SLACK:
        ledger = read_ledger(repo)
        clock, events = ledger.clock, len(ledger.events)
    # Counted after the refs were read: better one event too few than one too many.
    return _Elsewhere(clock, events, sum(written for *_, written in _own(repo)), stamps)


def _stamps(repo: Repository, clone: str) -> _Stamps:
    """What shows that a ref of the ledger that is not our own has changed; empty where nothing does so reliably."""
    if os.path.isdir(os.path.join(repo.common_dir, "reftable")):
        return ()
    stamps = tuple(_stamp(path) for path in _watched(repo.common_dir, clone))
    # As with git's index: a change within the same tick of the file system's clock would not show.
    newest = max(changed for _, changed, _ in stamps)
    return () if time.time_ns() - newest < _RACY * 1e9 else stamps


def _watched(common_dir: str, clone: str) -> Iterator[str]:
    yield os.path.join(common_dir, "packed-refs")
    # git replaces a ref by renaming a new file over it, which shows in the time of the folder.
    yield from sorted(folder for folder, _, _ in os.walk(os.path.join(common_dir, LEDGER_COPIES)))
    own = os.path.join(common_dir, LEDGER)
    with suppress(FileNotFoundError):
        yield from sorted(entry.path for entry in os.scandir(own) if f".{clone}" not in entry.name)


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_ino


def _folder(repo: Repository) -> str:
    return os.path.join(repo.private, "cache", _NAME)
