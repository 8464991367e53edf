"""YAML of which there is only one reading: one key or item a line, words, quotes without escapes, lists and mappings in
brackets. Nearly all plans have no other, and loading a parser takes as long as all the rest of reading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from conductor_git.core.planning.yamlnodes import Items, Node, Pairs, Text

_WORDS = r"[\w./][\w./+()-]*(?: [\w./+()-]+)*"
_KEY = re.compile(r"(\w[\w-]{0,99}):(?: (.+))?")
_VALUE = re.compile(rf'"([^"\\]*)"|({_WORDS})|([\[{{])')
_INNER_KEY = re.compile(r"(\w[\w-]{0,99}): ")
_DEEPEST = 8

T = TypeVar("T")


class _NotPlainError(Exception):
    """There is more in it than this module reads."""


def read_plain(source: str, first_line: int) -> Node | None:
    """The nodes of one YAML document; None for whatever is not plain, and then a parser reads it."""
    lines = source.split("\n")
    if lines[-1] or not all(map(str.isprintable, lines)):
        return None
    try:
        return _block(lines[:-1], first_line, 0)
    except _NotPlainError:
        return None


def _block(lines: Sequence[str], first: int, depth: int) -> Node:
    """A list or a mapping, an entry a line; the lines begin where its entries do."""
    if not lines or depth > _DEEPEST:
        raise _NotPlainError
    if lines[0].startswith("- "):
        return Items(first, tuple(_item(line, first + number) for number, line in enumerate(lines)))
    pairs: list[tuple[Text, Node]] = []
    number = 0
    while number < len(lines):
        entry = _KEY.fullmatch(lines[number])
        if entry is None:
            raise _NotPlainError
        line = first + number
        number += 1
        if entry[2]:
            value = _whole(entry[0], entry.start(2), line)
        else:
            inner = _indented(lines, number)
            value = _block(inner, first + number, depth + 1)
            number += len(inner)
        pairs.append((Text(line, entry[1]), value))
    return Pairs(first, tuple(pairs))


def _indented(lines: Sequence[str], number: int) -> list[str]:
    """The lines from that one on that are indented, without as much indentation as the first has."""
    end = number
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    found = lines[number:end]
    indent = len(found[0]) - len(found[0].lstrip(" ")) if found else 0
    if any(line[:indent].strip(" ") for line in found):
        raise _NotPlainError
    return [line[indent:] for line in found]


def _item(text: str, line: int) -> Node:
    if not text.startswith("- "):
        raise _NotPlainError
    return _whole(text, 2, line)


def _whole(text: str, at: int, line: int) -> Node:
    """The value that is all the rest of a line."""
    value, end = _value(text, at, line, 0)
    if end != len(text):
        raise _NotPlainError
    return value


def _value(text: str, at: int, line: int, depth: int) -> tuple[Node, int]:
    """The value at a place in a line, and where it ends."""
    found = _VALUE.match(text, at)
    if found is None or depth > _DEEPEST:
        raise _NotPlainError
    if found[3] is None:
        return Text(line, found[2] if found[1] is None else found[1]), found.end()
    if found[3] == "[":
        items, end = _listed(text, found.end(), "]", lambda at: _value(text, at, line, depth + 1))
        return Items(line, tuple(items)), end
    pairs, end = _listed(text, found.end(), "}", lambda at: _pair(text, at, line, depth + 1))
    return Pairs(line, tuple(pairs)), end


def _pair(text: str, at: int, line: int, depth: int) -> tuple[tuple[Text, Node], int]:
    key = _INNER_KEY.match(text, at)
    if key is None:
        raise _NotPlainError
    value, end = _value(text, key.end(), line, depth)
    return (Text(line, key[1]), value), end


def _listed(text: str, at: int, closing: str, read: Callable[[int], tuple[T, int]]) -> tuple[list[T], int]:
    """What stands between brackets, and where it ends."""
    found: list[T] = []
    if text.startswith(closing, at):
        return found, at + 1
    while True:
        one, at = read(at)
        found.append(one)
        if text.startswith(closing, at):
            return found, at + 1
        if not text.startswith(", ", at):
            raise _NotPlainError
        at += 2
