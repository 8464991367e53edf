"""Delegations: who has a plan or carries out a wave, since when, and by which event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from conductor_git.core.durations import ago
from conductor_git.core.events.authority import may_take_over
from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target


class Delegation(msgspec.Struct, frozen=True):
    """One delegation event, read. `workspace` is relative as in plan files."""

    event: Oid
    plan: str
    agent: str
    agent_kind: str
    branch: str
    workspace: str
    by: str
    """The writer of the event."""
    since: int
    """Seconds since the epoch."""
    supersedes: Oid | None = None
    reason: str = ""
    brief: str = ""
    """`sha256:<hex>` of the brief that was printed."""
    charge: str = ""
    """`sha256:<hex>` of what the plan said then."""


class Part(msgspec.Struct, frozen=True):
    """A wave, or tasks of it, handed to an executor; `workspace` as a delegation's."""

    event: Oid
    target: Target
    agent: str
    """The executor."""
    branch: str
    workspace: str
    by: str
    since: int
    tasks: tuple[str, ...] = ()
    brief: str = ""
    charge: str = ""
    """As a delegation's."""


def render_part(
    *, agent: str, branch: str, workspace: str, brief: str, charge: str, tasks: tuple[str, ...]
) -> dict[str, Any]:
    """The data of the delegation event of a wave."""
    data = {"agent": agent, "branch": branch, "brief": brief, "charge": charge, "workspace": workspace}
    return {**data, "tasks": list(tasks)}


def read_part(event: Event) -> Part | None:
    """Read a delegation of a wave; None for every other event and for one that says too little."""
    if event.kind != "delegation" or event.target is None or event.target.wave is None:
        return None
    about = {"event": event.id, "target": event.target, "by": event.writer, "since": event.time}
    try:
        return msgspec.convert({**event.data, **about}, Part)
    except msgspec.ValidationError:
        return None


def render_delegation(
    *,
    agent: str,
    agent_kind: str,
    branch: str,
    workspace: str,
    brief: str,
    charge: str = "",
    supersedes: Oid | None = None,
    reason: str = "",
) -> dict[str, Any]:
    """The data of a delegation event."""
    data = {"agent": agent, "agent_kind": agent_kind, "branch": branch, "brief": brief, "workspace": workspace}
    data |= {"charge": charge} if charge else {}
    return data if supersedes is None else {**data, "reason": reason, "supersedes": supersedes}


def read_delegation(event: Event) -> Delegation | None:
    """Read the delegation of a plan; None for every other event and for one that says too little."""
    if event.kind != "delegation" or event.plan is None or event.wave is not None:
        return None
    try:
        return msgspec.convert(
            {**event.data, "event": event.id, "plan": event.plan, "by": event.writer, "since": event.time}, Delegation
        )
    except msgspec.ValidationError:
        return None


def holder(events: Iterable[Event], plan: str, start: Oid | None) -> Delegation | None:
    """Who has a plan: the last one of `holders`."""
    return next(reversed(holders(events, plan, start)), None)


def holders(events: Iterable[Event], plan: str, start: Oid | None) -> list[Delegation]:
    """Who had a plan one after the other, of events in ledger order, whoever has it now last; `start` is the event that
    the branch's start commit names.

    Two clones can both have said that they delegate: the start commit, which only one of them could push, decides.
    After that each take-over counts that names the delegation before it and is of somebody who may take over; of two
    that name the same, the first. Without a start commit the conductor's newest counts, else the newest that is no
    take-over; with one whose event is not known here, nobody can be named.
    """
    said = [found for event in events if (found := read_delegation(event)) and found.plan == plan]
    if start is None:
        first_ones = [found for found in said if found.supersedes is None]
        return ([found for found in said if found.by == CONDUCTOR] or first_ones)[-1:]
    first = current = next((found for found in said if found.event == start), None)
    chain: dict[Oid | None, Delegation] = {}
    for found in said:
        if found.supersedes is not None and first is not None and may_take_over(found.by, first.by):
            chain.setdefault(found.supersedes, found)
    had: dict[Oid, Delegation] = {}
    while current is not None and current.event not in had:
        had[current.event] = current
        current = chain.get(current.event)
    return list(had.values())


def is_binding(delegation: Delegation, start: Oid | None) -> bool:
    """Whether whoever was given the plan may decide for it: without a start commit anybody can say that he has it."""
    return start is not None or delegation.by == CONDUCTOR


def refuse(plan: str, agent: str, *, since: str, age: int, by: str) -> Finding:
    """What a second delegation is told: `since` as people read it, `age` in seconds, `by` empty where it is unknown."""
    return Finding(
        "CG801",
        "error",
        plan,
        f"plan {plan} is delegated to '{agent}' since {since} ({ago(age)})",
        hint=f"conductor-git delegate {plan} --resume    # '{agent}' goes on",
        detail=f"by '{by}'; nothing was changed" if by else "nothing was changed",
    )
