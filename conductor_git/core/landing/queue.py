"""The queue: events in, the next action out. It knows nothing of git and of time, and holds no commit.

Entries are tried in batches on top of integration. A batch that is red is halved, and each half is tried on top of what
is known to be good, so that an innocent entry lands whatever stands before it. What is good lands, and only that: each
state of integration was tried exactly as it is.
"""

from __future__ import annotations

import msgspec

from conductor_git.core.landing.entry import Entry, Fate, How, in_order
from conductor_git.core.landing.search import Found, Search
from conductor_git.core.targets import Oid

BATCH = 16
"""How many entries are tried at once."""
ROUNDS = 5
"""How often in a row everything begins again because integration was moved."""


class Build(msgspec.Struct, frozen=True):
    """Merge these on top of integration, one after the other."""

    entries: tuple[Entry, ...]


class Judge(msgspec.Struct, frozen=True):
    """Validate what was built of these."""

    entries: tuple[Entry, ...]
    again: bool = False
    """Even where it is known to have failed: it may have been chance."""


class Land(msgspec.Struct, frozen=True):
    """Move integration to what was built of these."""

    entries: tuple[Entry, ...]


Action = Build | Judge | Land


class Built(msgspec.Struct, frozen=True):
    """They merge."""


class Collided(msgspec.Struct, frozen=True):
    """One of them conflicts with what stands below it."""

    name: str
    paths: tuple[str, ...] = ()
    why: str = ""


class Passed(msgspec.Struct, frozen=True):
    """What was built is proven."""


class Failed(msgspec.Struct, frozen=True):
    """It was run, and it did not pass."""

    why: str = ""
    log: str = ""


class Unjudged(msgspec.Struct, frozen=True):
    """Nobody can tell: the run could not be carried out, or others must still speak."""

    why: str
    final: bool = False
    """Trying again would not help."""


class Landed(msgspec.Struct, frozen=True):
    """Integration has it: name -> merge."""

    commits: dict[str, Oid]


class Requested(msgspec.Struct, frozen=True):
    """Somebody else was asked to merge it, as this branch."""

    branch: str


class Moved(msgspec.Struct, frozen=True):
    """Integration is not where it was."""


class Withdrawn(msgspec.Struct, frozen=True):
    """An entry may not land any more: its branch moved on or is gone, or it was landed by somebody else."""

    name: str
    why: str = ""
    landed: bool = False
    """Integration has it already."""


Event = Built | Collided | Passed | Failed | Unjudged | Landed | Requested | Moved | Withdrawn


