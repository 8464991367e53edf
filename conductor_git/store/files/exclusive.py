"""Short turns on one file of ours: nobody waits for ever, and a dead process keeps nobody out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from conductor_git.core.errors import CannotRun
from conductor_git.store.files import flock


@contextmanager
def exclusive(path: str, *, wait: float = 60) -> Iterator[None]:
    """Hold the lock file `path`, made where missing, for a few git calls at most.

    Raises CannotRun after `wait` seconds and where the file cannot be made.
    """
    try:
        held = take_within(path, wait)
    except OSError as error:
        raise CannotRun(f"'{path}' cannot be locked: {error.strerror}", detail="nothing was recorded") from error
    if held is None:
        raise CannotRun(f"'{path}' was locked by another process for {wait:g} s", detail="nothing was recorded")
    with held:
        yield


def take_within(path: str, seconds: float) -> flock.Held | None:
    """The lock file, made where missing, once it is free; None where it is not for so long. Raises OSError."""
    return _take(path) or _Turn(path).wait(seconds)


def _take(path: str) -> flock.Held | None:
    try:
        return flock.take(path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return flock.take(path)


class _Turn:
    """Waits for a lock in a thread: the kernel wakes it at once, which polling does not, but for as long as it takes;
    and who has the lock may have been stopped with SIGSTOP."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._decision = threading.Lock()
        self._held: flock.Held | None = None
        self._given_up = False

    def wait(self, seconds: float) -> flock.Held | None:
        """The lock; None after so many seconds. What comes later is let go again."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        thread.join(seconds)
        with self._decision:
            self._given_up = True
            return self._held

    def _work(self) -> None:
        held = flock.wait_for(self._path)
        with self._decision:
            if self._given_up:
                held.release()
            else:
                self._held = held
