"""The Markdown below the front matter: which `## Wave N: title` section is whose text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from conductor_git.core.planning.problems import Problems
from conductor_git.core.planning.values import unprintable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_HEADING = re.compile(r"wave[ \t]+([0-9]+)[ \t]*(?:(?:[:.–—-])[ \t]*(.*))?", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


class Section(msgspec.Struct, frozen=True):
    """One wave's section."""

    wave: int
    title: str
    text: str
    line: int


class Body(msgspec.Struct, frozen=True):
    """A plan's Markdown: what belongs to no wave, and the waves' sections."""

    text: str
    sections: tuple[Section, ...]


class _Heading(msgspec.Struct, frozen=True):
    start: int
    end: int
    content: str


def read_body(body: str, first_line: int, problems: Problems) -> Body:
    """Cut the Markdown at its headings of level one and two; what no wave's heading leads belongs to the plan."""
    lines = body.split("\n")
    headings, unclosed = _headings(lines)
    if unclosed is not None:
        problems.add(first_line + unclosed, "", "the block that begins here is never closed and hides what follows")
    starts = [*(heading.start for heading in headings), len(lines)]
    own = ["\n".join(lines[: starts[0]])]
    sections: dict[int, Section] = {}
    for heading, end in zip(headings, starts[1:], strict=True):
        named = _HEADING.fullmatch(heading.content)
        if named is None:
            own.append("\n".join(lines[heading.start : end]))
        else:
            text = _trimmed("\n".join(lines[heading.end : end]))
            _add(sections, named, text, first_line + heading.start, problems)
    return Body("\n\n".join(filter(None, map(_trimmed, own))), tuple(sections.values()))


def _add(sections: dict[int, Section], named: re.Match[str], text: str, line: int, problems: Problems) -> None:
    if not _NUMBER.fullmatch(named[1]):
        problems.add(line, "", f"the section of wave '{named[1]}': write the number as '{int(named[1][:9])}'")
        return
    number = int(named[1])
    if number in sections:
        message = f"a second section of wave {number}, the first is in line {sections[number].line}"
        problems.add(line, f"waves.{number}", message)
        return
    title = " ".join((named[2] or "").split())
    if problem := unprintable(title):
        problems.add(line, f"waves.{number}.title", f"the title of wave {number}: {problem}")
    sections[number] = Section(number, title, text, line)


def _headings(lines: list[str]) -> tuple[list[_Heading], int | None]:
    """The top-level headings of level one and two, and the line of a block that is still open at the end."""
    if all(map(_PLAIN.fullmatch, lines)):
        return _plain_headings(lines), None
    return _parsed_headings(lines)


_PLAIN = re.compile(
    r"|#{1,6} [^\W_](?:[^#\\\r\0]*[^#\\\r\0\s])?"  # a heading
    r"| *(?:(?:[-*]|[0-9]{1,9}\.) (?:\[[ x]\] )?)?(?:[^\W\d_]|[…“(]|\*\*[^\W_]|`[^\W_])[^\r\0]*"  # text, or an item
)
"""Lines of which Markdown has only one reading. Nearly all plans have no others, and loading a parser takes as long as
all the rest of reading them."""


def _plain_headings(lines: list[str]) -> list[_Heading]:
    return [
        _Heading(number, number + 1, line.partition(" ")[2])
        for number, line in enumerate(lines)
        if line.startswith(("# ", "## "))
    ]


def _parsed_headings(lines: list[str]) -> tuple[list[_Heading], int | None]:
    # A heading of our own at the end tells whether the end is still inside a fence, a comment or the like.
    tokens = _reader().parse("\n".join([*lines, "", "# end"]))
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    headings = [
        _Heading(token.map[0], token.map[1], tokens[place + 1].content)
        for place, token in enumerate(tokens)
        if token.level == 0 and token.type == "heading_open" and token.tag in ("h1", "h2") and token.map
    ]
    if headings and headings[-1].start == len(lines) + 1:
        return headings[:-1], None
    return headings, starts[-1]


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark")
    reader.core.ruler.disable(["inline", "text_join"])
    return reader


def _trimmed(text: str) -> str:
    """Without blank lines at both ends; the indent of the first line stays, for it may be code."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip(" \t\n")
