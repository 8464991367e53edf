"""Landings in the ledger: what landed and by which proof, and what was recorded and never came there."""

from __future__ import annotations

from typing import Any

from conductor_git.core.events.event import Event
from conductor_git.core.events.landings import claim_of, standing_landings
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.evidence import Attestations
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.policy import Policy
from conductor_git.core.standing import CONDUCTOR
from conductor_git.store.landing.journal import Journal, Landing
from conductor_git.store.notes.ledger import Draft, append_many, read_ledger
from conductor_git.store.notes.signing import signing_for
from conductor_git.store.plumbing.repository import Repository


def record_landings(repo: Repository, policy: Policy, journal: Journal, *, now: int) -> None:
    """Record each landing of a journal once. The claimed commits become parents of the ledger's commit: they live and
    travel with it when branches are squashed or deleted.

    Raises CannotRun, and then nothing was recorded.
    """
    there = {event.data.get("commit") for event in _standing(repo)}
    missing = [landing for landing in journal.landings if landing.commit not in there]
    drafts = [Draft("landing", _data(journal, landing), landing.target) for landing in missing]
    _append(repo, policy, drafts, now, tuple(landing.source for landing in missing))


def withdraw_landings(repo: Repository, policy: Policy, journal: Journal, *, why: str, now: int) -> None:
    """Say of each landing of a journal that is recorded that it never came there. Raises CannotRun."""
    commits = {landing.commit for landing in journal.landings}
    drafts = [
        Draft("resolution", {"landing": event.id, "commit": event.data["commit"], "message": why}, event.target)
        for event in _standing(repo)
        if event.data.get("commit") in commits
    ]
    _append(repo, policy, drafts, now)


def record_request(repo: Repository, policy: Policy, journal: Journal, branch: str, *, now: int) -> None:
    """Record once what somebody else is asked to merge. It names no commit that landed, so nothing is said to have."""
    there = {event.data.get("result") for event in read_ledger(repo).events if "request" in event.data}
    missing = [landing for landing in journal.landings if landing.commit not in there]
    drafts = []
    for landing in missing:
        data = _data(journal, landing)
        data |= {"request": branch, "result": data.pop("commit")}
        drafts.append(Draft("landing", data, landing.target))
    _append(repo, policy, drafts, now, tuple(landing.source for landing in missing))


def keep_squashed(repo: Repository, snapshot: Snapshot, claims: Claims, *, now: int) -> None:
    """Record the landings of squashes that nobody recorded, so that the ledger holds their claims. Raises CannotRun."""
    history, policy = snapshot.history, snapshot.policy
    kept = {claim_of(event) for event in snapshot.ledger.decisions}
    said = {each.commit: each.target for each in claims.all_said()}
    known = Attestations(snapshot.ledger)
    for step, brought in history.squashes.items():
        missing = [claim for claim in brought if claim in said and claim not in kept]
        proofs = {
            claim: next(
                (found.digest for found in known.of(said[claim])[::-1] if found.tree == history.product(step)), ""
            )
            for claim in missing
        }
        landings = tuple(
            Landing(str(said[claim]), said[claim], claim, step, proof) for claim, proof in proofs.items() if proof
        )
        journal = Journal(policy.integration_ref, history.parents_in_git(step)[0], step, landings, now)
        drafts = [Draft("landing", _data(journal, landing), landing.target) for landing in landings]
        _append(repo, policy, drafts, now, tuple(landing.source for landing in landings))


def _standing(repo: Repository) -> list[Event]:
    return standing_landings(read_ledger(repo).events)


def _append(repo: Repository, policy: Policy, drafts: list[Draft], now: int, parents: tuple[Any, ...] = ()) -> None:
    if not drafts:
        return
    append_many(
        repo,
        writer=CONDUCTOR,
        drafts=drafts,
        now=now,
        parents=parents,
        event_bytes=policy.limits.event_bytes,
        signing=signing_for(repo, policy, CONDUCTOR, drafts[0].kind, drafts[0].data),
    )


def _data(journal: Journal, landing: Landing) -> dict[str, Any]:
    return {
        "commit": landing.commit,
        "claim": landing.source,
        "proof": landing.proof,
        "branch": journal.ref.removeprefix("refs/heads/"),
        "onto": journal.base,
    }
