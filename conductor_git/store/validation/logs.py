"""The end of a run's log, for people and agents who see little at a time."""

from __future__ import annotations

import os

from conductor_git.core.say import printable

_LAST = 16_384
"""Bytes that are looked at."""


def log_tail(path: str, lines: int = 12) -> list[str]:
    """The last lines that are not empty, safe for a terminal; none where there is no log."""
    if not path or not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _LAST))
        text = file.read().decode("utf-8", "replace")
    kept = [printable(line.rstrip()) for line in text.splitlines() if line.strip()]
    return [line if len(line) <= 200 else f"{line[:199]}…" for line in kept[-lines:]]
