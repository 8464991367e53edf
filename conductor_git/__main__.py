"""`conductor-git`, `git conductor` and `python -m conductor_git`."""

from __future__ import annotations

import sys
from typing import NoReturn

from conductor_git.lifetime import live, load_msgspec


def command() -> NoReturn:
    """Run one command as the whole of this process."""
    live(_run)


def _run() -> int:
    try:
        load_msgspec()
        # An option before the command may name another folder.
        if sys.argv[1:2] and not sys.argv[1].startswith("-"):
            from conductor_git.store.plumbing import ahead

            ahead.ask(refs=sys.argv[1] in ("status", "log-status"))
        from conductor_git.cli import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130  # as `cli` ends then
    return main()


if __name__ == "__main__":
    command()
