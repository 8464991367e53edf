"""Saying something to the team: recorded in our own ledger, and sent to where the team looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import Event, Kind
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Target
from conductor_git.store.notes.ledger_push import push_own
from conductor_git.store.notes.recording import record
from conductor_git.store.plumbing.remotes import upstream_of
from conductor_git.store.plumbing.repository import Repository

Say = Callable[[str], None]


def tell_once(
    repo: Repository,
    policy: Policy,
    before: Event | None,
    *,
    writer: str,
    kind: Kind,
    data: dict[str, Any],
    target: Target | None = None,
    now: int,
    say: Say,
) -> Event:
    """Record an event, or take the one that says the same `before`; either is pushed where integration has an upstream.

    A push that fails is only said. Raises CannotRun where it could not be recorded.
    """
    event = before or record(repo, policy, writer=writer, kind=kind, data=data, target=target, now=now)
    try:
        upstream = upstream_of(repo, policy.integration)
        if upstream is not None:
            say(str(push_own(repo, upstream.remote)))
    except CannotRun as error:
        say(f"the ledger was not pushed: {error.what}")
    return event
