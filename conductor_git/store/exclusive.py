"""Short turns on one file of ours: nobody waits for ever, and a dead process keeps nobody out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from conductor_git.core.errors import CannotRun
from conductor_git.store import flock

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.01


@contextmanager
def exclusive(path: str, *, wait: float = 60) -> Iterator[None]:
    """Hold the lock file `path`, made where missing, for a few git calls at most.

    Raises CannotRun after `wait` seconds and where the file cannot be made.
    """
    try:
        held = _take(path, wait)
    except OSError as error:
        raise CannotRun(f"'{path}' cannot be locked: {error.strerror}", detail="nothing was recorded") from error
    if held is None:
        raise CannotRun(f"'{path}' was locked by another process for {wait:g} s", detail="nothing was recorded")
    with held:
        yield


def _take(path: str, wait: float) -> flock.Held | None:
    try:
        held = flock.take(path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        held = flock.take(path)
    # Polled: a blocking flock has no time limit, and whoever has it may have been stopped with SIGSTOP.
    give_up, pause = time.monotonic() + wait, _FIRST_PAUSE
    spread = 0.5 + os.getpid() % 16 / 16
    while held is None and time.monotonic() < give_up:
        time.sleep(pause * spread)
        pause = min(2 * pause, _LONGEST_PAUSE)
        held = flock.take(path)
    return held
