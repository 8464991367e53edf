"""Runs that outlive their callers: two callers of the same run share one, and whoever comes later attaches to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.say import printable
from conductor_git.store.files.flock import Held, is_free, take, wait_for
from conductor_git.store.validation.cache import cache_root, remove
from conductor_git.store.validation.rooms import UNUSED_FOR, sweep
from conductor_git.store.validation.runs import Job, RunResult, run_job

Say = Callable[[str], None]
Record = Callable[[Job, RunResult], RunResult]

EVERY = 15.0
"""Seconds of silence after which a caller is told that the run goes on."""

_PAUSE = 0.05
"""Seconds between two looks at most: a tenth of the time that went by, so that a short run is not waited for longer."""
_SHORTEST_PAUSE = 0.002
_MOST_STARTS = 2
_DELIVERED_WITHIN = 3600
"""Seconds for which the end of a run waits for somebody to ask for it."""
_KEPT_RUNS = 3
_KEY = 24
"""Digits of a job's key in a folder's name: people paste the path of a log."""
_STOPPED_WITHIN = 30.0

# Runners are meant to outlive this process; kept here, Python does not complain that nobody waited for them.
_DETACHED: list[subprocess.Popen[bytes]] = []


class StillRunning(msgspec.Struct, frozen=True):
    """The caller's patience ended before the run did. The same call attaches to it again."""

    log: str
    seconds: int
    """Since the run began."""


class Trouble(msgspec.Struct, frozen=True):
    """A CannotRun, written down."""

    what: str
    hint: str = ""
    detail: str = ""


class Ending(msgspec.Struct, frozen=True):
    """What a runner leaves: a result, or why there is none."""

    result: RunResult | None = None
    trouble: Trouble | None = None


class _Stopped(BaseException):
    """Somebody asked the runner to end."""


class _Run:
    """One run's folder: `job.json`, `log`, what the runner itself said, and in the end `result.json`."""

    def __init__(self, folder: str, runner: subprocess.Popen[bytes] | None = None) -> None:
        self.folder = folder
        self.runner = runner
        """The process, where this caller started it."""
        self.log = os.path.join(folder, "log")

    @property
    def lock(self) -> str:
        """Held by the runner as long as it lives."""
        return os.path.join(os.path.dirname(self.folder), "lock")

    def ending(self) -> Ending | None:
        """How it ended; None while it has not, and for ever when the runner died."""
        try:
            with open(os.path.join(self.folder, "result.json"), "rb") as file:
                return msgspec.convert(json.loads(file.read()), Ending)
        except FileNotFoundError:
            return None

    def is_awaited(self) -> bool:
        """Whether it ended a short while ago and nobody has been told yet."""
        try:
            ended = os.stat(os.path.join(self.folder, "result.json")).st_mtime
        except FileNotFoundError:
            return False
        return ended > time.time() - _DELIVERED_WITHIN and not os.path.exists(os.path.join(self.folder, "told"))

    def tell(self) -> None:
        """Note that somebody was told: the next caller wants a new run."""
        with suppress(OSError), open(os.path.join(self.folder, "told"), "w", encoding="ascii"):
            pass

    def seconds(self) -> int:
        """Since it began."""
        return max(0, int(time.time() - os.stat(os.path.join(self.folder, "job.json")).st_mtime))


def attach_or_start(
    job: Job, *, entry: Sequence[str], say: Say, wait: float | None, terminal: bool = False
) -> RunResult | StillRunning:
    """Attach to the run of this job, or start it, and follow it for `wait` seconds (None: to its end).

    `entry` is the command of a runner, to which the run's folder is added; it calls `serve`. On a terminal the log is
    shown as it grows, and Ctrl-C ends a run that this caller started; elsewhere only the time that went by is told.
    Raises CannotRun where the run could not run.
    """
    if sys.platform == "win32":
        return _here(job, entry)
    shelf = os.path.join(cache_root(job.repository), "runs", job.key[:_KEY])
    give_up = None if wait is None else time.monotonic() + wait
    for _ in range(_MOST_STARTS):
        run = _find_or_start(shelf, job, entry)
        try:
            ending = _follow(job, run, say=say, give_up=give_up, terminal=terminal)
        except KeyboardInterrupt:
            if terminal and run.runner is not None:
                _stop(run)
            raise
        if isinstance(ending, StillRunning):
            return ending
        if ending is not None:
            run.tell()
            return _result(ending)
        say(f"the run of {job.target} died; starting it again")
    raise CannotRun(f"the run of {job.target} died {_MOST_STARTS} times", detail=f"{_last_words(run)}; log: {run.log}")


