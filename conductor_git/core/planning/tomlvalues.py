"""TOML values: each reader answers with the policy's value, or raises a ValueError that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

from conductor_git.core.durations import parse_duration

Read = Callable[[Any], Any]
Check = Callable[[str], str]
"""Why a text cannot be this value; empty when it can."""


def text(check: Check, *, empty: bool = False) -> Read:
    """A text that passes the check; the empty one only where it means "none"."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"is a text, not {shown(value)}")  # noqa: TRY004 - one kind of error for the caller
        problem = check(value) if value else "" if empty else "it is empty"
        if problem:
            raise ValueError(f"cannot be {_quoted(value)}: {problem}")
        return value

    return read


def texts(check: Check) -> Read:
    """A list of texts that each pass the check."""
    read_one = text(check)

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ValueError(f"is a list of texts, not {shown(value)}")  # noqa: TRY004
        return tuple(map(read_one, value))

    return read


def one_of(choices: object) -> Read:
    """One of the words of a Literal."""
    words = get_args(choices)

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"is one of {', '.join(words)}, not {shown(value)}")
        return str(value)

    return read


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"is true or false, not {shown(value)}")  # noqa: TRY004
    return value


def count(least: int) -> Read:
    """A whole number from `least` up."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value < 2**53:
            raise ValueError(f"is a whole number, {least} or more, not {shown(value)}")
        return value

    return read


def seconds(value: Any) -> int:
    """A time as text with units, or as a number of seconds."""
    found = parse_duration(value) if isinstance(value, str) else value
    if type(found) is not int or not 0 < found < 10**9:
        raise ValueError(f"is a time like '20m', '1h30m' or '45s', or a number of seconds, not {shown(value)}")
    return found


def shown(value: Any) -> str:
    """A value as an error names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {_quoted(value)}"
    if isinstance(value, int) and abs(value) >= 2**53:
        return "a number that large"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return f"'{value}'"


def _quoted(value: str) -> str:
    return "'" + json.dumps(value if len(value) <= 80 else value[:77] + "...", ensure_ascii=False)[1:-1] + "'"
