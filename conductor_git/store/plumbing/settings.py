"""What git's configuration says to us, from one git process."""

from __future__ import annotations

import msgspec

from conductor_git.store.plumbing.git import Running
from conductor_git.store.plumbing.questions import SETTINGS
from conductor_git.store.plumbing.repository import Repository


class Settings(msgspec.Struct, frozen=True):
    """Values as they stand; empty where unset."""

    control: str = ""
    """conductor.control of the repository's own configuration. A worktree's, or a user's, does not count: all who work
    on a repository must read the same rules, and what is kept of one reader serves the others."""
    default_branch: str = ""
    """init.defaultBranch."""
    cleanup: str = ""
    """commit.cleanup."""
    remotes: tuple[str, ...] = ()
    """The values of each remote.*.url and remote.*.fetch."""


def read_settings(repo: Repository, *, asked: Running | None = None) -> Settings:
    """Read them all; `asked` where git was asked already."""
    listed = repo.git(*SETTINGS, ok=(0, 1)) if asked is None else asked.end()
    fields = listed.fields()
    found: dict[str, str] = {}
    remotes = []
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, _, value = entry.partition("\n")
        if scope == "command" and key != "commit.cleanup":
            # What somebody gave this one command changes what is committed, never what is believed.
            continue
        if key.startswith("remote."):
            remotes.append(value)
        elif key != "conductor.control" or scope == "local":
            found[key] = value
    return Settings(
        found.get("conductor.control", ""),
        found.get("init.defaultbranch", ""),
        found.get("commit.cleanup", ""),
        tuple(remotes),
    )
