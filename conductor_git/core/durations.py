"""Spans of time as people write them: `20m`, `1h30m`, `7d`; and points of time."""

from __future__ import annotations

import re

_SPAN = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?")


def parse_duration(text: str) -> int | None:
    """Seconds in `7d`, `1h30m`, `20m`, `45s`; None when the text is no such span. The units stand in this order."""
    found = _SPAN.fullmatch(text)
    if not text or found is None:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


def render_duration(seconds: int) -> str:
    """The shortest text of at most three units that `parse_duration` reads back."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return "".join(f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if number) or "0s"


def utc(seconds: int) -> str:
    """A point of time, given in seconds since the epoch: `2027-01-31 12:00 UTC`."""
    days, rest = divmod(seconds, 86_400)
    # Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March.
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return f"{year + era * 400 + (month < 3)}-{month:02}-{day:02} {rest // 3600:02}:{rest // 60 % 60:02} UTC"


def ago(seconds: int) -> str:
    """An age in its largest unit: `6m ago`, `2h ago`, `9d ago`; clocks that differ by a little are no news."""
    if seconds < 5:
        return "just now"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size}{unit} ago"
    return f"{seconds // 86_400}d ago"
