"""Styled lines: text laid out once, then printed plain for pipes or painted for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from conductor_git.core.durations import utc
from conductor_git.core.reporting.board import FreezeStatus
from conductor_git.core.say import printable

Style = Literal["", "head", "dim", "good", "busy", "claimed", "bad", "bar", "command"]
Span = tuple[str, Style]
Line = tuple[Span, ...]

WIDE = 120
"""Cells of a line where nobody says how wide a line may be."""

GAP = 2
"""Cells between two columns."""

_LEAST_TEXT = 24
"""Cells that a last column has at least, however narrow the terminal."""


def one_line(text: str) -> str:
    """Text from a repository as it can stand inside a line: printable, and without line breaks."""
    return " ".join(printable(text).split())


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) or char == "\ufe0f" else 1 + (east_asian_width(char) in "WF") for char in text)


def pad(text: str, width: int) -> str:
    """A text followed by blanks up to that many cells."""
    return text + " " * (width - cells(text))


def shorten(text: str, width: int) -> str:
    """The beginning of a text that fits into that many cells, with `…` where something was cut."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, width: int) -> list[str]:
    """A text broken between words into lines of at most that many cells; a longer word stands alone."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cells(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def plain(lines: Iterable[Line]) -> str:
    """The lines as text without any style."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def columns(rows: Sequence[Sequence[Span]], width: int) -> list[Line]:
    """Rows as lines, each column as wide as its widest cell; an empty column takes no room.

    Where a line would be wider than `width`, the text of its last column goes on below itself.
    """
    if not rows:
        return []
    widths = [max(cells(row[at][0]) for row in rows) for at in range(len(rows[0]))]
    *shown, last = [at for at, wide in enumerate(widths) if wide] or [0]
    left = sum(widths[at] + GAP for at in shown)
    lines: list[Line] = []
    for row in rows:
        first, *more = wrap(row[last][0], max(width - left, _LEAST_TEXT))
        lines.append((*(span for at in shown for span in _padded(row[at], widths[at])), (first, row[last][1])))
        lines += [((" " * left, ""), (text, row[last][1])) for text in more]
    return lines


def _padded(span: Span, width: int) -> tuple[Span, Span]:
    return span, (pad("", width - cells(span[0]) + GAP), "")


def frozen_line(frozen: FreezeStatus) -> str:
    """What is frozen, since when and by which claim."""
    since = f"since {utc(frozen.since)} by claim {frozen.commit[:7]} of {frozen.agent}"
    return one_line(f"frozen: {', '.join(frozen.paths)} by {frozen.target}, {since}")
