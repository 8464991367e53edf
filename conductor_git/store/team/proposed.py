"""The commit that git is about to make in this worktree."""

from __future__ import annotations

import os

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.refs import Refs
from conductor_git.store.plumbing.repository import Repository


def proposed_parents(repo: Repository, refs: Refs | None = None) -> tuple[Oid, ...]:
    """The parents it will have: HEAD, then what is being merged; none on an unborn branch."""
    head = (refs and _among(repo, refs)) or repo.resolve("HEAD")
    return () if head is None else (head, *merge_heads(repo))


def merge_heads(repo: Repository) -> tuple[Oid, ...]:
    """What a merge that is not concluded yet brings in; empty where none is under way."""
    try:
        with open(os.path.join(repo.git_dir, "MERGE_HEAD"), encoding="ascii") as file:
            return tuple(Oid(line.strip()) for line in file if line.strip())
    except FileNotFoundError:
        return ()


def _among(repo: Repository, refs: Refs) -> Oid | None:
    """HEAD, where it is one of the branches that were read; saves asking git."""
    try:
        with open(os.path.join(repo.git_dir, "HEAD"), encoding="utf-8", errors="surrogateescape") as file:
            return refs.oids.get(file.readline().removeprefix("ref: ").rstrip("\n"))
    except OSError:
        return None
