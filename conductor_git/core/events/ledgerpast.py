"""The whole history of one ledger ref, judged: each commit of it only adds, and adds only lines of its own writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.events.event import BadLine, Event, parse_line, writer_of_ref
from conductor_git.core.findings import Finding, Severity
from conductor_git.core.targets import Oid


class Change(msgspec.Struct, frozen=True):
    """One entry of a ledger's tree that a commit changed (git-diff-tree, "raw output format")."""

    status: str
    mode: str
    """After the change."""
    old: Oid
    new: Oid
    path: str

    @property
    def is_note(self) -> bool:
        """Whether it is a blob under its own name."""
        return self.mode == "100644" and self.path.replace("/", "") == self.new


class LedgerCommit(msgspec.Struct, frozen=True):
    """One commit of a ledger and what it changed against the one before it."""

    oid: Oid
    changes: tuple[Change, ...]


class LedgerPast(msgspec.Struct, frozen=True):
    """A ledger ref's commits along first parents, oldest first; none where its tip is no commit."""

    ref: str
    tip: Oid
    commits: tuple[LedgerCommit, ...]

    @property
    def name(self) -> str:
        """What is the same in a ref and all its copies: `<writer>.<clone>`."""
        return self.ref.rsplit("/", 1)[-1]

    @property
    def oids(self) -> frozenset[Oid]:
        """The commits' oids."""
        return frozenset(commit.oid for commit in self.commits)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one commit of a ledger."""

    commit: Oid
    finding: Finding


class Judged(msgspec.Struct, frozen=True):
    """A ledger's history, judged; `events` is how many lines of it are events."""

    events: int
    faults: tuple[Fault, ...]


def judge_past(past: LedgerPast, bodies: Mapping[Oid, bytes], clock_limit: int) -> Judged:
    """Judge each commit. `bodies` are the contents of what was added; above `clock_limit` no clock is believed."""
    if not past.commits:
        text = f"'{past.ref}' is no ledger: it points to no commit"
        return Judged(0, (Fault(past.tip, Finding("CG605", "alarm", past.ref, text)),))
    faults: list[Fault] = []
    clock = events = 0
    for commit in past.commits:
        added = [change for change in commit.changes if change.status == "A"]
        faults += _lost(past, commit, {change.new for change in added if change.is_note}, bodies)
        faults += _misplaced(past, commit, [change for change in added if not change.is_note])
        read = [parse_line(bodies[each.new], id=each.new, ref=past.ref) for each in added if each.new in bodies]
        faults += _unread(past, commit, [line for line in read if isinstance(line, BadLine)])
        spoken = sorted((line for line in read if isinstance(line, Event)), key=lambda event: event.clock)
        events += len(spoken)
        late = [event for event in spoken if event.clock <= clock]
        faults += _backwards(past, commit, late, clock)
        faults += _ahead(past, commit, [event for event in spoken if event.clock > clock_limit], clock_limit)
        clock = max((event.clock for event in spoken if event.clock <= clock_limit), default=clock)
    return Judged(events, tuple(faults))


def diverged(pasts: Iterable[LedgerPast]) -> list[Fault]:
    """Copies of one ledger of which neither contains the other: its history was written anew."""
    by_name: dict[str, list[LedgerPast]] = {}
    for past in pasts:
        by_name.setdefault(past.name, []).append(past)
    faults = []
    for first, *others in by_name.values():
        for other in others:
            if other.tip not in first.oids and first.tip not in other.oids:
                text = f"'{first.ref}' and '{other.ref}' have each what the other lacks: a ledger only ever grows"
                hint = f"git log --oneline {first.tip[:12]}...{other.tip[:12]}"
                faults.append(Fault(other.tip, Finding("CG611", "alarm", other.ref, text, hint)))
    return faults


def _fault(past: LedgerPast, commit: LedgerCommit, code: str, severity: Severity, text: str) -> list[Fault]:
    hint = f"git show --stat {commit.oid[:12]}"
    return [Fault(commit.oid, Finding(code, severity, past.ref, f"'{past.ref}': {text}", hint))]


def _lost(past: LedgerPast, commit: LedgerCommit, kept: set[Oid], bodies: Mapping[Oid, bytes]) -> list[Fault]:
    # `git notes` may cut a name into folders anew: then the same line goes and comes in one commit.
    gone = [change for change in commit.changes if change.status != "A" and change.old not in kept]
    if not gone:
        return []
    count = "a line was" if len(gone) == 1 else f"{len(gone)} lines were"
    first = bodies.get(gone[0].old)
    line = None if first is None else parse_line(first, id=gone[0].old, ref=past.ref)
    what = f"{line.kind} {line.target or ''}".strip() if isinstance(line, Event) else "no event"
    how = "dropped" if all(change.status == "D" for change in gone) else "changed"
    text = f"{count} {how} by commit '{commit.oid[:12]}': {what} '{gone[0].old[:12]}'"
    return _fault(past, commit, "CG610", "alarm", text)


def _misplaced(past: LedgerPast, commit: LedgerCommit, changes: list[Change]) -> list[Fault]:
    if not changes:
        return []
    text = f"commit '{commit.oid[:12]}' added what is no note under its own key: '{changes[0].path}'"
    return _fault(past, commit, "CG605", "alarm", text + _more(changes))


def _unread(past: LedgerPast, commit: LedgerCommit, lines: list[BadLine]) -> list[Fault]:
    faults = []
    for code in sorted({line.code for line in lines}):
        alike = [line for line in lines if line.code == code]
        text = f"line '{alike[0].id[:12]}' of commit '{commit.oid[:12]}' is not believed: {alike[0].why}"
        faults += _fault(past, commit, code, "warning" if code == "CG601" else "alarm", text + _more(alike))
    return faults


def _backwards(past: LedgerPast, commit: LedgerCommit, late: list[Event], clock: int) -> list[Fault]:
    if not late:
        return []
    text = f"commit '{commit.oid[:12]}' added clock {late[0].clock} where '{writer_of_ref(past.ref)}' was at {clock}"
    return _fault(past, commit, "CG612", "alarm", text + _more(late))


def _ahead(past: LedgerPast, commit: LedgerCommit, events: list[Event], limit: int) -> list[Fault]:
    if not events:
        return []
    text = f"clock {events[0].clock} of event '{events[0].id[:12]}' is too far ahead (believed: up to {limit})"
    return _fault(past, commit, "CG603", "error", text + _more(events))


def _more(alike: list[Change] | list[BadLine] | list[Event]) -> str:
    return f", and {len(alike) - 1} more" if len(alike) > 1 else ""
