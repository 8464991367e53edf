"""Whether the worktree that has integration can follow a landing, asked before anything moves."""

from __future__ import annotations

import os

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import Blob, blobs_there
from conductor_git.store.landing.journal import Journal
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import worktree_of

_SHOWN = 3


def check_worktree(repo: Repository, journal: Journal) -> dict[str, Blob]:
    """The paths that already are in that worktree as they will be: git died there while it followed this very landing.

    Raises CannotRun where it could not follow.
    """
    holder = worktree_of(repo, journal.ref)
    if holder is None or not os.path.isdir(holder.path):
        return {}
    here = holder.path == repo.worktree
    git_dir = repo.git_dir if here else run(["rev-parse", "--absolute-git-dir"], cwd=holder.path).text()
    if os.path.exists(os.path.join(git_dir, "MERGE_HEAD")):
        raise CannotRun(
            f"a merge is not concluded in '{holder.path}'", detail="nothing was landed", hint="git merge --abort"
        )
    both = _changed_in_both(repo, journal, holder.path)
    if not both:
        return {}
    blobs = _blobs(repo, journal.tip, both)
    there = blobs_there(holder.path, blobs)
    known = {path: blob for path, blob in blobs.items() if there.get(path) == blob.oid}
    left = [path for path in both if path not in known]
    if left:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        named = ", ".join(f"'{path}'" for path in left[:_SHOWN]) + more
        raise CannotRun(
            f"{named} in '{holder.path}' would be overwritten: changed there and not committed",
            detail="nothing was landed",
            hint="git stash push --include-untracked    # then conductor-git merge again",
        )
    return known


def _changed_in_both(repo: Repository, journal: Journal, folder: str) -> list[str]:
    """What is not committed there and stands where the landing brings or takes away something."""
    changed = set(repo.git("diff-tree", "-r", "-z", "--name-only", journal.base, journal.tip).fields())
    # status, not diff-index: that one calls a file changed whose times are new. Ignored files are git's to overwrite.
    listed = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    told = {field[3:] for field in run(["-c", "core.fsmonitor=false", *listed], cwd=folder).fields() if field}
    above = {folder for path in changed for folder in _folders(path)}
    return sorted(path for path in told if path in changed or path in above or not changed.isdisjoint(_folders(path)))


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _blobs(repo: Repository, commit: Oid, paths: list[str]) -> dict[str, Blob]:
    """What the commit has at these paths, where it has a file."""
    env = {"GIT_LITERAL_PATHSPECS": "1"}
    fields = repo.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths, env=env).fields()
    found: dict[str, Blob] = {}
    for field in fields:
        head, _, path = field.partition("\t")
        if head:
            mode, _, oid = head.split(" ")
            found[path] = Blob(mode, Oid(oid))
    return found
