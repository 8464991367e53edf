"""One writer of the ledger benchmark, as a process of its own: says "ready", waits for its standard input to close,
writes, and says how many of its writes were reported as done. Called as: ledger_writer.py HOW REPOSITORY NUMBER COUNT.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable

LINE = {"statement": "x" * 400}


def ours(root: str, number: int, writer: str) -> Callable[[int], bool]:
    """Append events with the ledger's own function."""
    from conductor_git.store.notes.ledger import append
    from conductor_git.store.plumbing.repository import discover

    repo = discover(root)

    def write(turn: int) -> bool:
        data = {**LINE, "writer": number, "turn": turn}
        append(repo, writer=writer, kind="memory", data=data, now=int(time.time()))
        return True

    return write


def notes(root: str, number: int, count: int, *, lock: bool) -> Callable[[int], bool]:
    """Append lines with `git notes append`, each to a commit of its own so that no note grows."""
    commits = subprocess.run(
        ["git", "rev-list", "notes"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()

    def write(turn: int) -> bool:
        line = json.dumps({**LINE, "writer": number, "turn": turn})
        argv = ["git", "notes", "--ref=plain", "append", "-m", line, commits[number * count + turn]]
        with open(f"{root}/.git/notes-lock", "w") as file:
            if lock:
                fcntl.flock(file, fcntl.LOCK_EX)
            done = subprocess.run(argv, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode == 0

    return write


def main() -> None:
    """Write COUNT lines once told to."""
    how, root, number, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if how == "ours":
        write = ours(root, number, f"agent-{number}")
    elif how == "ours-one-ref":
        write = ours(root, number, "agent")
    else:
        write = notes(root, number, count, lock=how == "locked")
    print("ready", flush=True)
    sys.stdin.read()
    print(sum(write(turn) for turn in range(count)))


if __name__ == "__main__":
    main()
