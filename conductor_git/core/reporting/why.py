"""What stands in the way of one plan or wave, down to its root, and the one step that helps."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.reporting.board import Board, FreezeStatus, PlanStatus, State, Step, WaveStatus
from conductor_git.core.reporting.lines import frozen_line
from conductor_git.core.reporting.steps import UNMERGEABLE, idle
from conductor_git.core.say import printable, say_findings
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target

SCHEMA = 1


class Why(msgspec.Struct, frozen=True):
    """How one plan or wave stands. `chain` begins with it and ends with the need that all the others wait for."""

    target: Target
    state: State
    commit: Oid | None = None
    findings: tuple[Finding, ...] = ()
    chain: tuple[Target, ...] = ()
    next: Step | None = None
    frozen: tuple[FreezeStatus, ...] = ()
    """What it froze."""

    @property
    def complete(self) -> bool:
        """Whether nothing stands in the way any more."""
        return self.state in ("complete", "merged")


def ask_why(target: Target, snapshot: Snapshot, verdicts: Verdicts, board: Board) -> Why:
    """What stands in the way of a target that is declared."""
    status = board.plan(target.plan)
    shown = None if status is None else _shown(status, target)
    if status is None or shown is None:
        return Why(target, "waiting")
    state = status.state if target.wave is None and status.state != "active" else shown.state
    frozen = tuple(each for each in board.frozen if str(target) in (each.target, each.target.partition(".")[0]))
    if state in ("complete", "merged"):
        # Done, and yet it does not land.
        stuck = tuple(each for each in status.findings if each.code == UNMERGEABLE and each.subject == str(target))
        return Why(target, state, shown.commit, stuck, next=_step(board, target), frozen=frozen)
    findings = _findings(target, snapshot, verdicts, status, shown)
    chain = _chain(target, verdicts)
    return Why(target, state, shown.commit, findings, chain, _helping(chain[-1], findings, board), frozen)


def why_data(found: Why) -> dict[str, Any]:
    """For `--json`."""
    return {
        "schema": SCHEMA,
        "target": str(found.target),
        "state": found.state,
        "complete": found.complete,
        "commit": found.commit,
        "findings": found.findings,
        "chain": [str(target) for target in found.chain],
        "next": found.next,
        "frozen": found.frozen,
    }


def why_text(found: Why, board: Board, now: int) -> str:
    """As people and agents read it."""
    at = f" ({found.commit[:7]})" if found.commit else ""
    if found.complete and not found.findings:
        lines = [f"nothing stands in the way of {found.target}: it is {found.state}{at}"]
    elif found.findings or len(found.chain) > 1:
        lines = [f"{found.target} is {found.state}{at}"]
        lines += say_findings([msgspec.structs.replace(each, hint="") for each in found.findings]).splitlines()
    else:
        lines = [f"nothing stands in the way of {found.target}: it is {found.state}{at}"]
    lines += [frozen_line(each) for each in found.frozen]
    if len(found.chain) > 2:
        lines.append(f"all of it waits for {found.chain[-1]}: {' <- '.join(map(str, found.chain))}")
    if found.next is not None:
        lines.append(f"next: {found.next.who}: {found.next.step}")
        lines += [f"hint: {found.next.command}"] if found.next.command else []
    elif not found.complete:
        status = board.plan(found.chain[-1].plan if found.chain else found.target.plan)
        lines += [idle(board, status.agent, now)] if status and status.agent else []
    return printable("\n".join(filter(None, lines)))


def _shown(status: PlanStatus, target: Target) -> WaveStatus | None:
    if target.wave is None:
        return status.claim
    return next((wave for wave in status.waves if wave.wave == target.wave), None)


def _findings(
    target: Target, snapshot: Snapshot, verdicts: Verdicts, status: PlanStatus, shown: WaveStatus
) -> tuple[Finding, ...]:
    """The plan's own troubles, blockers, what is missing before a claim, and what is wrong with the one that stands."""
    tip = snapshot.history.branches.get(status.branch) or snapshot.history.integration
    order = verdicts.order(target, *([tip.oid] if tip else []))
    troubles = [finding for finding in status.findings if finding.refuses]
    told = [*troubles, *verdicts.blocked(target), *order, *shown.findings]
    return tuple({(finding.code, finding.message): finding for finding in told}.values())


def _chain(target: Target, verdicts: Verdicts) -> tuple[Target, ...]:
    """The first open need of each, down to one that has none; a circle ends where it closes."""
    chain = [target]
    while not verdicts.of(chain[-1]).complete:
        # What is claimed and lacks only what it needs is not helped by a run of its own.
        need = next((need for need in verdicts.open_needs(chain[-1]) if need not in chain), None)
        if need is None:
            break
        chain.append(need)
    return tuple(chain)


def _helping(root: Target, findings: tuple[Finding, ...], board: Board) -> Step | None:
    """The step on what all waits for; where nobody has one, what the first finding says."""
    found = _step(board, root)
    if found is not None:
        return found
    mend = next((finding for finding in findings if finding.hint), None)
    return None if mend is None else Step(CONDUCTOR, mend.message, mend.hint, str(root))


def _step(board: Board, target: Target) -> Step | None:
    """What somebody can do for a target now: a step on itself, else on its plan."""
    steps = [step for step in board.next if step.target == str(target)]
    return next(iter([*steps, *(step for step in board.next if step.target == target.plan)]), None)
