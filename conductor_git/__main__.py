"""`conductor-git`, `git conductor` and `python -m conductor_git`."""

from __future__ import annotations

import sys
from typing import NoReturn

from conductor_git.lifetime import live, load_msgspec


def command() -> NoReturn:
    """Run one command as the whole of this process."""
    live(_run)


def _run() -> int:
    load_msgspec()
    from conductor_git.store.plumbing import ahead

    ahead.ask(refs=sys.argv[1:2] in (["status"], ["log-status"]))
    from conductor_git.cli import main

    return main()


if __name__ == "__main__":
    command()
