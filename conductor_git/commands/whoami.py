"""`conductor-git whoami`: under which name this worktree writes to the ledger, and why."""

from __future__ import annotations

import msgspec

from conductor_git.commands.outcome import Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Plan
from conductor_git.core.say import printable
from conductor_git.store.control.control import read_control
from conductor_git.store.notes.writer import Role, branch_plan, executor_here
from conductor_git.store.notes.writer import whoami as find_writer
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take

_ROLES: dict[Role, str] = {
    "conductor": "the conductor",
    "orchestrator": "a plan's orchestrator",
    "executor": "an executor",
    "runner": "a runner",
    "user": "a user",
}


def whoami(repo: Repository) -> Outcome:
    """The writer, what it may do, and the plan of this worktree.

    Raises CannotRun where a name was given that cannot be a writer's.
    """
    plans = _plans(repo)
    writer = find_writer(repo, plans)
    if writer.role in ("executor", "orchestrator"):
        writer = msgspec.structs.replace(writer, role=_role(repo, writer.name))
    plan, part = branch_plan(repo, plans), executor_here(repo, plans)
    # Whoever leads the plan may look at what an executor did, on the very branch.
    wave = part.target if part and writer.role == "executor" else None
    role = f"executor of {wave}" if wave else _ROLES[writer.role]
    lines = [f"{writer.name}: {role} ({writer.why})"]
    if plan is not None:
        lines.append(f"plan {plan}")
    data = {"schema": 1, "writer": writer.name, "role": writer.role, "why": writer.why, "plan": plan}
    data["wave"] = None if wave is None else wave.wave
    return Outcome(text=printable("\n".join(lines)), data=data)


def _role(repo: Repository, name: str) -> Role:
    """Who has a plan, the ledger knows better than the plan's file: it may have been taken over."""
    snapshot = take(repo)
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    return "orchestrator" if any(verdicts.agent(plan.plan) == name for plan in snapshot.plans) else "executor"


def _plans(repo: Repository) -> tuple[Plan, ...]:
    try:
        return read_control(repo).plans
    except CannotRun:
        # Who somebody is, is asked most of all where something is not set up yet.
        return ()
