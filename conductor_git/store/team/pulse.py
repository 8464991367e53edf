"""Whether somebody's worktree has work that is not committed."""

from __future__ import annotations

from collections.abc import Collection

from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.overdue import Seen
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import list_worktrees


def look_at(repo: Repository, branches: Collection[str]) -> dict[str, Seen]:
    """The worktrees of these branches (short names) that are on this machine, and how clean each is."""
    if not branches:
        return {}
    refs = {f"refs/heads/{branch}": branch for branch in branches}
    return {
        refs[found.branch]: Seen(found.path, _changed(found.path))
        for found in list_worktrees(repo)
        if found.branch in refs
    }


def _changed(path: str) -> int | None:
    """How many paths are not as HEAD has them, new ones counted; None where git cannot tell."""
    try:
        # Another's worktree: its fsmonitor is a program of theirs, and is not run.
        asked = [
            "-c",
            "core.fsmonitor=false",
            "status",
            "--porcelain",
            "-z",
            "--no-renames",
            "--ignore-submodules=dirty",
        ]
        return len(run(asked, cwd=path, timeout=60).fields())
    except (CannotRun, OSError):
        return None
