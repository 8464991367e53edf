"""`conductor-git brief`: what an orchestrator, or the executor of one wave, needs to start cold."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from conductor_git.commands.outcome import Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.brief import Format, render_brief
from conductor_git.store.boards import read_board
from conductor_git.store.control.templates import read_templates
from conductor_git.store.notes.writer import branch_plan, executor_here
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team.briefs import brief_of, share_here
from conductor_git.store.team.subjects import find_target


def brief(
    repo: Repository,
    target: str = "",
    *,
    now: int,
    tasks: Sequence[str] = (),
    short: bool = False,
    format: Format = "md",
) -> Outcome:
    """The brief of a plan, or of one wave of it (with `tasks`, of these only); of nothing named, this worktree's.

    Raises CannotRun where there is no such plan or wave, or no plan here.
    """
    snapshot = take(repo)
    board = read_board(repo, now)
    part = executor_here(repo, snapshot.plans)
    named = target or (str(part.target) if part else branch_plan(repo, snapshot.plans))
    if named is None:
        raise CannotRun(
            "this branch belongs to no plan, and none was named",
            hint="conductor-git plan list    # then conductor-git brief PLAN",
        )
    about = find_target(repo, snapshot, board, named)
    if tasks and about.wave is None:
        raise CannotRun(f"'--task' is for a wave, and '{about}' is a plan", hint=f"conductor-git brief {about}")
    made = brief_of(repo, snapshot, board, about, share_here(repo, snapshot, about, tuple(tasks)), now=now)
    templates = {} if format == "json" else read_templates(repo, snapshot.control)
    text = render_brief(made, format, short=short, templates=templates)
    return Outcome(text=text, data=msgspec.to_builtins(made))
