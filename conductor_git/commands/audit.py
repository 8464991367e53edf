"""`audit`: all of history judged again from raw objects, in a git directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec

from conductor_git.commands.outcome import CANNOT_RUN, DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import accepted
from conductor_git.core.events.ledger import NEVER_FETCHED
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.reruns import judge_rerun
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.reporting.audit import SCHEMA, Audit, Case, Kind, Located, at, count
from conductor_git.core.reporting.auditfold import Auditor, located, signed
from conductor_git.core.reporting.checkpoint import Checkpoint, LedgerMark, Mark, advanced, compare
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.vouchmark import mark_of
from conductor_git.core.say import printable
from conductor_git.core.targets import Oid, Target
from conductor_git.store.auditing import checkpoints
from conductor_git.store.auditing.ground import Ground, fetched_ground, missing_hint, own_ground
from conductor_git.store.auditing.ledgers import read_lines, read_pasts
from conductor_git.store.auditing.objects import check_objects
from conductor_git.store.auditing.reruns import forget, rerun
from conductor_git.store.auditing.rulebook import Rules, find_rules
from conductor_git.store.past.changes import read_authors, read_changes, read_range
from conductor_git.store.past.freezes import with_freezes
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.validation.platform import platform_tag

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
    rerun: bool = False
    """Whether the validations that complete claims stand on are run again."""
    format: Format = "text"


def audit(here: Callable[[], Repository], asked: Asked, *, say: Say, now: int) -> Outcome:
    """Judge everything again; `here` finds the repository where no URL is asked for.

    Raises CannotRun where it cannot be told: something is missing, or cannot be read.
    """
    before = checkpoints.load(asked.checkpoint) if asked.checkpoint else None
    with _ground(here, asked) as (ground, source):
        names = source or ground.repository
        high = _high(asked, names)
        say("checking that each object is what its name says")
        false = check_objects(ground)
        say("reading rules, ledger and history")
        rules = find_rules(ground, asked.control)
        snapshot = take(ground.repository, refs=rules.refs, also=[high] if high else [], use_cache=False)
        _check_whole(ground, snapshot)
        say("judging")
        auditor = Auditor(with_freezes(ground.repository, snapshot, use_cache=False))
        found = _judged(ground, rules, auditor, false, now)
        after = None
        if asked.checkpoint:
            now_here = _checkpoint(rules, snapshot, found)
            case, after = _compared(ground, before, now_here, snapshot, found, asked.checkpoint)
            found = msgspec.structs.replace(found, cases=(*found.cases, case))
        if high:
            found = _within(found, read_range(ground.repository, _low(asked, names), high))
            found = msgspec.structs.replace(found, range=asked.range)
        if asked.rerun:
            found = msgspec.structs.replace(found, cases=(*found.cases, *_run_again(names, auditor, found, say)))
        cases = tuple(signed(found.cases, read_authors(ground.repository, located(found.cases))))
    if after is not None and asked.update:
        checkpoints.save(asked.checkpoint, after)
    clean = not any(case.fails for case in cases)
    found = msgspec.structs.replace(found, cases=cases, counts=count(cases), clean=clean)
    untold = any(case.kind == "rerun" and case.state == "not run" for case in cases)
    return Outcome(REFUSED if not clean else CANNOT_RUN if untold else DONE, _text(found, asked.format), found)


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


def _judged(ground: Ground, rules: Rules, auditor: Auditor, false: list[Finding], now: int) -> Audit:
    repo, snapshot = ground.repository, auditor.snapshot
    board = fold(snapshot, now)
    pasts = read_pasts(ground)
    cases = [_of("objects", ground.origin, "whole", "damaged", false)]
    cases += auditor.ledger_cases(pasts, read_lines(repo, pasts))
    cases += auditor.claim_cases()
    cases += auditor.step_cases()
    cases += auditor.commit_cases(read_changes(repo, [owned.commit for owned in auditor.owned]))
    others = [*rules.findings, *auditor.other_findings(board, cases)]
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
        level_why=board.level_why,
    )


def _of(kind: Kind, name: str, good: str, bad: str, findings: Sequence[Finding]) -> Case:
    state = bad if any(finding.refuses for finding in findings) else good
    told = (finding if isinstance(finding, Located) else at(finding) for finding in findings)
    return Case(kind, name, state, findings=tuple(told))


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
    ground: Ground, before: Checkpoint | None, now: Checkpoint, snapshot: Snapshot, found: Audit, path: str
) -> tuple[Case, Checkpoint]:
    """What went back since the checkpoint, and the next one, which moves on as far as it may."""
    if before is None:
        return _of("checkpoint", path, "begun", "", []), now
    if before.repository != now.repository:
        text = f"checkpoint '{path}' is of repository '{before.repository}', and this is '{now.repository}'"
        raise CannotRun(text, detail="it was left as it is")
    settled = accepted(snapshot.ledger.decisions)

    def contains(newer: Oid, older: Oid) -> bool:
        # 128: the older one is gone, which is what was looked for.
        args = ("merge-base", "--is-ancestor", older, newer)
        return newer == older or ground.repository.git(*args, ok=(0, 1, 128)).code == 0

    said = {_target(case) for case in found.cases if case.kind == "claim" and case.state != "inert"}
    findings = compare(before, now, contains, settled, said)
    return _of("checkpoint", path, "grown", "went back", findings), advanced(before, now, contains, settled, said)


def _run_again(repo: Repository, auditor: Auditor, found: Audit, say: Say) -> Iterator[Case]:
    """One case for each proof that a complete claim stands on. What could not be run is told, and the rest goes on."""
    proofs = auditor.proofs_of(found.cases)
    for number, (proof, commit) in enumerate(proofs, 1):
        case = Case("rerun", proof.digest, "same", commit, plan=proof.target.plan, wave=proof.target.wave)
        if proof.platform != platform_tag():
            yield msgspec.structs.replace(case, state=f"not of {platform_tag()}")
            continue
        say(f"[{number}/{len(proofs)}] {proof.target} on tree '{proof.tree[:7]}': {proof.script}")
        try:
            result = rerun(repo, auditor.snapshot, proof, auditor.snapshot.history.tree(commit) or commit)
        except CannotRun as error:
            told = Finding(
                "CG902", "warning", str(proof.target), f"{proof.target} could not be run again: {error.what}"
            )
            yield msgspec.structs.replace(case, state="not run", findings=(at(told, commit),))
            continue
        findings = judge_rerun(proof, result.outcome, result.results.counts, result.log)
        if not findings:
            forget(result)
        state = "other" if findings else "same"
        yield msgspec.structs.replace(case, state=state, findings=tuple(at(each, commit) for each in findings))


def _checkpoint(rules: Rules, snapshot: Snapshot, found: Audit) -> Checkpoint:
    events = {case.name: case.events for case in found.cases if case.kind == "ledger"}
    ledgers: dict[str, LedgerMark] = {}
    for ref, at_tip in sorted(snapshot.ledger.tips.items(), key=lambda item: events.get(item[0], 0)):
        # Names in git need not be text.
        ledgers[printable(ref.rsplit("/", 1)[-1])] = LedgerMark(at_tip, events.get(ref, 0))
    history = snapshot.history
    tip = history.integration
    landed = history.graph.below([tip.oid] if tip else [])
    proven = [case for case in found.cases if case.kind == "claim" and case.state == "proven"]
    return Checkpoint(
        1,
        snapshot.policy.repository,
        snapshot.policy.since,
        Mark(printable(rules.ref), snapshot.control),
        Mark(printable(tip.ref), tip.oid) if tip else None,
        ledgers,
        {printable(name): found_tip.oid for name, found_tip in sorted(history.branches.items())},
        {_target(case): case.commit for case in proven if case.commit is not None and case.commit not in landed},
        mark_of(snapshot.policy.trust, snapshot.signers),
    )


def _target(case: Case) -> str:
    """The plan or wave that a claim is of, in words."""
    return str(Target(case.plan or "", case.wave))


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
