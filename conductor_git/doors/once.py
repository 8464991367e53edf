"""One refusal, said once.

pre-commit and prek run the hook that stood there before them, which is ours, then the entry in their file, which is
ours too. Both judge, and the second one has nothing to add.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from io import StringIO

_BENEATH = ("PRE_COMMIT_RUNNING_LEGACY", "PREK_RUNNING_LEGACY")
_FRESH = 60
"""Seconds; the two runs belong to one commit."""


def once(door: str, enter: Callable[[], int]) -> int:
    """Enter a door; what it says is left out where the hook beneath has just refused with these very words."""
    with redirect_stderr(StringIO()) as said:
        code = enter()
    text = said.getvalue()
    path = _path()
    words = hashlib.sha256(f"{door}\0{code}\0{text}".encode("utf-8", "surrogateescape")).hexdigest()
    beneath = any(name in os.environ for name in _BENEATH)
    if beneath or not code or _take(path) != words:
        sys.stderr.write(text)
    if beneath and code:
        # Where it cannot be written, it is said twice.
        with suppress(OSError), open(path, "w", encoding="ascii") as file:
            file.write(words)
    return code


def _path() -> str:
    from conductor_git.core.errors import CannotRun
    from conductor_git.store.plumbing.repository import discover

    try:
        return os.path.join(discover().git_dir, "conductor-refused")
    except CannotRun:
        return os.devnull


def _take(path: str) -> str:
    """What was refused just now; nobody finds it again."""
    try:
        fresh = os.stat(path).st_mtime > time.time() - _FRESH
        with open(path, encoding="ascii", errors="replace") as file:
            words = file.read()
        if path != os.devnull:
            os.unlink(path)
    except OSError:
        return ""
    return words if fresh else ""
