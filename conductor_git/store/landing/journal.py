"""The journal: what is about to land, written down before the first ref moves, and gone when all is done."""

from __future__ import annotations

import os
from contextlib import suppress

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid, Target
from conductor_git.store.files.textfiles import read_text, write_text
from conductor_git.store.plumbing.repository import Repository

_NAME = "landing.json"


class Landing(msgspec.Struct, frozen=True):
    """One entry that lands."""

    name: str
    target: Target
    source: Oid
    commit: Oid
    """The merge."""
    proof: str
    """Digest of the attestation of what landed."""


class Journal(msgspec.Struct, frozen=True):
    """One landing of a batch."""

    ref: str
    """The integration branch, its full name."""
    base: Oid
    """Where it stood."""
    tip: Oid
    """Where it goes."""
    landings: tuple[Landing, ...]
    began: int
    """Seconds since the epoch."""
    remote: str = ""
    """The remote of its upstream; empty where it has none."""


def journal_path(repo: Repository) -> str:
    """Where the journal is while it is open."""
    return os.path.join(repo.private, _NAME)


def read_journal(repo: Repository) -> Journal | None:
    """The journal that is open; None where none is. Raises CannotRun where it cannot be read."""
    text = read_text(journal_path(repo))
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Journal)
    except (msgspec.DecodeError, ValueError) as error:
        # It is replaced in one step, so this is no landing that died: somebody or the disk changed it.
        raise CannotRun(
            f"'{journal_path(repo)}' is no journal of a landing: {error}",
            detail="nothing was moved; whether the last landing came to its end, the board tells",
            hint="conductor-git log-status    # then move the file away",
        ) from error


def write_journal(repo: Repository, journal: Journal) -> None:
    """Open the journal. Raises CannotRun where it cannot be written."""
    write_text(journal_path(repo), msgspec.json.encode(journal).decode("ascii") + "\n")


def close_journal(repo: Repository) -> None:
    """Close it: what it was for is done or undone."""
    with suppress(FileNotFoundError):
        os.unlink(journal_path(repo))
