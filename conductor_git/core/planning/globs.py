"""Scopes: git pathspecs with `glob` magic, relative to the repository's root.

`*`, `?` and `[…]` stay inside one folder, `**` as a whole part is any number of folders, and a pattern also stands for
everything below the path it spells. Source: gitglossary(7) "pathspec", git's wildmatch.c and dir.c (match_pathspec).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_MAGIC = re.compile(r"[*?\[\\]")
_SYMBOL = re.compile(r"\*+|\[[!^]?+\]?+(?:\[:[a-z]+:\]|\\.|[^\]\\])*\]|\\.|.", re.DOTALL)
_MEMBER = re.compile(r"\[:([a-z]+):\]|(\\.|.)-(\\.|.)|(\\.|.)", re.DOTALL)
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\v\f\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


def glob_problem(pattern: str) -> str:
    """Why this cannot be a path pattern of a plan or policy; empty when it can."""
    if not pattern:
        return "it is empty"
    if pattern.startswith("/"):
        return "it is absolute; paths are relative to the repository's root"
    if pattern.startswith(":"):
        return "it begins with ':', which is pathspec magic"
    if "\0" in pattern or "\n" in pattern:
        return "it has a NUL or a line break"
    parts = pattern.split("/")
    if ".." in parts or "." in parts:
        return "it has a '.' or '..' part"
    if "" in parts[:-1]:
        return "it has an empty part ('//')"
    if any(symbol in ("[", "\\") for part in parts for symbol in _SYMBOL.findall(part)):
        return "it has a '[' without ']', or a '\\' before nothing"
    if parts[-1] == "" and _MAGIC.search(pattern):
        return f"it names no file; everything below is '{pattern}**'"
    return ""


def matches(pattern: str, path: str) -> bool:
    """Whether git would say that the path is within this pattern."""
    return _compiled(pattern).fullmatch(_bytewise(path)) is not None


def overlap(one: str, other: str) -> bool:
    """Whether some path can be within both patterns. Exact, but two bracket expressions are taken to meet."""
    return _meet(_elements(one), _elements(other), "**", _parts_meet)


def pathspec(path: str) -> str:
    """A pathspec that names this path from every folder, for a shell."""
    import shlex

    return shlex.quote(f":(top,literal){path}" if set(path) & set("*?[\\") else f":/{path}")


def _bytewise(text: str) -> str:
    """One character a byte of the path, as git compares them: `?` is not enough for an umlaut."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = _bytewise(pattern)
    spelled = re.escape(pattern) + (".+" if pattern.endswith("/") else "(?:/.*)?")
    if _MAGIC.search(pattern):
        spelled += "|" + _wildmatch(_parts(pattern))
    return re.compile(spelled, re.DOTALL)


def _wildmatch(parts: Sequence[str]) -> str:
    last = len(parts) - 1
    regex = ""
    for place, part in enumerate(parts):
        if part == "**":
            regex += ".*" if place == last else "(?:[^/]+/)*"
        else:
            regex += "".join(map(_symbol_regex, _SYMBOL.findall(part))) + ("" if place == last else "/")
    return regex


@lru_cache(maxsize=4096)
def _symbol_regex(symbol: str) -> str:
    if symbol[0] == "*":
        return "[^/]*"
    if symbol == "?":
        return "[^/]"
    if symbol[0] == "[":
        return _bracket_regex(symbol[1:-1])
    return re.escape(symbol[-1])


def _bracket_regex(inner: str) -> str:
    negated = inner[:1] in ("!", "^")
    members = ""
    for posix, start, end, single in _MEMBER.findall(inner[1:] if negated else inner):
        if posix:
            members += _POSIX.get(posix, "")
        elif single:
            members += re.escape(single[-1])
        elif start[-1] <= end[-1]:
            members += f"{re.escape(start[-1])}-{re.escape(end[-1])}"
    if not members:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{members}]"


def _parts(pattern: str) -> list[str]:
    return ["**" if len(part) > 1 and not part.strip("*") else part for part in pattern.split("/")]


@lru_cache(maxsize=4096)
def _elements(pattern: str) -> tuple[str, ...]:
    """The pattern in parts, so that it means whole paths: `docs` is `docs/**`, and a last `**` is at least one part."""
    parts = _parts(_bytewise(pattern))
    if _MAGIC.search(pattern):
        return (*parts, "*") if parts[-1] == "**" else tuple(parts)
    return (*parts[:-1], "**", "*") if parts[-1] == "" else (*parts, "**")


@lru_cache(maxsize=65536)
def _parts_meet(one: str, other: str) -> bool:
    if not _MAGIC.search(one + other):
        return one == other
    return _meet(_symbols(one), _symbols(other), "*", _symbols_meet)


def _symbols(part: str) -> list[str]:
    return ["*" if symbol[0] == "*" else symbol for symbol in _SYMBOL.findall(part)]


def _symbols_meet(one: str, other: str) -> bool:
    if one == "?" or other == "?":
        return True
    brackets = [symbol for symbol in (one, other) if symbol[0] == "[" and len(symbol) > 1]
    if len(brackets) == 1:
        letter = other if brackets[0] == one else one
        return re.fullmatch(_symbol_regex(brackets[0]), letter[-1], re.DOTALL) is not None
    return len(brackets) == 2 or one[-1] == other[-1]


def _meet(one: Sequence[str], other: Sequence[str], repeat: str, same: Callable[[str, str], bool]) -> bool:
    """Whether two sequences, in which `repeat` stands for any number of any elements, have a common instance."""
    start = 0
    for here, there in zip(one, other, strict=False):
        if repeat in (here, there):
            break
        if not same(here, there):
            return False
        start += 1
    seen = {(start, start)}
    queue = [(start, start)]
    while queue:
        i, j = queue.pop()
        if i == len(one) and j == len(other):
            return True
        for step in _steps(one[i : i + 1], other[j : j + 1], repeat, same):
            state = (i + step[0], j + step[1])
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return False


def _steps(
    one: Sequence[str], other: Sequence[str], repeat: str, same: Callable[[str, str], bool]
) -> list[tuple[int, int]]:
    """How far both may move on from where they stand; each argument is what comes next there, or empty."""
    if [repeat] == list(one) or [repeat] == list(other):
        return [(1, 0)] * len(one) + [(0, 1)] * len(other)
    return [(1, 1)] if one and other and same(one[0], other[0]) else []
