"""The next safe step and who takes it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conductor_git.core.durations import ago
from conductor_git.core.events.shortids import SHOWN
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Board, Executor, PlanStatus, Step, WaveStatus
from conductor_git.core.standing import CONDUCTOR, SCORES

_TO_MEND = frozenset({"CG210", "CG701", "CG703", "CG704", "CG705", "CG706"})
"""What keeps a plan from being claimed until its file, or what it names, is changed."""

_A_RUNNER = "a runner"

UNMERGEABLE = "CG511"
"""What is said of a complete plan that does not merge into integration."""

_PROVE = "prove what"


def next_steps(board: Board) -> tuple[Step, ...]:
    """Alarms first, then what does not merge, what lands, what each agent does, and what can be delegated."""
    alarms = [
        Step(CONDUCTOR, finding.message, finding.hint) for finding in board.findings if finding.severity == "alarm"
    ]
    settling = [_about(step, status) for status in board.plans for step in _settling(status, board.integration)]
    landing = [_about(step, status) for status in board.plans for step in _landing(status, board.integration)]
    working = [_about(step, status) for status in board.plans for step in _working(status)]
    missing = next((finding for finding in board.findings if finding.code == "CG604"), None)
    if missing is not None:
        # Nobody proves again what may be proven.
        working = [step for step in working if not step.step.startswith(_PROVE)]
        working.insert(0, Step("you", "fetch the ledger of the others", missing.hint))
    ready = [
        Step(
            CONDUCTOR,
            f"delegate plan {status.plan} to {status.agent}",
            f"conductor-git delegate {status.plan}",
            status.plan,
        )
        for status in board.plans
        if not status.delegated and status.tip is None and status.state in ("ready", "waiting") and not status.findings
    ]
    return (*alarms, *settling, *landing, *working, *ready)


def steps_of(status: PlanStatus, integration: str) -> tuple[Step, ...]:
    """The steps of one plan that is delegated, in their order, whoever takes them."""
    return (*_settling(status, integration), *_landing(status, integration), *_working(status))


def _about(step: Step, status: PlanStatus) -> Step:
    """The step with its plan as what it brings on, where it says nothing more exact."""
    return step if step.target else msgspec.structs.replace(step, target=status.plan)


def _settling(status: PlanStatus, integration: str) -> Iterator[Step]:
    stuck = _unmergeable(status)
    # What is blocked cannot be claimed.
    if stuck is not None and not status.blockers:
        text = f"settle plan {status.plan} with '{integration}', then claim it again"
        yield Step(status.agent or CONDUCTOR, text, stuck.hint)


def _unmergeable(status: PlanStatus) -> Finding | None:
    return next((finding for finding in status.findings if finding.code == UNMERGEABLE), None)


def _landing(status: PlanStatus, integration: str) -> Iterator[Step]:
    if status.state != "complete" or status.claim.commit is None:
        return
    if status.blockers:
        yield from _answering(status, "; it lands after that")
    elif _unmergeable(status) is None:
        yield Step(
            CONDUCTOR,
            f"land plan {status.plan} on '{integration}'",
            f"conductor-git merge {status.plan}",
        )


def _working(status: PlanStatus) -> Iterator[Step]:
    if status.state in ("merged", "complete"):
        return
    wrong = next((finding for finding in status.findings if finding.code in _TO_MEND), None)
    if wrong is not None:
        what = wrong.subject if wrong.code == "CG701" else f"plan {status.plan}"
        yield Step(CONDUCTOR, f"mend {what} [{wrong.code}]", "conductor-git plan check")
    if not status.agent:
        return
    if status.state == "claimed":
        yield from _unproven(status, status.claim.awaiting, status.claim.findings and status.claim.findings[0].hint)
        return
    if not status.delegated and status.tip is None:
        return
    current = next((wave for wave in status.waves if wave.wave == status.current), None)
    if status.state == "blocked":
        yield from _answering(status)
    elif reverted := next((finding for finding in status.findings if finding.code == "CG509"), None):
        yield Step(status.agent, f"bring back what plan {status.plan} had landed, then claim it again", reverted.hint)
    elif current is None:
        yield Step(status.agent, f"claim plan {status.plan}", f"conductor-git claim {status.plan}")
    elif current.state == "claimed":
        yield from _unproven(status, current.awaiting, current.findings and current.findings[0].hint)
    yield from (_take_in(status, executor) for wave in status.waves for executor in wave.executors if executor.ahead)
    # What waits for others holds nobody up who has something else to do.
    yield from (_work(status, wave) for wave in status.waves if wave.state in ("active", "ready"))


def _work(status: PlanStatus, wave: WaveStatus) -> Step:
    target = f"{status.plan}.{wave.wave}"
    if wave.missing:
        commits = " ".join(oid[:12] for oid in wave.missing)
        return Step(status.agent, f"take in what {target} needs, on its branch", f"git merge {commits}", target)
    return Step(status.agent, f"work on {target}, commit, then claim it", f"conductor-git claim {target}", target)


def _take_in(status: PlanStatus, executor: Executor) -> Step:
    return Step(status.agent, f"take in what {executor.name} committed", f"git merge {executor.branch}")


def _answering(status: PlanStatus, then: str = "") -> Iterator[Step]:
    """The first blocker that nobody answered, for the conductor; where all are, for those who raised them to go on."""
    waiting = next((blocker for blocker in status.blockers if not blocker.guidance), None)
    if waiting is not None:
        command = f"conductor-git guide {waiting.id[:SHOWN]} -m 'WHAT TO DO'" if waiting.id else ""
        yield Step(CONDUCTOR, f"answer the blocker on {waiting.target}{then}", command)
    elif status.blockers:
        first = status.blockers[0]
        text = f"settle the blocker on {first.target} as the conductor said{then}"
        yield Step(first.writer, text, f"conductor-git resolve {first.id[:SHOWN]}")


def _unproven(status: PlanStatus, awaiting: tuple[str, ...], hint: str | tuple[object, ...]) -> Iterator[Step]:
    scores = [what for what in awaiting if what.startswith(SCORES)]
    if scores and len(scores) == len(awaiting):
        target = status.plan if status.current is None else f"{status.plan}.{status.current}"
        command = f"conductor-git attest {target} --manual --scores 8,7,9    # what each of them gave"
        yield Step(CONDUCTOR, f"record the {scores[0]} for {target}", command)
    elif awaiting:
        said = status.claim if status.current is None else next(w for w in status.waves if w.wave == status.current)
        target = status.plan if status.current is None else f"{status.plan}.{status.current}"
        by_machines = said.commit is not None and not scores and _A_RUNNER not in awaiting
        run = f"conductor-git validate {target} --commit {(said.commit or '')[:12]}    # there" if by_machines else ""
        yield Step("others", f"plan {status.plan} awaits {', '.join(awaiting)}", run)
    else:
        yield Step(status.agent, f"{_PROVE} plan {status.plan} claims", hint if isinstance(hint, str) else "")


def idle(board: Board, agent: str, now: int) -> str:
    """What to tell an agent that has no step: why, and that it may stop; empty when it has one."""
    if any(step.who == agent for step in board.next):
        return ""
    own = [status for status in board.plans if status.agent == agent and status.state != "merged"]
    waiting = []
    for status in own:
        needs = ", ".join(_need(board, need, now) for need in status.waiting_for)
        if needs:
            waiting.append(f"{status.plan}.{status.current} waits for {needs}")
    why = f": {'; '.join(waiting)}" if waiting else ""
    return f"nothing to do for {agent}{why}. You may stop here."


def _need(board: Board, need: str, now: int) -> str:
    """A need with who is on it and how long ago there was a sign of life."""
    plan, _, number = need.partition(".")
    status = board.plan(plan)
    if status is None:
        return f"{need} (no such plan)"
    wave = next((wave for wave in status.waves if number == str(wave.wave)), None)
    state = status.state if wave is None else wave.state
    seen = "" if status.last_activity is None else f", {ago(now - status.last_activity)}"
    return f"{need} ({status.agent or 'nobody'}, {state}{seen})"
