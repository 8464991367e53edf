"""Spans of time as people write them: `20m`, `1h30m`, `45s`."""

from __future__ import annotations

import re

_SPAN = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?")


def parse_duration(text: str) -> int | None:
    """Seconds in `1h30m`, `20m`, `45s`; None when the text is no such span. The units stand in this order."""
    found = _SPAN.fullmatch(text)
    if not text or found is None:
        return None
    hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def render_duration(seconds: int) -> str:
    """The shortest text of at most three units that `parse_duration` reads back."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return "".join(f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if number) or "0s"


def ago(seconds: int) -> str:
    """An age in its largest unit: `6m ago`, `2h ago`, `9d ago`; clocks that differ by a little are no news."""
    if seconds < 5:
        return "just now"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size}{unit} ago"
    return f"{seconds // 86_400}d ago"
