"""What waits to land, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from conductor_git.core.targets import Oid, Target

How = Literal["landed", "conflict", "red", "together", "waits", "withdrawn", "unjudged", "moved", "requested"]


class Entry(msgspec.Struct, frozen=True):
    """One commit that shall land: the claim of a plan or wave, or the tip of a branch that is no plan's."""

    name: str
    """What it was asked for by: `2`, `2.3`, or a branch."""
    source: Oid
    """The commit that lands."""
    target: Target
    """What its merge must be proven for."""
    title: str = ""
    needs: tuple[str, ...] = ()
    """The names of entries without which it does not land."""


class Fate(msgspec.Struct, frozen=True):
    """How it ended for one entry."""

    entry: Entry
    how: How
    commit: Oid | None = None
    """The merge that landed it."""
    partners: tuple[str, ...] = ()
    """For `together`: the entries with which it is red, and without which it is green. For `waits`: what it needs."""
    paths: tuple[str, ...] = ()
    """For `conflict`: where."""
    why: str = ""
    """For `requested`: the branch that was pushed."""
    log: str = ""
    """Of the run that did not pass, where there is one on this machine."""
    flaky: bool = False
    """It was red once and green the second time."""

    @property
    def landed(self) -> bool:
        """Whether integration has it now."""
        return self.how == "landed"


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """What is needed before what needs it, else as it was asked for; of one commit only the first entry stays."""
    wished: dict[Oid, Entry] = {}
    for entry in entries:
        wished.setdefault(entry.source, entry)
    left = list(wished.values())
    names = {entry.name for entry in left}
    placed: dict[str, Entry] = {}
    while left:
        # A circle of needs cannot have been claimed; should one come here, nobody is lost by it.
        free = (entry for entry in left if all(need in placed or need not in names for need in entry.needs))
        entry = next(free, left[0])
        left.remove(entry)
        placed[entry.name] = entry
    return tuple(placed.values())
