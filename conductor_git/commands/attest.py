"""`attest --manual`: what people gave a wave, as evidence of its content."""

from __future__ import annotations

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import MANUAL, PEOPLE, Attestation
from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid
from conductor_git.store.notes.telling import Say, tell_once
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import index_tree, product_of
from conductor_git.store.snapshot import take
from conductor_git.store.team.subjects import find_target

SCHEMA = 1


def attest(repo: Repository, target: str, *, scores: tuple[float, ...], now: int, say: Say) -> Outcome:
    """Record the scores for the content that the wave's newest claim has, else for what would be committed now.

    Raises CannotRun where the wave asks for no scores.
    """
    snapshot = take(repo)
    about = find_target(repo, snapshot, fold(snapshot, now), target)
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    rules = verdicts.rules(about)
    if isinstance(rules, Finding):
        return Outcome(REFUSED, data={"schema": SCHEMA, "target": str(about), "recorded": False}, findings=(rules,))
    if rules.manual is None:
        raise CannotRun(
            f"{about} asks for no scores: its wave has no 'manual'",
            detail="nothing was recorded",
            hint=f"conductor-git plan show {about.plan}",
        )
    standing = verdicts.standing(about)
    tree = standing[-1].product if standing else product_of(repo, index_tree(repo)).oid
    made = _made(snapshot, rules, tree, scores, whoami(repo, snapshot.plans).name, now)
    before = _same(snapshot, verdicts, made)
    data = {"statement": attestation.statement(made)}
    event = tell_once(
        repo, snapshot.policy, before, writer=made.writer, kind="attestation", data=data, target=about, now=now, say=say
    )
    average = sum(scores) / len(scores)
    asked = f"asked: {rules.manual.people} people, at least {rules.manual.at_least:g} on average"
    met = len(scores) >= rules.manual.people and average >= rules.manual.at_least
    text = f"{len(scores)} people gave {about} {average:g} on average, tree '{tree[:7]}' ({asked})"
    values = {
        "schema": SCHEMA,
        "target": str(about),
        "tree": tree,
        "scores": scores,
        "average": average,
        "met": met,
        "event": event.id,
        "recorded": before is None,
    }
    return Outcome(DONE if met else REFUSED, text, values)


def _made(
    snapshot: Snapshot, rules: RuleSet, tree: Oid, scores: tuple[float, ...], writer: str, now: int
) -> Attestation:
    return Attestation(
        target=rules.target,
        tree=tree,
        passed=True,
        outcome="passed",
        repository=snapshot.policy.repository,
        rules=rules.digest,
        script=MANUAL,
        script_digest="",
        control=snapshot.control,
        platform=PEOPLE,
        writer=writer,
        started=now,
        ended=now,
        scores=scores,
    )


def _same(snapshot: Snapshot, verdicts: Verdicts, made: Attestation) -> Event | None:
    """The event by which this writer's newest scores of the same content were these."""
    said = verdicts.attestations.scored.get(made.target, [])
    if not said or (said[-1].tree, said[-1].rules, said[-1].scores, said[-1].writer) != (
        made.tree,
        made.rules,
        made.scores,
        made.writer,
    ):
        return None
    return next((event for event in snapshot.ledger.events if event.id == said[-1].event), None)
