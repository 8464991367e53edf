"""`reopen`, `waive` and `accept`: decisions that go on the record."""

from __future__ import annotations

from typing import Any

from conductor_git.commands.outcome import NOT_YET, REFUSED, Outcome
from conductor_git.core.durations import utc
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import may_reopen
from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.waiving import WAIVABLE, read_waivers, why_not
from conductor_git.core.planning.rules import integration_as_plan, rules_of
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.validationtext import failed_lines, running_lines
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import INTEGRATION, Oid
from conductor_git.store.notes.telling import Say, tell_once
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.snapshot import take
from conductor_git.store.team.subjects import find_target
from conductor_git.store.validation.flights import StillRunning
from conductor_git.store.validation.validating import prove

SCHEMA = 1
_UNCHANGED = "nothing was recorded"


def reopen(repo: Repository, target: str, *, reason: str, now: int, say: Say) -> Outcome:
    """Take back every claim of a plan or wave that stands. Raises CannotRun where there is no such plan or wave."""
    why = _reason(reason)
    snapshot = take(repo)
    about = find_target(repo, snapshot, fold(snapshot, now), target)
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    writer, agent = whoami(repo, snapshot.plans).name, verdicts.agent(about.plan)
    if not may_reopen(writer, agent):
        text = f"{about} is reopened by the conductor or '{agent}', who has the plan, and this is '{writer}'"
        return _refused(about, text, "conductor-git whoami")
    # Each for itself: the newest may be rewound, and those below it are not to come back.
    standing = tuple(said.commit for said in verdicts.standing(about))
    events = []
    for commit in standing:
        data = {"commit": commit, "reason": why}
        policy = snapshot.policy
        events.append(
            tell_once(repo, policy, None, writer=writer, kind="reopening", data=data, target=about, now=now, say=say)
        )
    text = f"{about} is reopened: what was claimed up to {', '.join(commit[:7] for commit in standing)} counts no more"
    lines = [text, f"next: conductor-git claim {about}    # once the work is mended"]
    if any(commit in verdicts.claims.landed for commit in standing):
        lines.append(f"note: it has landed; what stands on '{snapshot.policy.integration}' stays there")
    said = "\n".join(lines) if standing else f"no claim of {about} stands; there is nothing to take back"
    return Outcome(text=said, data=_data(str(about), "reopening", events, commits=standing))


def waive(repo: Repository, rule: str, target: str, *, reason: str, seconds: int, now: int, say: Say) -> Outcome:
    """Let a rule pass for a plan or wave until so many seconds from now, as the conductor.

    Raises CannotRun where there is no such plan or wave.
    """
    why = _reason(reason)
    snapshot = take(repo)
    about = find_target(repo, snapshot, fold(snapshot, now), target)
    if seconds < 1:
        raise CannotRun("a waiver counts for some time: '--for' is a span like 2h or 7d", detail=_UNCHANGED)
    rule = rule.upper() if rule.upper() in WAIVABLE else rule
    writer = whoami(repo, snapshot.plans).name
    if writer != CONDUCTOR:
        text = f"only the conductor waives, and this worktree's writer is '{writer}'"
        return _refused(about, text, "conductor-git whoami")
    rules = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans)).rules(about)
    problem = why_not(rule, None if isinstance(rules, Finding) else rules)
    if problem:
        finding = Finding("CG805", "error", str(about), problem, f"conductor-git plan show {about.plan}")
        return Outcome(REFUSED, data=_data(str(about), "waiver", []), findings=(finding,), unchanged=_UNCHANGED)
    standing = [each for each in read_waivers(snapshot.ledger.decisions) if now < each.until]
    same = {each.event for each in standing if (each.target, each.rule, each.reason) == (about, rule, why)}
    before = next((event for event in snapshot.ledger.decisions if event.id in same), None)
    data = {"rule": rule, "reason": why, "until": now + seconds}
    event = tell_once(
        repo, snapshot.policy, before, writer=writer, kind="waiver", data=data, target=about, now=now, say=say
    )
    text = f"{rule} is waived for {about} until {utc(event.data['until'])}{' already' if before else ''}"
    return Outcome(text=text, data=_data(str(about), "waiver", [] if before else [event]))


