"""`explain`: what a finding's code means, and what to do."""

from __future__ import annotations

from conductor_git.commands.outcome import Outcome
from conductor_git.core.codes.catalogue import CATALOGUE
from conductor_git.core.errors import CannotRun

_LIKE = 0.75
"""How alike codes must be to be named: below it any three digits resemble any other."""


def explain(code: str | None = None) -> Outcome:
    """Explain one code, or list all of them. `cg201` and `201` are read as CG201.

    Raises CannotRun, with the nearest code, for one that does not exist.
    """
    if code is None:
        listed = tuple(CATALOGUE.values())
        return Outcome(text="\n".join(f"{entry.code}  {entry.title}" for entry in listed), data=listed)
    entry = CATALOGUE.get(_spelled(code))
    if entry is None:
        near = _nearest(code)
        raise CannotRun(f"there is no code '{code}'", hint=f"conductor-git explain {near}".rstrip())
    return Outcome(text=f"{entry.code}: {entry.title}\n\n{entry.why}\n\nwhat to do: {entry.remedy}", data=entry)


def _spelled(code: str) -> str:
    upper = code.strip().strip("[]").upper()
    return f"CG{upper}" if upper.isascii() and upper.isdigit() else upper


def _nearest(code: str) -> str:
    from difflib import get_close_matches

    titles = {entry.title: entry.code for entry in CATALOGUE.values()}
    for word in get_close_matches(_spelled(code), CATALOGUE, 1, _LIKE):
        return word
    return next((titles[title] for title in get_close_matches(code.lower(), titles, 1)), "")
