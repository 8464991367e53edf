"""What a team remembers: values by key, the last word of each, and every earlier one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import Event
from conductor_git.core.events.ledger import Ledger
from conductor_git.core.targets import PLAN_ID, WAVE_NUMBER, Oid

KEY = r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,199}"

_KEY = re.compile(KEY)
_WAVE = re.compile(rf"(?:plan-({PLAN_ID})|(.+))-wave-({WAVE_NUMBER})-complete")
_PLAN = re.compile(rf"plan-({PLAN_ID})-complete")
_NOTHING = "nothing was recorded"


class Entry(msgspec.Struct, frozen=True):
    """One value that a key had. A forgotten one has none."""

    key: str
    value: Any
    forgotten: bool
    writer: str
    time: int
    event: Oid


class Derived(msgspec.Struct, frozen=True):
    """A key that history answers: whether a wave, or with `wave` None a plan, is complete.

    Whose wave it is, is said by the plan or by the agent who has it.
    """

    plan: str = ""
    agent: str = ""
    wave: int | None = None


def histories(ledger: Ledger) -> dict[str, list[Entry]]:
    """Every value of every key, the one that counts last.

    A clock that is too far ahead to be believed buys nobody the last word.
    """
    limit = ledger.clock_limit
    found: dict[str, list[Entry]] = {}
    for event in sorted(ledger.events, key=lambda event: event.clock <= limit):
        entry = _read(event) if event.kind == "memory" else None
        if entry is not None:
            found.setdefault(entry.key, []).append(entry)
    return found


def current(known: dict[str, list[Entry]]) -> dict[str, Entry]:
    """The value that counts of each key that has one, by key."""
    return {key: entries[-1] for key, entries in sorted(known.items()) if not entries[-1].forgotten}


def derived(key: str) -> Derived | None:
    """What a key asks of history; None where it is an ordinary one."""
    if found := _PLAN.fullmatch(key):
        return Derived(plan=found[1])
    if found := _WAVE.fullmatch(key):
        return Derived(found[1] or "", found[2] or "", int(found[3]))
    return None


def render_memory(key: str, value: Any) -> dict[str, Any]:
    """The data of an event that gives a key a value. Raises CannotRun for what is no key or no JSON value."""
    _check_key(key)
    problem = _problem(value)
    if problem:
        raise CannotRun(f"memory '{key}' cannot be {problem}", detail=_NOTHING)
    return {"key": key, "value": value}


def render_forgetting(key: str) -> dict[str, Any]:
    """The data of an event after which a key has no value. Raises CannotRun for what is no key."""
    _check_key(key)
    return {"key": key}


def parse_value(text: str | bytes) -> Any:
    """Read JSON strictly: no NaN, no key twice. Raises CannotRun."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        raise CannotRun(
            f"'{shown if len(shown) <= 60 else shown[:57] + '...'}' is no JSON: {why}",
            detail=f"{_NOTHING}; a text stands in double quotes inside the shell's single ones",
            hint='conductor-git memory write KEY \'{"status": "done"}\'',
        ) from error


def _read(event: Event) -> Entry | None:
    key = event.data.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key) or derived(key):
        return None
    value = event.data.get("value")
    return Entry(key, value, "value" not in event.data, event.writer, event.time, event.id)


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        shown = key if len(key) <= 60 else f"{key[:57]}..."
        raise CannotRun(
            f"'{shown}' is no key: letters, digits and . _ / : @ -, at most 200, a letter or digit first",
            detail=_NOTHING,
        )


def _problem(value: Any) -> str:
    """Why a value is no JSON value as it stands; empty where it is one."""
    pending = [value]
    seen = 0
    while pending:
        each = pending.pop()
        seen += 1
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                return "an object with a key that is no text"
            pending += each.values()
        elif isinstance(each, list | tuple):
            pending += each
        elif isinstance(each, float) and not math.isfinite(each):
            return f"{each}, which is no number in JSON"
        elif not isinstance(each, str | int | float | bool | None):
            return f"a {type(each).__name__}, which is no JSON value"
        if seen > 1_000_000:
            return "as large as that, or a value that contains itself"
    return ""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"names '{next(name for name in names if names.count(name) > 1)[:60]}' twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"holds {word}, which is no number")


def nearest_key(key: str, known: Iterable[str]) -> str:
    """The most similar of the known keys; empty where none is similar."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(key, list(known), 1)), "")
