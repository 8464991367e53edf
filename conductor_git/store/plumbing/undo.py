"""What git leaves half-done when a ref must not move, and the command that undoes it."""

from __future__ import annotations

import os

from conductor_git.store.plumbing.caller import Call
from conductor_git.store.plumbing.repository import Repository

_LEFT = (
    (("rebase-apply", "applying"), "git am --abort"),
    (("rebase-apply",), "git rebase --abort"),
    (("rebase-merge",), "git rebase --abort"),
    (("CHERRY_PICK_HEAD",), "git cherry-pick --abort"),
    (("REVERT_HEAD",), "git revert --abort"),
    (("MERGE_HEAD",), "git merge --abort"),
)
"""What stands in the worktree's git directory, the most telling first."""


def undo_of(repo: Repository, call: Call) -> str:
    """The command that takes back what the refused one did to index and files; empty where it did nothing."""
    for path, command in _LEFT:
        if os.path.exists(os.path.join(repo.git_dir, *path)):
            return command
    return _files_moved(call)


def _files_moved(call: Call) -> str:
    """For commands that move the files first: index and files have the new content, HEAD the old."""
    forced = {"--hard", "--merge", "--keep"} & set(call.args)
    if call.verb in ("merge", "pull") or (call.verb == "reset" and forced):
        return "git reset --merge"
    if call.verb == "reset" and "--soft" not in call.args:
        return "git reset"
    return ""
