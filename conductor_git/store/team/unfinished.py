"""Delegations that were begun and not ended: what a killed command leaves, so that the same one finishes it."""

from __future__ import annotations

import os
from contextlib import suppress

import msgspec

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.repository import Repository


class Unfinished(msgspec.Struct, frozen=True):
    """What was being done, for whom. `event` is known once the ledger has it."""

    plan: str
    agent: str
    event: Oid | None = None


def read_unfinished(repo: Repository, plan: str) -> Unfinished | None:
    """What was begun for this plan and not ended; None where nothing was."""
    try:
        with open(_file(repo, plan), "rb") as file:
            return msgspec.json.decode(file.read(), type=Unfinished)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_unfinished(repo: Repository, begun: Unfinished) -> None:
    """Note what is being done."""
    path = _file(repo, begun.plan)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = f"{path}.{os.getpid()}"
    with open(draft, "wb") as file:
        file.write(msgspec.json.encode(begun) + b"\n")
    os.replace(draft, path)


def end(repo: Repository, plan: str) -> None:
    """Note that it is done, or will not be."""
    with suppress(FileNotFoundError):
        os.unlink(_file(repo, plan))


def _file(repo: Repository, plan: str) -> str:
    return os.path.join(repo.private, "delegating", plan)
