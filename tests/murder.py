"""A git that kills whoever calls it, at a chosen one of what it is asked to write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

_MURDEROUS_GIT = """#!/bin/sh
# Counts what writes, and kills the caller at the chosen one: before it, or after.
case " $* " in
*" update-ref "*|*" commit-tree "*|*" fast-import "*|*" worktree add "*|*" worktree lock "*|*" checkout "*|\
*" config --"*"--replace-all "*|*" push "*|*" hash-object -w "*|*" merge "*)
    echo "$*" >>"$TALLY"
    if [ "$(wc -l <"$TALLY")" -eq "$KILL_AT" ]; then
        [ "$KILL_WHEN" = after ] && "$REAL_GIT" "$@"
        kill -9 "$PPID"
        exit 1
    fi
    ;;
esac
exec "$REAL_GIT" "$@"
"""


@pytest.fixture
def murderous(tmp_path: Path) -> Callable[[int, str], dict[str, str]]:
    """An environment in which the n-th git that writes kills who called it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(_MURDEROUS_GIT)
    (folder / "git").chmod(0o755)
    real = str(shutil.which("git"))

    def environment(kill_at: int, when: str) -> dict[str, str]:
        return {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "REAL_GIT": real,
            "TALLY": str(tmp_path / f"tally-{kill_at}-{when}"),
            "KILL_AT": str(kill_at),
            "KILL_WHEN": when,
        }

    return environment
