"""Locks between processes of one machine, with who holds them; the kernel lets go when a process dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.files.exclusive import take_within
from conductor_git.store.files.flock import is_free
from conductor_git.store.files.refused import cannot
from conductor_git.store.plumbing.repository import Repository


@contextmanager
def hold(repo: Repository, name: str, *, doing: str, wait: float = 120) -> Iterator[None]:
    """Hold the lock `name` of this repository; `doing` is what others are told while they wait.

    Raises CannotRun after `wait` seconds, naming who has it, and where the git directory cannot be written.
    """
    path = os.path.join(repo.private, "locks", name)
    try:
        held = take_within(path, wait)
    except OSError as error:
        raise cannot("locked", path, error, detail="nothing was changed") from error
    if held is None:
        raise CannotRun(f"'{name}' is locked by {_holder(path)}", detail=f"waited {wait:g} s; nothing was changed")
    try:
        _write(path, doing)
        yield
    finally:
        with suppress(OSError):
            os.unlink(f"{path}.holder")
        held.release()


def is_held(repo: Repository, name: str) -> bool:
    """Whether a process that lives holds the lock `name` at this moment."""
    try:
        return not is_free(os.path.join(repo.private, "locks", name))
    except OSError:
        return True


def _write(path: str, doing: str) -> None:
    # Not in the lock file itself, which says by being locked all that it says.
    with suppress(OSError), open(f"{path}.holder", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f"{os.getpid()} {int(time.time())} {doing}")


def _holder(path: str) -> str:
    with suppress(OSError, ValueError), open(f"{path}.holder", encoding="utf-8", errors="surrogateescape") as file:
        pid, since, doing = file.read().split(" ", 2)
        return f"process {int(pid)} ({doing}) for {max(0, int(time.time()) - int(since))} s"
    return "another process"
