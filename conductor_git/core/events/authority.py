"""Events that change how work is judged, and whose word each of them needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding
from conductor_git.core.say import printable
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target

_CONDUCTORS = {
    "acceptance": "only the conductor accepts",
    "guidance": "only the conductor guides",
    "waiver": "only the conductor waives",
}


class Raised(msgspec.Struct, frozen=True):
    """A blocker with what was said to it by those whose word counts, in ledger order."""

    event: Event
    leader: str = ""
    """Who has the plan, where somebody raised it to whom a wave of the plan had been handed: his word closes it too."""
    guidance: tuple[Event, ...] = ()
    resolution: Event | None = None


def accepted(events: Iterable[Event]) -> frozenset[Oid]:
    """The commits that the conductor has accepted on the record."""
    named = (_text(event, "commit") for event in events if event.kind == "acceptance" and event.writer == CONDUCTOR)
    return frozenset(Oid(commit) for commit in named if commit)


def blockers(events: Iterable[Event], agent: Callable[[str], str]) -> dict[Oid, Raised]:
    """Every blocker, open or not, in ledger order; `agent(plan)` is who has a plan."""
    raised: dict[Oid, Raised] = {}
    handed: set[tuple[str, str]] = set()
    guided: dict[str, list[Event]] = {}
    resolved: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "blocker" and event.plan is not None:
            # Handing a wave "to the conductor" would give whoever does it the last word over him.
            led = event.writer != CONDUCTOR and (event.plan, event.writer) in handed
            raised[event.id] = Raised(event, agent(event.plan) if led else "")
        elif event.kind == "delegation" and event.plan is not None and event.wave is not None:
            handed.add((event.plan, _text(event, "agent")))
        elif event.kind == "guidance" and event.writer == CONDUCTOR:
            guided.setdefault(_text(event, "blocker"), []).append(event)
        elif event.kind == "resolution":
            resolved.setdefault(_text(event, "blocker"), []).append(event)
    return {
        oid: Raised(each.event, each.leader, tuple(guided.get(oid, ())), _closing(each, resolved.get(oid, ())))
        for oid, each in raised.items()
    }


def open_blockers(events: Iterable[Event], agent: Callable[[str], str]) -> dict[Target, list[Raised]]:
    """Blockers by target that nobody has resolved who may, in ledger order; `agent` as for `blockers`."""
    found: dict[Target, list[Raised]] = {}
    for raised in blockers(events, agent).values():
        if raised.resolution is None and raised.event.target is not None:
            found.setdefault(raised.event.target, []).append(raised)
    return found


def reopenings(events: Iterable[Event], agent: Callable[[str], str]) -> dict[Target, list[Oid]]:
    """The commits up to which claims are taken back, by the conductor or by `agent(plan)`, who has the plan."""
    found: dict[Target, list[Oid]] = {}
    for event in events:
        if event.kind != "reopening" or event.target is None:
            continue
        if may_reopen(event.writer, agent(event.target.plan)):
            found.setdefault(event.target, []).append(Oid(_text(event, "commit")))
    return found


def may_resolve(writer: str, raised: Raised) -> bool:
    """Whether a writer's word closes a blocker."""
    return writer in (CONDUCTOR, raised.event.writer) or (writer == raised.leader != "")


def who_resolves(raised: Raised) -> str:
    """Whose word closes a blocker, as text."""
    leads = f"by '{raised.leader}', who has plan {raised.event.plan}, " if raised.leader else ""
    return f"'{raised.event.writer}', who raised it, {leads}or by the conductor"


def may_reopen(writer: str, agent: str) -> bool:
    """Whether a writer's word takes a claim back; `agent` has the plan."""
    return writer in (CONDUCTOR, agent)


def may_take_over(writer: str, delegator: str) -> bool:
    """Whether a writer's word gives a plan to another agent; `delegator` wrote its first delegation."""
    return writer in (CONDUCTOR, delegator)


def powerless(events: Iterable[Event], agent: Callable[[str], str], delegator: Callable[[str], str]) -> list[Finding]:
    """Decisions by writers who have no say in them: they count for nothing, and are shown.

    `agent(plan)` is who has a plan, `delegator(plan)` who gave it away first, empty where nobody did.
    """
    events = tuple(events)
    found: dict[tuple[str, str], list[tuple[Event, str]]] = {}
    raised = blockers(events, agent)
    for event in events:
        why = _powerless(event, raised, agent, delegator)
        if why:
            found.setdefault((event.kind, event.writer), []).append((event, why))
    return [_remark(kind, writer, listed) for (kind, writer), listed in found.items()]


def _powerless(
    event: Event, raised: Mapping[Oid, Raised], agent: Callable[[str], str], delegator: Callable[[str], str]
) -> str:
    """Why an event counts for nothing; empty where it counts, or decides nothing."""
    if event.kind in _CONDUCTORS:
        return "" if event.writer == CONDUCTOR else _CONDUCTORS[event.kind]
    if event.kind == "reopening" and event.target is not None:
        holder = agent(event.target.plan)
        return "" if may_reopen(event.writer, holder) else f"the conductor reopens, and '{holder}', who has the plan"
    if event.kind == "delegation" and event.plan is not None and "supersedes" in event.data:
        first = delegator(event.plan)
        or_he = f", or '{first}', who delegated plan {event.plan}" if first not in ("", CONDUCTOR) else ""
        return "" if may_take_over(event.writer, first) else f"a plan is given to another by the conductor{or_he}"
    blocker = raised.get(Oid(_text(event, "blocker"))) if event.kind == "resolution" else None
    if blocker is None or may_resolve(event.writer, blocker):
        return ""
    return f"the blocker is closed by {who_resolves(blocker)}"


def _remark(kind: str, writer: str, listed: list[tuple[Event, str]]) -> Finding:
    event, why = listed[-1]
    about = f" of {event.target}" if event.target else ""
    older = f"; {len(listed) - 1} more of '{writer}'" if len(listed) > 1 else ""
    text = f"{kind}{about} by '{writer}' counts for nothing: {why}"
    return Finding("CG802", "warning", writer, printable(text), detail=f"event '{event.id[:7]}'{older}")


def _closing(blocker: Raised, said: Iterable[Event]) -> Event | None:
    """The first resolution by somebody who may close the blocker."""
    return next((event for event in said if may_resolve(event.writer, blocker)), None)


def _text(event: Event, key: str) -> str:
    value = event.data.get(key)
    return value if isinstance(value, str) else ""