class Queue(msgspec.Struct, frozen=True):
    """One moment of the queue; `after` gives the next."""

    entries: tuple[Entry, ...]
    """All, in order."""
    waiting: tuple[Entry, ...] = ()
    groups: tuple[tuple[Entry, ...], ...] = ()
    """What is tried next on top of `good`, the first one first."""
    good: tuple[Entry, ...] = ()
    """Proven together, on integration as it is."""
    later: tuple[Entry, ...] = ()
    """They collide with others of their batch; their turn comes when those have landed, or have not."""
    fates: tuple[Fate, ...] = ()
    search: Search | None = None
    built: bool = False
    """Whether what is tried now is built."""
    again: frozenset[str] = frozenset()
    """What had its second run."""
    flaky: frozenset[str] = frozenset()
    troubled: bool = False
    """Whether what is tried now could not be judged once before."""
    rounds: int = 0
    batch: int = BATCH

    @property
    def action(self) -> Action | None:
        """What to do now; None at the end, when every entry has its fate."""
        trial = self._trial
        if trial:
            alone = self.search is None and len(self.groups[0]) == 1
            second = alone and self.groups[0][0].name in self.again
            return Judge(trial, again=second) if self.built else Build(trial)
        return Land(self.good) if self.good else None

    def fate(self, name: str) -> Fate | None:
        """What became of an entry."""
        return next((fate for fate in self.fates if fate.entry.name == name), None)

    def after(self, event: Event) -> Queue:
        """The queue when this has happened."""
        match event:
            case Built():
                return _with(self, built=True)
            case Collided():
                return _settled(self._collided(event))
            case Passed():
                return _settled(self._told(passed=True))
            case Failed():
                return _settled(self._failed(event))
            case Unjudged():
                return _settled(self._unjudged(event))
            case Landed():
                return _settled(self._landed(event))
            case Requested():
                fates = (Fate(entry, "requested", why=event.branch) for entry in self.good)
                return _settled(_with(self, good=(), fates=(*self.fates, *fates)))
            case Moved():
                return _settled(self._moved())
            case Withdrawn():
                return _settled(self._withdrawn(event))

    @property
    def _trial(self) -> tuple[Entry, ...]:
        if self.search is not None:
            return self.search.trial
        return (*self.good, *self.groups[0]) if self.groups else ()

    def _told(self, *, passed: bool) -> Queue:
        if self.search is not None:
            return self._searched(self.search, self.search.told(passed))
        group, *rest = self.groups
        flaky = self.flaky | {entry.name for entry in group if entry.name in self.again}
        return _with(self, good=(*self.good, *group), groups=tuple(rest), flaky=flaky, built=False, troubled=False)

    def _failed(self, event: Failed) -> Queue:
        if self.search is not None:
            return self._told(passed=False)
        group, *rest = self.groups
        if len(group) > 1:
            half = (len(group) + 1) // 2
            return _with(self, groups=(group[:half], group[half:], *rest), built=False, troubled=False)
        (entry,) = group
        if entry.name not in self.again:
            return _with(self, again=self.again | {entry.name}, troubled=False)
        if not self.good:
            return self._ended(entry, "red", why=event.why, log=event.log)
        search = Search(entry, self.good, event.why, event.log)
        return _with(self, search=search, built=False, troubled=False)

    def _searched(self, search: Search, found: Search | Found) -> Queue:
        if isinstance(found, Search):
            return _with(self, search=found, built=False, troubled=False)
        how: How = "together" if found.partners else "red"
        return self._ended(search.entry, how, partners=found.partners, why=search.why, log=search.log)

    def _collided(self, event: Collided) -> Queue:
        if self.search is not None:
            return self._told(passed=False)
        group = self.groups[0]
        at = next(at for at, entry in enumerate(group) if entry.name == event.name)
        kept = (*group[:at], *group[at + 1 :])
        if not self.good and at == 0:
            alone = _with(self, groups=((group[0],), kept, *self.groups[1:]))
            return alone._ended(group[0], "conflict", paths=event.paths, why=event.why)
        return _with(self, groups=(kept, *self.groups[1:]), later=(*self.later, group[at]), built=False)

    def _unjudged(self, event: Unjudged) -> Queue:
        if not self.troubled and not event.final:
            return _with(self, troubled=True)
        if self.search is not None:
            # Who is guilty stays open; that it does not pass here is known.
            return self._searched(self.search, Found(tuple(entry.name for entry in self.good)))
        fates = (Fate(entry, "unjudged", why=event.why) for entry in self.groups[0])
        return _with(self, groups=self.groups[1:], fates=(*self.fates, *fates), built=False, troubled=False)

    def _ended(self, entry: Entry, how: How, **more: object) -> Queue:
        """The entry is out; it was alone in its group."""
        fate = msgspec.structs.replace(Fate(entry, how), **more)
        return _with(self, groups=self.groups[1:], search=None, fates=(*self.fates, fate), built=False, troubled=False)

    def _landed(self, event: Landed) -> Queue:
        fates = (
            Fate(entry, "landed", event.commits.get(entry.name), flaky=entry.name in self.flaky) for entry in self.good
        )
        return _with(self, good=(), fates=(*self.fates, *fates), rounds=0)

    def _moved(self) -> Queue:
        """Everything again that has not landed: what was red or collided may not any more."""
        kept = tuple(fate for fate in self.fates if fate.how in ("landed", "withdrawn"))
        done = {fate.entry.name for fate in kept}
        left = tuple(entry for entry in self.entries if entry.name not in done)
        again = Queue(self.entries, left, fates=kept, rounds=self.rounds + 1, batch=self.batch)
        if again.rounds <= ROUNDS:
            return again
        return _with(again, waiting=(), fates=(*kept, *(Fate(entry, "moved") for entry in left)))

    def _withdrawn(self, event: Withdrawn) -> Queue:
        if self.fate(event.name) is not None:
            return self
        entry = next(entry for entry in self.entries if entry.name == event.name)
        left = tuple(group for group in (self.good, *self.groups) if group)
        return _with(
            self,
            waiting=_without(self.waiting, event.name),
            later=_without(self.later, event.name),
            groups=tuple(kept for group in left if (kept := _without(group, event.name))),
            good=(),
            search=None,
            built=False,
            fates=(*self.fates, Fate(entry, "landed" if event.landed else "withdrawn", why=event.why)),
            troubled=False,
        )


def begin(entries: tuple[Entry, ...], *, batch: int = BATCH) -> Queue:
    """A queue of these."""
    ordered = in_order(entries)
    return _settled(Queue(ordered, ordered, batch=batch))


def _settled(queue: Queue) -> Queue:
    """The queue with its next batch filled, and without what waits for an entry that does not land."""
    while queue.search is None:
        if queue.groups:
            sifted = _sifted(queue)
            if sifted.groups and sifted.groups[0]:
                return sifted
            queue = _with(sifted, groups=sifted.groups[1:])
        elif queue.good or not (queue.later or queue.waiting):
            return queue
        else:
            waiting = (*queue.later, *queue.waiting)
            queue = _with(queue, groups=(waiting[: queue.batch],), waiting=waiting[queue.batch :], later=())
    return queue


def _sifted(queue: Queue) -> Queue:
    """The first group without those whose needs are out (they are too) or put off (they are too)."""
    out = {fate.entry.name for fate in queue.fates if not fate.landed}
    off = {entry.name for entry in queue.later}
    kept: list[Entry] = []
    later, fates = list(queue.later), list(queue.fates)
    for entry in queue.groups[0]:
        missing = tuple(need for need in entry.needs if need in out)
        if missing:
            out.add(entry.name)
            fates.append(Fate(entry, "waits", partners=missing))
        elif off.intersection(entry.needs):
            off.add(entry.name)
            later.append(entry)
        else:
            kept.append(entry)
    if len(kept) == len(queue.groups[0]):
        return queue
    return _with(queue, groups=(tuple(kept), *queue.groups[1:]), later=tuple(later), fates=tuple(fates), built=False)


def _without(entries: tuple[Entry, ...], name: str) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.name != name)


def _with(queue: Queue, **changes: object) -> Queue:
    return msgspec.structs.replace(queue, **changes)
