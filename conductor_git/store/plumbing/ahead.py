"""git asked before the rest of a process is there: it answers while modules load."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.git import Running, begin
from conductor_git.store.plumbing.questions import REFS, WHEREABOUTS, outer

_asked: dict[tuple[str, ...], Running] = {}


def ask(*, refs: bool) -> None:
    """Ask where we are and, where somebody will want to know, which refs there are."""
    # Outside of a repository whoever needs the answer says what is wrong, and better.
    _ask(WHEREABOUTS, ok=(0, 128))
    if refs:
        _ask(REFS, ok=(0,))


def asked(question: tuple[str, ...]) -> Running | None:
    """The git that was asked, for the first who wants to know: what it says was true then, not for ever."""
    return _asked.pop(question, None)


def _ask(question: tuple[str, ...], *, ok: Collection[int]) -> None:
    # Where git cannot even start, it is asked again when it matters.
    with suppress(CannotRun, OSError):
        _asked[question] = begin(question, inherit=outer(os.environ), ok=ok)