def accept(
    repo: Repository, commit: str, *, reason: str, max_seconds: float | None, say: Say, terminal: bool, now: int
) -> Outcome:
    """Settle on the record what is wrong with a commit, once its content passed the policy's validation.

    Exit codes: accepted 0, refused 1, not yet after `max_seconds` 4. Raises CannotRun where there is no such commit.
    """
    why = _reason(reason)
    found = repo.resolve(commit)
    if found is None:
        raise CannotRun(f"'{commit}' is no commit in this repository", hint="conductor-git status")
    snapshot = take(repo)
    writer = whoami(repo, snapshot.plans).name
    if writer != CONDUCTOR:
        return _refused(
            found, f"only the conductor accepts, and this worktree's writer is '{writer}'", "conductor-git whoami"
        )
    before = _accepted(snapshot, found)
    proven = None if before else _validated(repo, snapshot, found, max_seconds, say, terminal, now)
    if proven is not None:
        return proven
    data = {"commit": found, "reason": why}
    event = tell_once(repo, snapshot.policy, before, writer=writer, kind="acceptance", data=data, now=now, say=say)
    text = f"commit {found[:7]} {'was accepted before' if before else 'is accepted'}"
    return Outcome(text=text, data=_data(found, "acceptance", [] if before else [event], commits=(found,)))


def _validated(
    repo: Repository, snapshot: Snapshot, commit: Oid, wait: float | None, say: Say, terminal: bool, now: int
) -> Outcome | None:
    """None where the content passes, or nothing is there to judge it; else how it ended."""
    rules = rules_of(snapshot.policy, integration_as_plan(snapshot.policy), INTEGRATION, snapshot.scripts)
    if isinstance(rules, Finding):
        say(f"{commit[:7]} is accepted without a run: {rules.message}")
        return None
    tree = repo.resolve(commit, kind="tree")
    if tree is None:
        raise CannotRun(f"the tree of '{commit[:7]}' is not in this repository", hint="git fsck")
    product = product_of(repo, tree)
    if not product.raw:
        return None
    board = fold(snapshot, now)
    proved = prove(repo, snapshot, board, rules, product, say=say, wait=wait, terminal=terminal, landing=True)
    if isinstance(proved, StillRunning):
        again = f"conductor-git accept {commit[:12]} --reason 'WHY'"
        lines = running_lines(INTEGRATION, rules.script, proved.seconds, again)
        return Outcome(NOT_YET, "\n".join([*lines, f"log: {proved.log}"]), _data(commit, "acceptance", []))
    if proved.attestation.passed:
        return None
    finding = Finding(
        "CG202",
        "error",
        commit,
        f"commit {commit[:7]} does not pass {rules.script}, so it is not accepted",
        f"git revert {commit[:12]}    # or mend it in a commit on top, and accept that",
    )
    lines = failed_lines(proved.attestation, proved.changed, [])
    return Outcome(REFUSED, "\n".join(lines), _data(commit, "acceptance", []), (finding,), _UNCHANGED)


def _accepted(snapshot: Snapshot, commit: Oid) -> Event | None:
    said = (event for event in snapshot.ledger.decisions if event.kind == "acceptance" and event.writer == CONDUCTOR)
    return next((event for event in said if event.data.get("commit") == commit), None)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise CannotRun("a decision goes on the record: it needs a reason", detail=_UNCHANGED)
    return reason.strip()


def _refused(subject: object, text: str, hint: str) -> Outcome:
    finding = Finding("CG802", "error", str(subject), text, hint)
    return Outcome(REFUSED, data=_data(str(subject), "", []), findings=(finding,), unchanged=_UNCHANGED)


def _data(subject: str, kind: str, events: list[Event], *, commits: tuple[Oid, ...] = ()) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "subject": subject,
        "kind": kind,
        "commits": commits,
        "events": [event.id for event in events],
        "recorded": bool(events),
    }
