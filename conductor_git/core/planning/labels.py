"""What the Markdown of a plan says by convention: task lists, and lines like `Deliverable: …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_WORDS = {
    "agent": ("agent", "owner", "assignee", "assigned to", "orchestrator"),
    "branch": ("branch",),
    "workspace": ("workspace", "worktree"),
    "validation": ("validation", "validation script", "verification", "verification script"),
    "deliverable": ("deliverable", "deliverables"),
    "needs": ("depends on", "dependencies", "dependency", "needs", "requires"),
    "unblocks": ("unblocks", "blocks"),
    "scope": ("scope", "paths"),
    "tasks": ("tasks", "task", "steps"),
    "pattern": ("pattern", "pattern to follow"),
}
_LABELS = {word: label for label, words in _WORDS.items() for word in words}
_LABEL = re.compile(r"(?:\*\*|__)?([A-Za-z][A-Za-z ]{1,24}?)(?:(?:\*\*|__)?[ \t]*:|:(?:\*\*|__))[ \t]*(.*)", re.DOTALL)
_BOX = re.compile(r"\[([ xX])\][ \t]+(.*)", re.DOTALL)


class Item(msgspec.Struct, frozen=True):
    """One thing that is said. `label` is the one it stands under, or empty; `line` counts from 0."""

    label: str
    text: str
    line: int
    listed: bool = False
    """Whether it is an item of a list, at its first level."""
    done: bool | None = None
    """Of a task list's item, whether it is ticked; None where it has no box."""


def read_items(markdown: str) -> tuple[Item, ...]:
    """What the Markdown says, block by block, in order; headings name what stands below them."""
    return tuple(_items(_reader().parse(markdown)))


def read_tasks(markdown: str) -> tuple[Item, ...]:
    """The tasks: items with a box, and where there are none, the items below `Tasks:`."""
    items = [item for item in read_items(markdown) if item.listed]
    return tuple(item for item in items if item.done is not None) or tuple(
        item for item in items if item.label == "tasks"
    )


def read_label(markdown: str, label: str) -> str:
    """Everything that stands under a label, in one line; empty where nothing does."""
    return "; ".join(item.text for item in read_items(markdown) if item.label == label and item.text)


def headings_of(markdown: str) -> list[tuple[int, int, int, str]]:
    """Every heading that stands for itself: its first line and the one after it (from 0), its level, its text."""
    tokens = _reader().parse(markdown)
    return [
        (token.map[0], token.map[1], int(token.tag[1:]), tokens[place + 1].content)
        for place, token in enumerate(tokens)
        if token.level == 0 and token.type == "heading_open" and token.map
    ]


def label_of(text: str) -> tuple[str, str] | None:
    """The label that a line begins with, and what follows it; None where it begins with none."""
    found = _LABEL.fullmatch(text)
    label = _LABELS.get(" ".join(found[1].lower().split())) if found else None
    return None if found is None or label is None else (label, found[2].strip().removeprefix("**").strip())


def _items(tokens: list[Token]) -> Iterator[Item]:
    label, depth = "", 0
    for place, token in enumerate(tokens):
        depth += token.nesting if token.type in ("bullet_list_open", "ordered_list_open") else 0
        if token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
            label = label if depth else ""
        line = token.map[0] if token.map else 0
        if token.type == "inline" and tokens[place - 1].type == "heading_open":
            label = _LABELS.get(token.content.strip().rstrip(":").lower(), "")
        elif token.type == "inline" and depth:
            yield _listed(token.content, label, line, first=depth == 1)
        elif token.type == "inline":
            for item in _paragraph(token.content, line):
                label = item.label
                if item.text:
                    yield item
        elif token.type in ("fence", "code_block"):
            yield Item(label, token.content.strip(), line)


def _listed(content: str, label: str, line: int, *, first: bool) -> Item:
    text = " ".join(content.split())
    box = _BOX.fullmatch(text)
    if box is not None:
        return Item(label, box[2], line, listed=first, done=box[1] != " ")
    own = label_of(text)
    return Item(own[0], own[1], line, listed=first) if own else Item(label, text, line, listed=first)


def _paragraph(content: str, line: int) -> Iterator[Item]:
    """A paragraph's lines: those that begin with a label each for itself, with the lines that go on with it."""
    found: list[Item] = []
    for offset, text in enumerate(content.split("\n")):
        own = label_of(text.strip())
        if own is not None:
            found.append(Item(own[0], own[1], line + offset))
        elif found:
            found[-1] = msgspec.structs.replace(found[-1], text=f"{found[-1].text} {text.strip()}".strip())
        else:
            found.append(Item("", text.strip(), line))
    yield from found


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark")
    reader.core.ruler.disable(["inline", "text_join"])
    return reader