def serve(folder: str, record: Record) -> int:
    """Be the runner of the run in `folder`: carry the job out, record it, and leave the ending there.

    The exit code is 0 when an ending was left. SIGTERM ends the run, its whole group and its room, and leaves none.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_stopped)
    run = _Run(folder)
    with open(os.path.join(folder, "job.json"), "rb") as file:
        job = msgspec.convert(json.loads(file.read()), Job)
    try:
        _write(folder, "result.json", _ending(job, run, record))
    except _Stopped:
        return 1
    return 0


def _ending(job: Job, run: _Run, record: Record) -> Ending:
    try:
        return Ending(result=record(job, run_job(job, run.log)))
    except CannotRun as error:
        return Ending(trouble=Trouble(error.what, error.hint, error.detail))
    except Exception as error:
        # Otherwise whoever waits would start the same defect again, and be told only that the run died.
        import traceback

        traceback.print_exc()
        return Ending(trouble=Trouble(f"the run of {job.target} met a defect of conductor-git: {error}"))


def _raise_stopped(number: int, _frame: FrameType | None) -> None:
    for every in (signal.SIGTERM, signal.SIGINT):
        # Cleaning up is not interrupted by a second one.
        signal.signal(every, signal.SIG_IGN)
    raise _Stopped(number)


def _find_or_start(shelf: str, job: Job, entry: Sequence[str]) -> _Run:
    try:
        os.makedirs(shelf, mode=0o700, exist_ok=True)
        with wait_for(os.path.join(shelf, "turn")):
            run, held = _current(shelf), _take_for_good(os.path.join(shelf, "lock"))
            if run is not None and (run.is_awaited() or (held is None and run.ending() is None)):
                if held is not None:
                    held.release()
                return run
            # Here a runner that still has the lock has left its ending and is about to go.
            with held or wait_for(os.path.join(shelf, "lock")) as ours:
                return _start(shelf, job, entry, ours)
    except OSError as error:
        raise CannotRun(f"no run can be started in '{shelf}': {error.strerror}", detail="nothing was run") from error


def _current(shelf: str) -> _Run | None:
    try:
        with open(os.path.join(shelf, "current"), encoding="ascii") as file:
            folder = os.path.join(shelf, file.read())
    except FileNotFoundError:
        return None
    return _Run(folder) if os.path.exists(os.path.join(folder, "job.json")) else None


def _take_for_good(lock: str) -> Held | None:
    # A caller that looks whether a runner lives has the lock for a moment.
    for _ in range(5):
        held = take(lock)
        if held is not None:
            return held
        time.sleep(0.002)
    return None


def _start(shelf: str, job: Job, entry: Sequence[str], held: Held) -> _Run:
    _forget_old_runs(shelf)
    folder = tempfile.mkdtemp(prefix="run-", dir=shelf)
    _write(folder, "job.json", job)
    _replace(os.path.join(shelf, "current"), os.path.basename(folder).encode("ascii"))
    with open(os.path.join(folder, "runner"), "wb") as said:
        # The lock goes to the runner with its open file, so there is no moment at which nobody has it. A session of its
        # own: whatever ends the caller's terminal, shell or process group does not end the run.
        runner = subprocess.Popen(
            [*entry, folder],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            pass_fds=[held.fd],
        )
    _DETACHED.append(runner)
    return _Run(folder, runner)


def _forget_old_runs(shelf: str) -> None:
    sweep(os.path.dirname(shelf), older_than=UNUSED_FOR)
    sweep(os.path.join(os.path.dirname(os.path.dirname(shelf)), "warm"), older_than=UNUSED_FOR)
    runs = sorted(
        (entry for entry in os.scandir(shelf) if entry.name.startswith("run-")), key=lambda entry: entry.stat().st_mtime
    )
    for entry in runs[:-_KEPT_RUNS]:
        remove(entry.path)


def _follow(job: Job, run: _Run, *, say: Say, give_up: float | None, terminal: bool) -> Ending | StillRunning | None:
    """The ending; None when the runner died without one."""
    shown = 0
    began = told = time.monotonic()
    pause = EVERY
    while True:
        # In this order: a runner may leave its ending and go between the two questions.
        alive = not is_free(run.lock)
        ending = run.ending()
        if terminal:
            before, shown = shown, _show(run.log, shown, say, whole_lines=alive and ending is None)
            told = told if shown == before else time.monotonic()
        if ending is not None or not alive:
            return ending
        now = time.monotonic()
        if give_up is not None and now >= give_up:
            return StillRunning(run.log, run.seconds())
        if now - told >= pause:
            say(f"{job.target}: {job.script} runs since {run.seconds()} s")
            told = now
            # Somebody who waits for an hour reads ten lines, not two hundred.
            pause = pause if terminal or run.seconds() < 8 * EVERY else 2 * pause
        time.sleep(min(_PAUSE, max(_SHORTEST_PAUSE, (now - began) / 10)))


def _show(log: str, start: int, say: Say, *, whole_lines: bool) -> int:
    """Say what the log has from `start` on; where the next look begins."""
    try:
        with open(log, "rb") as file:
            file.seek(start)
            text = file.read()
    except FileNotFoundError:
        return start
    if whole_lines:
        text = text[: text.rfind(b"\n") + 1]
    for line in text.decode("utf-8", "replace").splitlines():
        say(printable(line))
    return start + len(text)


def _stop(run: _Run) -> None:
    if run.runner is None:
        return
    with suppress(ProcessLookupError):
        run.runner.terminate()
    with suppress(subprocess.TimeoutExpired):
        run.runner.wait(timeout=_STOPPED_WITHIN)


def _result(ending: Ending) -> RunResult:
    if ending.result is not None:
        return ending.result
    trouble = ending.trouble or Trouble("the run left nothing")
    raise CannotRun(trouble.what, hint=trouble.hint, detail=trouble.detail)


def _last_words(run: _Run) -> str:
    try:
        with open(os.path.join(run.folder, "runner"), encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "it left no word"


def _write(folder: str, name: str, value: object) -> None:
    # Not msgspec's own encoder: paths may have bytes that are no UTF-8, which JSON can only carry escaped.
    content = json.dumps(msgspec.to_builtins(value), ensure_ascii=True, allow_nan=False).encode("ascii")
    _replace(os.path.join(folder, name), content)


def _replace(path: str, content: bytes) -> None:
    draft = f"{path}.draft"
    with open(draft, "wb") as file:
        file.write(content)
    os.replace(draft, path)


def _here(job: Job, entry: Sequence[str]) -> RunResult:  # pragma: no cover
    """For Windows: a runner that is waited for; it shares with nobody and does not outlive its caller."""
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, "job.json", job)
        subprocess.run([*entry, folder], check=False)
        ending = _Run(folder).ending()
    return _result(ending or Ending())
