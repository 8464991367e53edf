"""`block`, `guide`, `resolve`: saying that work cannot go on, answering, and settling it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conductor_git.commands.outcome import REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import Raised, blockers, may_resolve, who_resolves
from conductor_git.core.events.event import Event
from conductor_git.core.events.shortids import SHOWN, find_id
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.reporting.blockers import Level
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.store.notes.telling import Say, tell_once
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team.subjects import find_target

SCHEMA = 1
_LISTING = "conductor-git status    # lists every open blocker"


def block(repo: Repository, target: str, *, level: Level, message: str, context: str, now: int, say: Say) -> Outcome:
    """Raise a blocker on a plan or wave; of none, on this worktree's lowest open wave. The same one is raised once.

    Raises CannotRun where there is no such plan or wave, or nothing is said.
    """
    snapshot = take(repo)
    about = find_target(repo, snapshot, fold(snapshot, now), target)
    writer = whoami(repo, snapshot.plans).name
    data = {"level": level, "message": _said(message, "a blocker")}
    data |= {"context": context.strip()} if context.strip() else {}
    standing = (raised.event for raised in _known(snapshot).values() if raised.resolution is None)
    same = _same(standing, writer, data, about=about)
    event = tell_once(
        repo, snapshot.policy, same, writer=writer, kind="blocker", data=data, target=about, now=now, say=say
    )
    name = event.id[:SHOWN]
    did = "stands already" if same else "raised"
    lines = [
        f"blocker {name} {did} on {about} ({level}): it is not claimed until that is settled",
        f"next: the conductor answers with: conductor-git guide {name} -m 'WHAT TO DO'",
        f"      once it is settled: conductor-git resolve {name}",
    ]
    return Outcome(text="\n".join(lines), data=_data(event, event, recorded=same is None))


def guide(repo: Repository, name: str, *, message: str, now: int, say: Say) -> Outcome:
    """Answer a blocker, as the conductor; it stays open. Raises CannotRun where there is no such blocker."""
    snapshot = take(repo)
    raised = _find(snapshot, name)
    said = _said(message, "guidance")
    writer = whoami(repo, snapshot.plans).name
    if writer != CONDUCTOR:
        text = f"only the conductor guides, and this worktree's writer is '{writer}'"
        return _refused(raised, text, "conductor-git whoami")
    if raised.resolution is not None:
        return _refused(raised, f"blocker '{raised.event.id[:SHOWN]}' is resolved already", _LISTING)
    data = {"blocker": raised.event.id, "message": said}
    same = _same(raised.guidance, writer, data)
    event = tell_once(
        repo,
        snapshot.policy,
        same,
        writer=writer,
        kind="guidance",
        data=data,
        target=raised.event.target,
        now=now,
        say=say,
    )
    where = f"blocker {raised.event.id[:SHOWN]} on {raised.event.target}"
    text = f"{where}: '{raised.event.writer}' sees the answer on the board and in its brief; the blocker stays open"
    return Outcome(text=text, data=_data(raised.event, event, recorded=same is None))


def resolve(repo: Repository, name: str, *, message: str, now: int, say: Say) -> Outcome:
    """Close a blocker, as its author or the conductor. Raises CannotRun where there is no such blocker."""
    snapshot = take(repo)
    raised = _find(snapshot, name)
    blocker, writer = raised.event, whoami(repo, snapshot.plans).name
    if not may_resolve(writer, raised):
        whose = f"it is closed by {who_resolves(raised)}; this is '{writer}'"
        return _refused(
            raised, f"blocker '{blocker.id[:SHOWN]}' on {blocker.target} stays: {whose}", "conductor-git whoami"
        )
    data = {"blocker": blocker.id} | ({"message": message.strip()} if message.strip() else {})
    event = tell_once(
        repo,
        snapshot.policy,
        raised.resolution,
        writer=writer,
        kind="resolution",
        data=data,
        target=blocker.target,
        now=now,
        say=say,
    )
    did = "was resolved already" if raised.resolution else "resolved"
    return Outcome(
        text=f"blocker {blocker.id[:SHOWN]} on {blocker.target} {did}",
        data=_data(blocker, event, recorded=raised.resolution is None),
    )


def _known(snapshot: Snapshot) -> dict[Oid, Raised]:
    return blockers(snapshot.ledger.decisions, Verdicts(snapshot, Claims(snapshot.history, snapshot.plans)).agent)


def _find(snapshot: Snapshot, name: str) -> Raised:
    """The blocker that an id's beginning names: an open one, else one that was resolved."""
    known = _known(snapshot)
    opened = [oid for oid, raised in known.items() if raised.resolution is None]
    closed = [oid for oid in known if oid not in opened]
    # Only what is open is offered; what was closed is known when it is named exactly enough.
    ids = closed if any(oid.startswith(name.lower()) for oid in closed) and not _begins(name, opened) else opened
    return known[find_id(name, ids, what="blocker", listing=_LISTING)]


def _begins(name: str, ids: Iterable[Oid]) -> bool:
    return any(oid.startswith(name.lower()) for oid in ids)


def _same(events: Iterable[Event], writer: str, data: Mapping[str, Any], about: object = None) -> Event | None:
    """What this writer said before in the same words."""
    return next(
        (event for event in events if event.writer == writer and event.data == data and about in (None, event.target)),
        None,
    )


def _said(message: str, what: str) -> str:
    if not message.strip():
        raise CannotRun(f"{what} says something: it has no message", detail="nothing was recorded")
    return message.strip()


def _refused(raised: Raised, text: str, hint: str) -> Outcome:
    finding = Finding("CG802", "error", str(raised.event.target), text, hint)
    return Outcome(REFUSED, data=_data(raised.event, None), findings=(finding,), unchanged="nothing was recorded")


def _data(blocker: Event, event: Event | None, *, recorded: bool = False) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "blocker": blocker.id,
        "target": str(blocker.target),
        "level": blocker.data.get("level"),
        "event": event.id if event else None,
        "recorded": recorded,
    }
