"""Starting an agent's own program in its worktree."""

from __future__ import annotations

import os
import subprocess
import time

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.git import without_git
from conductor_git.store.plumbing.repository import Repository

_MOMENT = 0.3
"""Seconds in which a command that cannot start at all has ended: sh says 126 or 127."""


class Started(msgspec.Struct, frozen=True):
    """A process that runs on by itself, in a session of its own."""

    pid: int
    log: str


def start_agent(repo: Repository, command: str, *, name: str, worktree: str, brief: str, plan: str) -> Started:
    """Run a shell command in the worktree with the brief on its standard input and its output in a log file.

    `name` is the agent's writer name. Raises CannotRun when the command cannot be started.
    """
    folder = os.path.join(repo.private, "agents")
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, f"{plan}-{name}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}")
    given, log = f"{stem}.brief.md", f"{stem}.log"
    with open(given, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(brief + "\n")
    with open(given, "rb") as stdin, open(log, "ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=worktree,
            env=_environment(name, plan),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = process.wait(timeout=_MOMENT)
    except subprocess.TimeoutExpired:
        # It lives on; nobody here waits for it.
        process.returncode = 0
        return Started(process.pid, log)
    if code in (126, 127):
        raise CannotRun(f"'{command}' could not be started", detail=f"its output is in '{log}'")
    return Started(process.pid, log)


def _environment(name: str, plan: str) -> dict[str, str]:
    return {**without_git(os.environ), "CONDUCTOR_PLAN": plan, "CONDUCTOR_WRITER": name}
