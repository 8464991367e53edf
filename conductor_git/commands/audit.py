"""`audit`: all of history judged again from raw objects, in a git directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import accepted
from conductor_git.core.events.ledger import NEVER_FETCHED
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.reporting.audit import SCHEMA, Audit, Case, Kind, at, count
from conductor_git.core.reporting.auditfold import Auditor, located, signed
from conductor_git.core.reporting.checkpoint import Checkpoint, LedgerMark, Mark, advanced, compare
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid
from conductor_git.store.auditing import checkpoints
from conductor_git.store.auditing.changes import read_authors, read_changes, read_range
from conductor_git.store.auditing.ground import Ground, fetched_ground, missing_hint, own_ground
from conductor_git.store.auditing.ledgers import read_lines, read_pasts
from conductor_git.store.auditing.objects import check_objects
from conductor_git.store.auditing.rulebook import Rules, find_rules
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take

Format = Literal["text", "json", "junit"]
Say = Callable[[str], None]


class Asked(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    url: str = ""
    control: str = ""
    """The branch that the rules are to be read from; empty is found as a clone without configuration finds it."""
    checkpoint: str = ""
    update: bool = True
    """Whether the checkpoint is written."""
    range: str = ""
    """`A..B`: only what B has and A has not is told."""
    format: Format = "text"


def audit(here: Callable[[], Repository], asked: Asked, *, say: Say, now: int) -> Outcome:
    """Judge everything again; `here` finds the repository where no URL is asked for.

    Raises CannotRun where it cannot be told: something is missing, or cannot be read.
    """
    before = checkpoints.load(asked.checkpoint) if asked.checkpoint else None
    with _ground(here, asked) as (ground, source):
        high = _high(asked, source or ground.repository)
        say("checking that each object is what its name says")
        false = check_objects(ground)
        say("reading rules, ledger and history")
        rules = find_rules(ground, asked.control)
        snapshot = take(ground.repository, refs=rules.refs, also=[high] if high else [])
        _check_whole(ground, snapshot)
        say("judging")
        found = _judged(ground, rules, snapshot, false, now)
        if before is not None or asked.checkpoint:
            found = _compared(ground, rules, snapshot, found, before, asked)
        if high:
            found = _within(found, read_range(ground.repository, _low(asked, source or ground.repository), high))
            found = msgspec.structs.replace(found, range=asked.range)
        cases = tuple(signed(found.cases, read_authors(ground.repository, located(found.cases))))
    clean = not any(case.fails for case in cases)
    found = msgspec.structs.replace(found, cases=cases, counts=count(cases), clean=clean)
    return Outcome(DONE if clean else REFUSED, _text(found, asked.format), found)


@contextmanager
def _ground(here: Callable[[], Repository], asked: Asked) -> Iterator[tuple[Ground, Repository | None]]:
    """Where to judge, and the repository whose names the range is made of; None where that is the ground itself."""
    if asked.url:
        with fetched_ground(asked.url) as ground:
            yield ground, None
    else:
        source = here()
        with own_ground(source) as ground:
            yield ground, source


def _judged(ground: Ground, rules: Rules, snapshot: Snapshot, false: list[Finding], now: int) -> Audit:
    repo = ground.repository
    auditor = Auditor(snapshot)
    board = fold(snapshot, now)
    pasts = read_pasts(ground)
    cases = [_of("objects", ground.origin, "whole", "damaged", false)]
    cases += auditor.ledger_cases(pasts, read_lines(repo, pasts))
    cases += auditor.claim_cases()
    cases += auditor.step_cases()
    cases += auditor.commit_cases(read_changes(repo, [owned.commit for owned in auditor.owned]))
    others = [*rules.findings, *auditor.lost_landings(), *auditor.other_findings(board, cases)]
    cases.insert(1, _of("rules", rules.ref, "obeyed", "broken", others))
    tip = snapshot.history.integration
    return Audit(
        schema=SCHEMA,
        audited=ground.origin,
        level=board.level,
        integration=snapshot.policy.integration,
        integration_tip=tip.oid if tip else None,
        control=rules.ref,
        control_tip=snapshot.control,
        since=snapshot.policy.since,
        range="",
        clean=False,
        counts={},
        cases=tuple(cases),
    )


def _of(kind: Kind, name: str, good: str, bad: str, findings: list[Finding]) -> Case:
    state = bad if any(finding.refuses for finding in findings) else good
    return Case(kind, name, state, findings=tuple(map(at, findings)))


def _check_whole(ground: Ground, snapshot: Snapshot) -> None:
    """Raise CannotRun where part of what must be judged is not here."""
    from conductor_git.core.judgement.claims import Claims
    from conductor_git.core.judgement.integration import judge_steps
    from conductor_git.core.judgement.verdicts import Verdicts

    if not snapshot.history.since_known:
        claims = Claims(snapshot.history, snapshot.plans)
        for finding in judge_steps(snapshot, claims, Verdicts(snapshot, claims)).findings:
            raise CannotRun(
                f"cannot tell: {finding.message}", hint=_fetch(ground) or finding.hint, detail=finding.detail
            )
    if not snapshot.ledger.fetched:
        raise CannotRun(f"cannot tell: {NEVER_FETCHED.message}", hint=NEVER_FETCHED.hint)
    if snapshot.history.untold:
        commit = min(snapshot.history.untold)
        raise CannotRun(f"cannot tell: what merge '{commit[:12]}' merged is not all here", hint=missing_hint(ground))


def _fetch(ground: Ground) -> str:
    return missing_hint(ground) if ground.shallow else ""


def _compared(
    ground: Ground, rules: Rules, snapshot: Snapshot, found: Audit, before: Checkpoint | None, asked: Asked
) -> Audit:
    """The audit with what went back since the checkpoint, which moves on as far as it may."""
    if before is not None and before.repository != snapshot.policy.repository:
        raise CannotRun(
            f"checkpoint '{asked.checkpoint}' is of repository '{before.repository}', and this is "
            f"'{snapshot.policy.repository}'",
            detail="it was left as it is",
        )
    now = _checkpoint(rules, snapshot, found)
    settled = accepted(snapshot.ledger.events)

    def contains(newer: Oid, older: Oid) -> bool:
        # 128: the older one is gone, which is what was looked for.
        args = ("merge-base", "--is-ancestor", older, newer)
        return newer == older or ground.repository.git(*args, ok=(0, 1, 128)).code == 0

    findings = compare(before, now, contains, settled) if before else []
    if asked.update:
        checkpoints.save(asked.checkpoint, advanced(before, now, contains, settled) if before else now)
    case = _of("checkpoint", asked.checkpoint, "grown" if before else "begun", "went back", findings)
    return msgspec.structs.replace(found, cases=(*found.cases, case))


def _checkpoint(rules: Rules, snapshot: Snapshot, found: Audit) -> Checkpoint:
    events = {case.name: case.events for case in found.cases if case.kind == "ledger"}
    ledgers: dict[str, LedgerMark] = {}
    for ref, at_tip in sorted(snapshot.ledger.tips.items(), key=lambda item: events.get(item[0], 0)):
        ledgers[ref.rsplit("/", 1)[-1]] = LedgerMark(at_tip, events.get(ref, 0))
    tip = snapshot.history.integration
    return Checkpoint(
        1,
        snapshot.policy.repository,
        snapshot.policy.since,
        Mark(rules.ref, snapshot.control),
        Mark(tip.ref, tip.oid) if tip else None,
        ledgers,
    )


def _within(found: Audit, commits: frozenset[Oid]) -> Audit:
    """The audit with those claims, steps and commits only; what is not of a commit is told whatever the range is."""
    kept = tuple(case for case in found.cases if case.kind not in ("claim", "step", "commit") or case.commit in commits)
    return msgspec.structs.replace(found, cases=kept)


def _high(asked: Asked, repo: Repository) -> Oid | None:
    if not asked.range:
        return None
    low, dots, high = asked.range.partition("..")
    if not dots or not low or high.startswith("."):
        raise CannotRun(f"'{asked.range}' is no range", hint="conductor-git audit --range origin/main..HEAD")
    return _commit(repo, high or "HEAD")


def _low(asked: Asked, repo: Repository) -> Oid:
    return _commit(repo, asked.range.partition("..")[0])


def _commit(repo: Repository, name: str) -> Oid:
    found = repo.resolve(name)
    if found is None:
        raise CannotRun(f"'{name}' is no commit here", hint="git fetch")
    return found


def _text(found: Audit, form: Format) -> str:
    if form == "json":
        return ""
    if form == "junit":
        from conductor_git.core.reporting.auditjunit import render_junit

        return render_junit(found)
    from conductor_git.core.reporting.auditreport import render_audit

    return render_audit(found)
