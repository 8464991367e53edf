"""What `--json` prints: one object, also where something was refused or could not run."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.commands.outcome import Outcome
from conductor_git.core.errors import CannotRun

SCHEMA = 1


def outcome_json(outcome: Outcome) -> str:
    """The outcome's data; with its findings where the data does not have them by itself."""
    data = outcome.data
    if outcome.findings and isinstance(data, dict) and "findings" not in data:
        data = {**data, "findings": outcome.findings}
    return _encode(data)


def error_json(error: CannotRun) -> str:
    """An error that ends a command."""
    said = {"message": error.what, "detail": error.detail, "hint": error.hint}
    return _encode({"schema": SCHEMA, "error": said})


def line_json(value: object) -> str:
    """A value in one line, for what is told meanwhile."""
    return _encode(value, indent=-1)


def _encode(value: object, *, indent: int = 2) -> str:
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A path may have bytes that are no UTF-8, and JSON can only have text.
        raw = msgspec.json.encode(_spelled_out(msgspec.to_builtins(value)))
    return msgspec.json.format(raw, indent=indent).decode("utf-8")


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_spelled_out(key): _spelled_out(item) for key, item in value.items()}
    return [_spelled_out(item) for item in value] if isinstance(value, list | tuple) else value
