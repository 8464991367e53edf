"""Who has a plan, when two clones said so and others took over."""

from __future__ import annotations

import pytest

from conductor_git.core.events.delegation import Delegation, holder, read_delegation, render_delegation
from conductor_git.core.events.event import Event
from conductor_git.core.targets import Oid


def event(
    id: str, clock: int, agent: str, supersedes: str | None = None, plan: str = "2", by: str = "conductor"
) -> Event:
    """A delegation event."""
    data = render_delegation(
        agent=agent,
        agent_kind="",
        branch="a/b",
        workspace="../w",
        brief="sha256:0",
        supersedes=Oid(supersedes) if supersedes else None,
        reason="it died" if supersedes else "",
    )
    return Event(Oid(id), clock, by, "delegation", 1_700_000_000, data, plan)


def test_an_event_is_read_as_it_was_written() -> None:
    assert read_delegation(event("e2", 2, "agent-9", "e1")) == Delegation(
        event=Oid("e2"),
        plan="2",
        agent="agent-9",
        agent_kind="",
        branch="a/b",
        workspace="../w",
        by="conductor",
        since=1_700_000_000,
        supersedes=Oid("e1"),
        reason="it died",
        brief="sha256:0",
    )


@pytest.mark.parametrize(
    "broken",
    [
        Event(Oid("x"), 1, "conductor", "blocker", 0, {"agent": "a"}, "2"),
        Event(Oid("x"), 1, "conductor", "delegation", 0, {"agent": "a"}, "2"),
        Event(Oid("x"), 1, "conductor", "delegation", 0, {**event("e", 1, "a").data, "agent": 3}, "2"),
        Event(Oid("x"), 1, "conductor", "delegation", 0, event("e", 1, "a").data, None),
    ],
)
def test_what_is_no_delegation_is_none(broken: Event) -> None:
    assert read_delegation(broken) is None


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (None, "agent-5"),
        ("e1", "agent-1"),
        ("e2", "agent-4"),
        ("unknown", None),
    ],
)
def test_the_start_commit_decides_then_the_first_take_over(start: str | None, expected: str | None) -> None:
    events = [
        event("e1", 1, "agent-1"),
        event("e2", 1, "agent-2"),
        event("e3", 2, "agent-3", "e2"),
        event("e4", 3, "agent-4", "e3"),
        event("e5", 4, "agent-5", "e2"),
        event("o1", 5, "agent-6", "e4", plan="3"),
    ]
    found = holder(events, "2", Oid(start) if start else None)
    assert (found.agent if found else None) == expected


@pytest.mark.parametrize(
    ("by", "start", "expected"),
    [
        ("conductor", "e1", "agent-9"),
        ("user-1", "e1", "agent-9"),
        ("agent-1", "e1", "agent-1"),
        ("agent-9", "e1", "agent-1"),
        ("agent-9", None, "agent-1"),
    ],
)
def test_a_plan_is_taken_over_on_the_word_of_who_delegated_it_or_the_conductor(
    by: str, start: str | None, expected: str
) -> None:
    events = [event("e1", 1, "agent-1", by="user-1"), event("e2", 2, "agent-9", "e1", by=by)]
    found = holder(events, "2", Oid(start) if start else None)
    assert (found.agent if found else None) == expected


def test_nobody_has_a_plan_that_no_event_names() -> None:
    assert holder([event("e1", 1, "a", plan="3")], "2", None) is None


def test_events_that_supersede_each_other_do_not_hang_the_reader() -> None:
    events = [event("e1", 1, "agent-1", "e2"), event("e2", 2, "agent-2", "e1")]
    found = holder(events, "2", Oid("e1"))
    assert found is not None
    assert found.agent == "agent-2"
