"""What a command is about where its arguments leave that open: the branch's plan, its lowest open wave, the index."""

from __future__ import annotations

from collections.abc import Mapping

from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plans import unknown_plan
from conductor_git.core.reporting.board import Board
from conductor_git.core.targets import Oid, Target, parse_target
from conductor_git.store.notes.writer import branch_plan, executor_here
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import index_tree


def find_target(
    repo: Repository, snapshot: Snapshot, board: Board, text: str, *, environ: Mapping[str, str] | None = None
) -> Target:
    """The plan or wave that `text` names; of none, an executor's own wave, else this worktree's plan and its lowest
    wave that is not complete, after the last one the plan itself.

    Raises CannotRun where there is no such plan or wave, or no plan here.
    """
    here = branch_plan(repo, snapshot.plans, environ=environ)
    if text:
        target = parse_target(text, branch_plan=here)
    elif here is None:
        where = "this branch" if repo.head_ref() else "a detached HEAD"
        raise CannotRun(f"{where} belongs to no plan, and none was named", hint="conductor-git log-status")
    else:
        part = executor_here(repo, snapshot.plans)
        status = board.plan(here)
        target = part.target if part else Target(here, None if status is None else status.current)
    _check_declared(snapshot, target)
    return target


def find_tree(repo: Repository, *, tree: str = "", commit: str = "") -> Oid:
    """The tree that is named, else the one that `git commit` would commit now. Raises CannotRun where there is none."""
    if tree and commit:
        raise CannotRun("a tree and a commit were named: it can be one of them only")
    if not tree and not commit:
        return index_tree(repo)
    found = repo.resolve(commit) if commit else repo.resolve(tree, kind="tree")
    if found is None:
        kind = "commit" if commit else "tree"
        raise CannotRun(f"'{commit or tree}' is no {kind} in this repository", hint="git log --oneline")
    whole = repo.resolve(found, kind="tree")
    if whole is None:
        raise CannotRun(f"the tree of '{commit or tree}' is not in this repository", hint="git fsck")
    return whole


def _check_declared(snapshot: Snapshot, target: Target) -> None:
    plan = snapshot.plan(target.plan)
    if plan is None:
        for broken in snapshot.broken:
            if broken.name == target.plan:
                raise CannotRun(
                    f"plan '{target.plan}' cannot be read",
                    detail=str(broken.errors[0]),
                    hint="conductor-git plan check",
                )
        raise unknown_plan(target.plan, [known.plan for known in snapshot.plans])
    if target.wave is not None and plan.wave(target.wave) is None:
        raise CannotRun(
            f"plan '{target.plan}' declares no wave {target.wave}", hint=f"conductor-git plan show {target.plan}"
        )
