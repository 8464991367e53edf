"""What to say where the system refuses a path, and the command that shows why."""

from __future__ import annotations

import os

from conductor_git.core.errors import CannotRun


def cannot(verb: str, path: str, error: OSError, *, detail: str = "") -> CannotRun:
    """The error for a path that cannot be, say, `written` or `locked`; the hint shows who may, or what is full."""
    return CannotRun(f"'{path}' cannot be {verb}: {error.strerror}", detail=detail, hint=look(path))


def look(path: str) -> str:
    """The command that shows the nearest folder that is there, its owner, its access, and how full its disk is."""
    import shlex

    folder = path
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    there = shlex.quote(folder if os.path.isdir(folder) else os.path.dirname(folder))
    return f"ls -ld {there} && df -h {there}"
