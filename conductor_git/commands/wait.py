"""`wait`: until a plan or wave is complete, looking at what others pushed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, NOT_YET, Outcome
from conductor_git.core.durations import ago, render_duration
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.board import Board, PlanStatus, WaveStatus
from conductor_git.core.targets import Target
from conductor_git.store.boards import read_board
from conductor_git.store.plumbing.remotes import fetch, upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team.subjects import find_target

Say = Callable[[str], None]

SCHEMA = 1
_LOOK = (1.0, 5.0)
"""Seconds between two looks at this clone: the first pause, and the longest."""
_FETCH = (5.0, 120.0)
"""The same for looks at the remote, which costs others something."""


class Clock(msgspec.Struct, frozen=True):
    """Time as the caller has it: seconds since the epoch, seconds that only grow, and a pause."""

    now: Callable[[], int]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class _Remote:
    """The remote that the team meets at, asked more and more seldom."""

    def __init__(self, repo: Repository, integration: str, say: Say) -> None:
        upstream = upstream_of(repo, integration)
        self.name = upstream.remote if upstream else ""
        self._repo, self._say = repo, say
        self._due, self._pause = 0.0, _FETCH[0]
        self._failed = ""

    def look(self, at: float) -> None:
        """Fetch, where it is time to. What fails is said once and tried again later."""
        if not self.name or at < self._due:
            return
        try:
            fetch(self._repo, self.name, say=self._say)
            self._failed = ""
        except CannotRun as error:
            if error.what != self._failed:
                self._say(f"{error.what}; waiting goes on with what is here")
            self._failed = error.what
        self._due, self._pause = at + self._pause, min(2 * self._pause, _FETCH[1])


def wait(repo: Repository, target: str, *, max_seconds: float | None, say: Say, clock: Clock) -> Outcome:
    """Come back when a plan or wave is complete, with all that it needs; exit code 4 after `max_seconds`.

    Raises CannotRun where there is no such plan or wave.
    """
    snapshot = take(repo)
    about = find_target(repo, snapshot, read_board(repo, clock.now()), target)
    remote = _Remote(repo, snapshot.policy.integration, say)
    end = None if max_seconds is None else clock.monotonic() + max_seconds
    told, pause = "", _LOOK[0]
    while True:
        remote.look(clock.monotonic())
        board = read_board(repo, clock.now())
        status, shown = _find(board, about)
        if _is_complete(status, shown, about):
            return _complete(repo, about, status, shown)
        state = _state(status, shown, about)
        if state != told:
            say(f"waiting for {about}: {_told(status, state, clock.now())}")
            told = state
        left = None if end is None else end - clock.monotonic()
        if left is not None and left <= 0:
            return _not_yet(about, status, state, max_seconds or 0)
        clock.sleep(pause if left is None else min(pause, left))
        pause = min(1.5 * pause, _LOOK[1])


def _find(board: Board, target: Target) -> tuple[PlanStatus, WaveStatus]:
    status = board.plan(target.plan)
    shown = None
    if status is not None:
        shown = next((wave for wave in (*status.waves, status.claim) if wave.wave == target.wave), None)
    if status is None or shown is None:
        raise CannotRun(f"{target} is not declared any more", hint="conductor-git plan list")
    return status, shown


def _is_complete(status: PlanStatus, shown: WaveStatus, target: Target) -> bool:
    return shown.state == "complete" or (target.wave is None and status.state == "merged")


def _state(status: PlanStatus, shown: WaveStatus, target: Target) -> str:
    return shown.state if target.wave is not None else status.state


def _told(status: PlanStatus, state: str, now: int) -> str:
    seen = "" if status.last_activity is None else f", {ago(now - status.last_activity)}"
    blocked = f"; {status.blockers[0].message}" if state == "blocked" and status.blockers else ""
    return f"{status.agent or 'nobody'}, {state}{seen}{blocked}"


def _complete(repo: Repository, target: Target, status: PlanStatus, shown: WaveStatus) -> Outcome:
    commit = shown.commit
    lines = [f"{target} is complete{f': {commit[:7]}' if commit else ''}"]
    merge = bool(commit) and repo.git("merge-base", "--is-ancestor", commit or "", "HEAD", ok=(0, 1, 128)).code == 1
    if merge and commit:
        lines.append(f"not in this branch yet: git merge {commit[:12]}")
    return Outcome(DONE, "\n".join(lines), _data(target, status, shown, complete=True))


def _not_yet(target: Target, status: PlanStatus, state: str, seconds: float) -> Outcome:
    text = f"{target} is not complete after {render_duration(int(seconds))}: {status.agent or 'nobody'}, {state}"
    shown = next(wave for wave in (*status.waves, status.claim) if wave.wave == target.wave)
    hint = f"hint: conductor-git why {target}    # what it waits for"
    return Outcome(NOT_YET, f"{text}\n{hint}", _data(target, status, shown, complete=False))


def _data(target: Target, status: PlanStatus, shown: WaveStatus, *, complete: bool) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "target": str(target),
        "complete": complete,
        "state": _state(status, shown, target),
        "commit": shown.commit,
        "note": shown.note,
        "waiting_for": list(shown.waiting_for or status.waiting_for),
    }
