"""What a landed plan leaves behind: its worktree and its branch, and whether anything in them would be lost."""

from __future__ import annotations

import os

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import GitFailed, run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import Worktree, list_worktrees, remove_worktree


def worktree_at(repo: Repository, branch: str) -> Worktree | None:
    """The worktree that has this branch (short name) checked out."""
    return next((found for found in list_worktrees(repo) if found.branch == f"refs/heads/{branch}"), None)


def why_kept(repo: Repository, worktree: Worktree) -> str:
    """Why a worktree stays; empty where nothing of it would be lost. Ignored files are not asked for."""
    if worktree.locked is not None and not worktree.locked.startswith("conductor-git: "):
        return f"somebody locked it: {worktree.locked or 'no reason given'}"
    if not os.path.isdir(worktree.path):
        return ""
    first = list_worktrees(repo)[0]
    if os.path.realpath(worktree.path) == os.path.realpath(first.path):
        return "it is the main worktree"
    here = os.path.realpath(os.getcwd())
    if os.path.commonpath([here, os.path.realpath(worktree.path)]) == os.path.realpath(worktree.path):
        return "you are in it"
    listed = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    told = [field for field in run(["-c", "core.fsmonitor=false", *listed], cwd=worktree.path).fields() if field]
    if not told:
        return ""
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return f"'{told[0][3:]}'{more} there {'is' if len(told) == 1 else 'are'} not committed"


def remove_leftover(repo: Repository, worktree: Worktree) -> str:
    """Unlock and remove a worktree; why it stays where git does not remove it, else empty."""
    try:
        remove_worktree(repo, worktree.path)
    except CannotRun as error:
        return error.detail or error.what
    return ""


def delete_branch(repo: Repository, branch: str, tip: Oid) -> str:
    """Delete a branch (short name) if it is still at `tip`, and what git's configuration says of it.

    Why it stays where it moved or a door keeps it, else empty.
    """
    try:
        repo.git("update-ref", "--no-deref", "-d", f"refs/heads/{branch}", tip, writes=True)
    except GitFailed as error:
        return error.said.splitlines()[0].removeprefix("error: ") if error.said else error.what
    # Without the section there is nothing to remove (5 from `git config`, 128 from newer versions).
    repo.git("config", "--remove-section", f"branch.{branch}", ok=(0, 5, 128), writes=True)
    return ""
