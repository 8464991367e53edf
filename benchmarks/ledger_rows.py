"""Rows about the ledger: many processes that write at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from pairs import Planned, Row, Side
from place import HERE, Place, fresh
from repos import import_commits


def rows(place: Place) -> list[Planned]:
    """Ours against `git notes append` under a lock; and how many lines plain `git notes append` keeps."""
    return [
        ("16 processes append 50 lines each, one ref each", lambda: _row(place, "ours", 16, 50, at_most=1.0)),
        ("64 processes append 12 lines each, one ref each", lambda: _row(place, "ours", 64, 12, at_most=1.0)),
        (
            "16 processes append 50 lines each, all to one ref",
            lambda: _row(place, "ours-one-ref", 16, 50, at_most=None),
        ),
    ]


def _row(place: Place, how: str, writers: int, count: int, *, at_most: float | None) -> Row:
    notes: list[str] = []

    def plain(turn: int) -> None:
        # Once is enough: it is told for comparison, not timed.
        if turn == 0:
            _timed(place, "plain", writers, count, notes)

    return Row(
        Side("ledger append", lambda turn: _timed(place, how, writers, count, notes)),
        Side("`git notes append` under flock", lambda turn: _timed(place, "locked", writers, count, notes), plain),
        at_most,
        notes,
    )


def _timed(place: Place, how: str, writers: int, count: int, notes: list[str]) -> float:
    root = _repository(place, writers * count)
    argv = [sys.executable, str(HERE / "ledger_writer.py"), how, str(root)]
    processes = [
        subprocess.Popen(
            [*argv, str(number), str(count)],
            env=place.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(writers)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = [process.communicate() for process in processes]
    seconds = time.perf_counter() - began
    for process, (_, error) in zip(processes, said, strict=True):
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}: " + error.decode("utf-8", "replace"))
    _count(place, root, how, sum(int(out) for out, _ in said), notes)
    return seconds


def _count(place: Place, root: Path, how: str, reported: int, notes: list[str]) -> None:
    if how.startswith("ours"):
        from conductor_git.store.notes.ledger_reader import read_ledger
        from conductor_git.store.plumbing.repository import discover

        kept = len(read_ledger(discover(str(root)), use_cache=False).events)
    else:
        kept = len(place.git(root, "ls-tree", "-r", "refs/notes/plain").splitlines())
    name = {"locked": "under flock", "plain": "plain `git notes append`"}.get(how, "ours")
    note = f"{name}: {reported} reported as written, {kept} kept"
    if kept != reported and how.startswith("ours"):
        raise RuntimeError(note)
    if note not in notes:
        notes.append(note)


def _repository(place: Place, commits: int) -> Path:
    root = fresh(place.work / "ledger")
    place.git(root, "init", "-q")
    import_commits(place, root, {"refs/heads/notes": (f"Change {number}" for number in range(commits))})
    return root
