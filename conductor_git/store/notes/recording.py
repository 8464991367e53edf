"""Recording an event as the policy wants it: of the size that it allows, and signed where it says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conductor_git.core.events.event import Event, Kind
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.signing import signing_for
from conductor_git.store.plumbing.repository import Repository


def record(
    repo: Repository,
    policy: Policy,
    *,
    writer: str,
    kind: Kind,
    data: dict[str, Any],
    target: Target | None = None,
    now: int,
    parents: Sequence[Oid] = (),
) -> Event:
    """Record one event, signed where the policy wants that or a key is there. Otherwise as `ledger.append`.

    Raises CannotRun where it must be signed and cannot be; then nothing was recorded.
    """
    return append(
        repo,
        writer=writer,
        kind=kind,
        data=data,
        target=target,
        now=now,
        parents=parents,
        event_bytes=policy.limits.event_bytes,
        signing=signing_for(repo, policy, writer, kind, data),
    )
