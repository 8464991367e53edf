"""A user's files with a part that is ours: edited in the working tree, committed where that takes nothing along."""

from __future__ import annotations

import os
from collections.abc import Callable

from conductor_git.core.hooktext.agentsfile import NAME, with_section
from conductor_git.store.files.textfiles import read_text, write_text
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository


def write_agents_section(worktree: str) -> tuple[str, ...]:
    """Put our section into AGENTS.md; the files that changed, relative to the worktree."""
    path = os.path.join(worktree, NAME)
    before = read_text(path)
    after = with_section(before or "")
    if after == before:
        return ()
    write_text(path, after)
    return (NAME,)


def edit_clean(
    repo: Repository, names: list[str], edit: Callable[[], tuple[str, ...]]
) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """Let `edit` change some of the files `names` of this worktree.

    The result: what it changed, and of that what can be committed, as git would: files in which nobody else's change
    is waiting, and that are not ignored.
    """
    clean = {name for name in names if not _status(repo, name)}
    changed = edit()
    ready = [name for name in changed if name in clean and _status(repo, name) in (" M", "??")]
    return changed, {name: _filtered(repo, name) for name in ready}


def _status(repo: Repository, name: str) -> str:
    # The ignored too: a file that is not to be committed is not committed by us.
    said = repo.in_worktree("status", "--porcelain", "-z", "--ignored", "--", f":(top,literal){name}").fields()
    return said[0][:2] if said else ""


def _filtered(repo: Repository, name: str) -> bytes:
    """The content that `git add` would store: line ends and filters applied."""
    oid = repo.in_worktree("hash-object", "-w", "--", name, writes=True).text()
    return next(read_objects(repo, [oid])).body
