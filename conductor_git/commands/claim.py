"""`claim`: prove what would be committed now, or find its proof, and commit the claim, in one step."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.commands.outcome import DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.judge import Ruling, Saying, judge_saying
from conductor_git.core.judgement.leftout import judge_left_out
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.messages import message
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.reporting.answer import answer, answer_of
from conductor_git.core.reporting.board import Board, Step
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.steps import idle
from conductor_git.core.reporting.validationtext import beside_lines, failed_lines, running_lines, title
from conductor_git.core.targets import Target
from conductor_git.store.notes.writer import checked_out, speaker
from conductor_git.store.past.conflicts import with_conflicts
from conductor_git.store.plumbing.git import Result, said_by_git
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import Product, beside_index, index_tree, product_of
from conductor_git.store.snapshot import take
from conductor_git.store.team.proposed import proposed_parents
from conductor_git.store.team.subjects import find_target
from conductor_git.store.validation.flights import Say, StillRunning
from conductor_git.store.validation.logs import log_tail
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.validating import Validated, prove

_RUN_MENDS = frozenset(
    {"CG201", "CG202", "CG203", "CG204", "CG205", "CG206", "CG207", "CG621", "CG622", "CG623", "CG624", "CG625"}
)
"""What is wrong for want of a run, and nothing else."""


def claim(
    repo: Repository,
    target: str = "",
    *,
    note: str = "",
    max_seconds: float | None,
    say: Say,
    terminal: bool,
    now: int,
) -> Outcome:
    """Claim a plan or wave with what `git commit` would commit now; of no target, this worktree's lowest open wave.

    Exit codes: committed (or complete before) 0, refused 1, not yet after `max_seconds` 4; the same call goes on.
    Raises CannotRun where nothing can be run or committed.
    """
    snapshot = take(repo, also=proposed_parents(repo))
    found = find_target(repo, snapshot, fold(snapshot, now), target)
    product = product_of(repo, index_tree(repo))
    line = _line(found, note)
    ruling = judge_saying(_saying(repo, snapshot, line, product), snapshot)
    if ruling.target is not None and ruling.target.plan != found.plan:
        # A wave's line names no plan: on this branch it would claim that wave of another one.
        text = f"this branch belongs to plan {ruling.target.plan}, so {title(found)} is not claimed here"
        finding = Finding("CG103", "error", str(found), text, f"conductor-git delegate {found.plan} --resume")
        return _refused(found, product, (finding,))
    standing = [finding for finding in ruling.findings if finding.code not in _RUN_MENDS]
    if refused(standing):
        return _refused(found, product, tuple(standing))
    if _is_repeat(standing):
        return _repeated(repo, found, product, tuple(standing))
    left_out = judge_left_out(found, product.oid, beside_index(repo).unstaged, snapshot)
    if left_out is not None:
        return _refused(found, product, (left_out,))
    check_identity(repo)
    if refused(ruling.findings):
        unproven = _prove(repo, snapshot, found, product, max_seconds, say, terminal, now)
        snapshot = take(repo, also=proposed_parents(repo))
        ruling = judge_saying(_saying(repo, snapshot, line, product), snapshot)
        if unproven is not None and refused(ruling.findings):
            return unproven
    if refused(ruling.findings):
        return _refused(found, product, ruling.findings)
    if _is_repeat(ruling.findings):
        # What was missing was a proof, and now an earlier claim of the same content has it.
        return _repeated(repo, found, product, ruling.findings)
    return _commit(repo, found, product, ruling, now)


def _refused(target: Target, product: Product, why: tuple[Finding, ...]) -> Outcome:
    return Outcome(REFUSED, "", answer(target, "refused", tree=product.oid, findings=why), why, "nothing was committed")


def _repeated(repo: Repository, target: Target, product: Product, why: tuple[Finding, ...]) -> Outcome:
    """Complete before: what is staged is no part of that claim, and must not be taken for committed."""
    head = repo.resolve("HEAD", kind="tree")
    staged = "" if head == product.whole else "; what is staged is still to be committed"
    data = answer(target, "repeated", tree=product.oid, findings=why)
    return Outcome(DONE, f"nothing was committed{staged}", data, why)


def _is_repeat(findings: Iterable[Finding]) -> bool:
    return any(finding.code == "CG106" for finding in findings)


def _line(target: Target, note: str) -> str:
    spoken = message.Claim(wave=target.wave, plan=target.plan if target.wave is None else None, note=note.strip())
    line = message.render_claim(spoken)
    if message.parse(line) != spoken:
        raise CannotRun(
            f"the note '{note}' cannot stand in a claim: it must be one line without control characters",
            detail="nothing was committed",
        )
    return line


def _saying(repo: Repository, snapshot: Snapshot, line: str, product: Product) -> Saying:
    parents, speaks = proposed_parents(repo), speaker(repo, snapshot.ledger.decisions)
    return Saying(f"{line}\n", (), checked_out(repo), (parents,), product.oid, platform_tag(), speaks)


def _prove(
    repo: Repository,
    snapshot: Snapshot,
    target: Target,
    product: Product,
    max_seconds: float | None,
    say: Say,
    terminal: bool,
    now: int,
) -> Outcome | None:
    """Run the validation; None when it passed, else how the claim ends without it."""
    rules = _rules(snapshot, target)
    board = fold(snapshot, now)
    proved = prove(repo, snapshot, board, rules, product, say=say, wait=max_seconds, terminal=terminal)
    if isinstance(proved, StillRunning):
        again = f"conductor-git claim {target}"
        lines = running_lines(target, rules.script, proved.seconds, again)
        wait_on = (Step("you", "wait for the run", again),)
        data = answer(target, "running", tree=product.oid, rules=rules.digest, log=proved.log, next=wait_on)
        return Outcome(NOT_YET, "\n".join([*lines, f"log: {proved.log}"]), data)
    if proved.attestation.passed:
        return None
    return _failed(repo, target, proved, terminal)


def _failed(repo: Repository, target: Target, found: Validated, terminal: bool) -> Outcome:
    beside = beside_index(repo)
    tail = [] if terminal else log_tail(found.log)
    lines = [*failed_lines(found.attestation, found.changed, tail), *beside_lines(beside.unstaged, beside.untracked)]
    lines.append(f"{title(target)} is not claimed; nothing was committed")
    data = answer_of(
        found.attestation,
        reused=found.reused,
        untold=found.untold,
        changed=found.changed,
        unstaged=beside.unstaged,
        untracked=beside.untracked,
        log=found.log or None,
    )
    return Outcome(REFUSED, "\n".join([*lines, *([f"log: {found.log}"] if found.log else [])]), data)


def _rules(snapshot: Snapshot, target: Target) -> RuleSet:
    plan = snapshot.plan(target.plan)
    rules = rules_of(snapshot.policy, plan, target, snapshot.scripts) if plan else None
    if not isinstance(rules, RuleSet):
        raise CannotRun(
            rules.message if rules else f"plan '{target.plan}' is not declared", hint="conductor-git plan list"
        )
    return rules


def _commit(repo: Repository, target: Target, product: Product, ruling: Ruling, now: int) -> Outcome:
    if index_tree(repo) != product.whole:
        raise CannotRun(
            f"what is staged changed while {title(target)} was validated",
            detail="nothing was committed; the proof of the earlier content stands",
            hint=f"conductor-git claim {target}",
        )
    added = [f"--trailer={key}: {value}" for key, value in ruling.trailers]
    args = ["commit", "--quiet", "--allow-empty", "-m", ruling.line, *added]
    done = repo.in_worktree(*args, ok=range(256), writes=True, timeout=None)
    if done.code:
        raise _not_committed(target, done)
    head = repo.resolve("HEAD") or repo.zero
    snapshot = take(repo)
    board = fold(snapshot, now)
    if target.wave is None:
        # Nobody who stops here comes back to see that it does not land.
        board = with_conflicts(repo, snapshot, board)
    trailers = dict(ruling.trailers)
    proof = trailers.get(message.PROOF_TRAILER)
    lines = [f"{title(target)} claimed: {head[:7]} '{ruling.line}'", *([f"proof: {proof}"] if proof else [])]
    beside = beside_index(repo)
    lines += beside_lines(beside.unstaged, beside.untracked)
    lines += _same_as_before(snapshot, board, target, product)
    steps = _steps(board, target)
    lines += _onward(board, steps, target, now)
    lines += _to_share(repo)
    notes = tuple(finding for finding in ruling.findings if not finding.refuses)
    data = answer(
        target,
        "claimed",
        commit=head,
        tree=product.oid,
        proof=proof,
        rules=trailers.get(message.RULES_TRAILER),
        passed=True if proof else None,
        unstaged=beside.unstaged,
        untracked=beside.untracked,
        findings=notes,
        next=steps,
    )
    return Outcome(DONE, "\n".join(lines), data, notes)


def _not_committed(target: Target, done: Result) -> CannotRun:
    said = (done.err + done.out).decode("utf-8", "replace").strip()
    if "File exists" in said and ".lock" in said:
        return CannotRun(
            f"the claim of {title(target)} is not committed: {said_by_git(done.err).removeprefix('fatal: ')}",
            detail="another git command runs, or one that died left its lock; the proof stands",
            hint=f"conductor-git claim {target}    # again, once no other git command runs and the file is gone",
        )
    return CannotRun(f"git did not commit the claim of {title(target)}", detail=said, hint="git status")


def _agent(board: Board, target: Target) -> str:
    status = board.plan(target.plan)
    return status.agent if status else ""


def _steps(board: Board, target: Target) -> tuple[Step, ...]:
    return tuple(step for step in board.next if step.who == _agent(board, target))


def _onward(board: Board, steps: tuple[Step, ...], target: Target, now: int) -> list[str]:
    if steps:
        return [f"next: {steps[0].step}", *([f"hint: {steps[0].command}"] if steps[0].command else [])]
    agent = _agent(board, target)
    return [idle(board, agent, now)] if agent else []


def _same_as_before(snapshot: Snapshot, board: Board, target: Target, product: Product) -> list[str]:
    """A wave that changed nothing is worth a word: perhaps the last claim was simply made twice."""
    status = board.plan(target.plan)
    if status is None or target.wave is None:
        return []
    for wave in status.waves:
        if wave.wave != target.wave and wave.commit and snapshot.history.product(wave.commit) == product.oid:
            return [f"note: the content is the same as that of {target.plan}.{wave.wave}, claimed at {wave.commit[:7]}"]
    return []


def _to_share(repo: Repository) -> list[str]:
    """Where others look at a remote: neither claim nor proof is there yet."""
    remotes = repo.git("remote").lines()
    remote = "origin" if "origin" in remotes else next(iter(remotes), "")
    return [f"to share it: git push {remote} HEAD 'refs/notes/conductor/*'"] if remote else []
