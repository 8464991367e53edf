"""Painting styled lines for a terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.reporting.lines import Line, Style

# The sixteen colours that every terminal has and every user has chosen for theirs.
_PAINT: dict[Style, str] = {
    "": "",
    "head": "bold",
    "dim": "dim",
    "good": "green",
    "busy": "cyan",
    "claimed": "yellow",
    "bad": "bold red",
    "bar": "green",
    "command": "cyan",
}
_BAR = str.maketrans("[#.]", " ━╌ ")


def paint(lines: Iterable[Line]) -> str:
    """The lines with ANSI colours; the text stands where it stands without them."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    # A width past every line: the lines are laid out already, and rich must not fold them again.
    console = Console(file=StringIO(), force_terminal=True, color_system="standard", width=10_000, legacy_windows=False)
    with console.capture() as captured:
        for line in lines:
            text = Text()
            for said, style in line:
                text.append(said.translate(_BAR) if style == "bar" else said, _PAINT[style])
            text.rstrip()
            console.print(text, soft_wrap=True, highlight=False)
    return captured.get().removesuffix("\n")
