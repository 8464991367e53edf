"""One lock file held by one process; the kernel lets go of it when the process dies, however it dies."""

from __future__ import annotations

import os
import sys
from types import TracebackType


class Held:
    """A lock that is held until `release`, the end of a `with` block, or the death of every process that has `fd`."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def release(self) -> None:
        """Let go; once is enough, twice does no harm."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(path: str) -> Held | None:
    """Lock the file, made where missing; None when another process has it. Raises OSError."""
    held = _open(path)
    try:
        if _lock(held.fd, wait=False):
            return held
    except BaseException:
        held.release()
        raise
    held.release()
    return None


def wait_for(path: str) -> Held:
    """Lock the file, made where missing, however long another process has it. Raises OSError."""
    held = _open(path)
    try:
        _lock(held.fd, wait=True)
    except BaseException:
        held.release()
        raise
    return held


def is_free(path: str) -> bool:
    """Whether nobody holds the lock at this moment; a missing file is free."""
    if not os.path.exists(path):
        return True
    held = take(path)
    if held is None:
        return False
    held.release()
    return True


def _open(path: str) -> Held:
    return Held(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


if sys.platform == "win32":

    def _lock(fd: int, wait: bool) -> bool:
        import msvcrt

        while True:
            try:
                msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    return False
            else:
                return True

else:

    def _lock(fd: int, wait: bool) -> bool:
        import fcntl

        try:
            # flock, not lockf: it belongs to the open file, so it can be handed to a child and survives its parent.
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
