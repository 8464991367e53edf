"""What somebody wants to land, by name."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.landing.admission import Wish
from conductor_git.core.reporting.board import Board
from conductor_git.core.targets import INTEGRATION, Target, parse_target
from conductor_git.store.notes.writer import branch_plan
from conductor_git.store.plumbing.repository import Repository


def find_wishes(repo: Repository, snapshot: Snapshot, board: Board, names: Sequence[str]) -> tuple[Wish, ...]:
    """What these names mean; of none, what is complete and not blocked. Raises CannotRun for an unknown name."""
    if not names:
        ready = (status for status in board.plans if status.state == "complete" and not status.blockers)
        return tuple(Wish(status.plan, Target(status.plan)) for status in ready)
    here = branch_plan(repo, snapshot.plans)
    found = {wish.target if wish.tip is None else wish.tip: wish for wish in _named(repo, snapshot, here, names)}
    return tuple(found.values())


def _named(repo: Repository, snapshot: Snapshot, here: str | None, names: Sequence[str]) -> list[Wish]:
    found = []
    for name in names:
        plan = snapshot.plan_of_branch(name)
        if plan is not None:
            found.append(Wish(plan.plan, Target(plan.plan)))
            continue
        target = _target(name, here)
        declared = snapshot.plan(target.plan) if target else None
        if target is not None and declared is not None:
            if target.wave is not None and declared.wave(target.wave) is None:
                raise CannotRun(
                    f"plan '{target.plan}' declares no wave {target.wave}",
                    hint=f"conductor-git plan show {target.plan}",
                )
            found.append(Wish(str(target), target))
            continue
        tip = repo.resolve(f"refs/heads/{name}") or repo.resolve(name)
        if tip is None:
            raise CannotRun(f"'{name}' is no plan, wave or branch", hint="conductor-git plan list")
        found.append(Wish(name, INTEGRATION, tip))
    return found


def _target(name: str, here: str | None) -> Target | None:
    try:
        return parse_target(name, branch_plan=here)
    except CannotRun:
        return None
