"""Events named by the first digits of their id, as git names commits."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid

SHOWN = 7
"""Digits of an id where it is shown."""

_LEAST = 4
_HEX = frozenset("0123456789abcdef")


def find_id(text: str, known: Iterable[Oid], *, what: str, listing: str) -> Oid:
    """The one id that begins with `text`. `what` it is of, and the command that lists them, are for the error.

    Raises CannotRun where there is none, with the nearest that exists, and where there are several.
    """
    ids = list(known)
    found = [oid for oid in ids if oid.startswith(text.lower())] if len(text) >= _LEAST else []
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(f"'{oid[: len(text) + 2]}'" for oid in found[:5])
        raise CannotRun(f"'{text}' is the beginning of {len(found)} {what}s: {shown}", hint=listing)
    why = f"'{text}' is no {what}'s id"
    if 0 < len(text) < _LEAST and set(text.lower()) <= _HEX:
        why += f": at least {_LEAST} digits of it are needed"
    near = _nearest(text, ids)
    raise CannotRun(why, detail=f"the nearest is '{near[:SHOWN]}'" if near else f"no {what} is open", hint=listing)


def _nearest(text: str, ids: list[Oid]) -> Oid | None:
    from difflib import SequenceMatcher

    def likeness(oid: Oid) -> float:
        return SequenceMatcher(None, text.lower(), oid[: max(len(text), SHOWN)]).ratio()

    return max(ids, key=likeness, default=None)
