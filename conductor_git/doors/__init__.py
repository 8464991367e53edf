"""The small entry that hook files call: `python -m conductor_git.doors <door> [argument…]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from conductor_git.lifetime import live

if TYPE_CHECKING:
    from conductor_git.core.errors import CannotRun

_RUN_TWICE = ("PRE_COMMIT", "PRE_COMMIT_RUNNING_LEGACY", "PREK_RUNNING_LEGACY")
"""Set by pre-commit and prek, which run the hook that stood there before them, and then their own entries."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one door. Exit codes are git's for hooks: 0 lets the operation go on, anything else stops it."""
    args = list(sys.argv[1:] if argv is None else argv)
    # A hook may run under a console that cannot print a tick; crashing after having approved would refuse.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    door, rest = (args[0] if args else ""), args[1:]
    if door == "commit-msg":
        from conductor_git.doors.commit_msg import commit_msg as enter
    elif door == "pre-commit":
        from conductor_git.doors.pre_commit import pre_commit as enter
    elif door == "pre-merge-commit":
        from conductor_git.doors.pre_merge_commit import pre_merge_commit as enter
    elif door == "reference-transaction":
        from conductor_git.doors.reference_transaction import reference_transaction as enter
    elif door == "pre-push":
        from conductor_git.doors.pre_push import pre_push as enter
    elif door == "pre-receive":
        from conductor_git.doors.pre_receive import pre_receive

        # Whatever runs a hook twice elsewhere, or the one who pushes says so, a hub judges each time.
        return _closed_on_failure(door, pre_receive, rest)
    else:
        print(f"error: there is no door '{door}'", file=sys.stderr)
        print(
            "hint: conductor-git-hook commit-msg FILE    # other hooks of ours by their names",
            file=sys.stderr,
        )
        return 2
    if any(name in os.environ for name in _RUN_TWICE):
        from conductor_git.doors.once import once

        return once(door, lambda: _closed_on_failure(door, enter, rest))
    return _closed_on_failure(door, enter, rest)


def leave() -> NoReturn:
    """Run one door as the whole of this process."""
    live(main)


def _closed_on_failure(door: str, enter: object, rest: list[str]) -> int:
    from conductor_git.core.errors import CannotRun

    try:
        return int(enter(rest))  # type: ignore[operator]
    except CannotRun as error:
        return _refuse(door, error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return _refuse(door, CannotRun(f"'{error.filename}': {why}" if error.filename else why))
    except Exception as error:
        return _refuse(
            door, CannotRun(f"this is a bug in conductor-git: {type(error).__name__}: {error}", detail=_at(error))
        )


_LEFT = {
    "reference-transaction": "no branch was moved",
    "pre-push": "nothing was pushed",
    "pre-receive": "nothing of this push was taken",
}


def _refuse(door: str, error: CannotRun) -> int:
    from conductor_git.core.say import say_error

    print(say_error(error), file=sys.stderr)
    print(
        f"       {door} could not judge this, so it was refused; {_LEFT.get(door, 'nothing was committed')}",
        file=sys.stderr,
    )
    return 1


def _at(error: Exception) -> str:
    """Where it happened, the newest call first."""
    import traceback

    return "; ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)))
