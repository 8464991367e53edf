"""One program and all that it starts: in a process group of its own, bounded in time and in what it may say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO

from conductor_git.core.errors import CannotRun

GRACE = 5.0
"""Seconds between asking a group to end and killing it."""

_CHUNK = 65536
_TICK = 0.1
_MOST_LEFT = 16
"""Chunks read after the end: what a killed group can have left in the pipe."""

# The first member of each group, so the group's id is known, and stays ours, before the program starts. It ends the
# group when its standard input does: when the process that started it is gone, whichever way.
_GUARD = "trap '' HUP INT TERM; read line; kill -KILL 0"


class Log:
    """A file of bounded size: the beginning as it comes, the end when closed, and how much was left out between."""

    def __init__(self, path: str, limit: int) -> None:
        """`limit` is in bytes. Raises CannotRun, as every method does, where the file cannot be written."""
        self.path = path
        self._half = max(limit // 2, 1)
        self._room = self._half
        self._tail = bytearray()
        self._cut = 0
        with _said_clearly(path):
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115

    def write(self, chunk: bytes) -> None:
        """Take what a program said."""
        head = chunk[: self._room]
        if head:
            with _said_clearly(self.path):
                self._file.write(head)
            self._room -= len(head)
        self._tail += chunk[len(head) :]
        if len(self._tail) > 2 * self._half:
            self._shorten()

    def close(self) -> None:
        """Write the end."""
        if self._file.closed:
            return
        with _said_clearly(self.path), self._file:
            self._shorten()
            if self._cut:
                self._file.write(b"\n[%d bytes left out]\n" % self._cut)
            if self._tail:
                self._file.write(self._tail)

    def _shorten(self) -> None:
        surplus = max(0, len(self._tail) - self._half)
        self._cut += surplus
        del self._tail[:surplus]

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _said_clearly(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotRun(
            f"the log '{path}' cannot be written: {error.strerror}", detail="nothing was recorded"
        ) from error


def run_group(
    argv: Sequence[str], *, cwd: str, env: Mapping[str, str], log: Log, timeout: float, grace: float = GRACE
) -> int | None:
    """Run a program to its end, or kill it and its whole group; the exit code, None where time ran out.

    A program that a signal ended gives 128 + the signal's number, as shells say it. What is left of the group when
    the program ends is killed too: it would write into a room that is being removed. Raises OSError where the
    program cannot be started.
    """
    if sys.platform == "win32":
        return _run_tree(argv, cwd=cwd, env=env, log=log, timeout=timeout)
    guard = _start_guard()
    process = None
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=guard.pid,
        )
        in_time = _pump(process, log, timeout)
        if not in_time:
            os.killpg(guard.pid, signal.SIGTERM)
            _pump(process, log, grace)
    finally:
        # The guard is not waited for before: as long as it is a process, or a zombie, the id is nobody else's.
        os.killpg(guard.pid, signal.SIGKILL)
        _bury(guard)
        if process is not None:
            process.wait()
    _read_rest(_output(process), log)
    code = process.returncode
    return None if not in_time else code if code >= 0 else 128 - code


def _start_guard() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", _GUARD],
        cwd=os.sep,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


def _bury(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    guard.wait()


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise AssertionError("started with a pipe")
    return process.stdout


def _pump(process: subprocess.Popen[bytes], log: Log, seconds: float) -> bool:
    """Carry output to the log until the program ends (True) or the time is over (False)."""
    import select

    pipe = _output(process).fileno()
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        if not select.select([pipe], [], [], min(left, _TICK))[0]:
            continue
        chunk = os.read(pipe, _CHUNK)
        if not chunk:
            # It closed its output and works on in silence.
            return _ends_within(process, max(0.0, deadline - time.monotonic()))
        log.write(chunk)
    return True


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _read_rest(pipe: IO[bytes], log: Log) -> None:
    # Never until end of file: a process that left the group (setsid) may hold the pipe for ever.
    with pipe, suppress(BlockingIOError):
        os.set_blocking(pipe.fileno(), False)
        for _ in range(_MOST_LEFT):
            chunk = os.read(pipe.fileno(), _CHUNK)
            if not chunk:
                break
            log.write(chunk)


def _run_tree(
    argv: Sequence[str], *, cwd: str, env: Mapping[str, str], log: Log, timeout: float
) -> int | None:  # pragma: no cover
    """The same for Windows, best effort: there are no process groups, and `taskkill /T` follows parents."""
    import tempfile

    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        in_time = _ends_within(process, timeout)
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()
        said.seek(0)
        while chunk := said.read(_CHUNK):
            log.write(chunk)
    return process.returncode if in_time else None
