"""Finding with whom an entry is red that did not pass on top of others: alone first, then by halves, then the two."""

from __future__ import annotations

from typing import Literal

import msgspec

from conductor_git.core.landing.entry import Entry


class Search(msgspec.Struct, frozen=True):
    """Where the search stands. `good` passes, and with `entry` on top it does not."""

    entry: Entry
    good: tuple[Entry, ...]
    why: str = ""
    log: str = ""
    stage: Literal["alone", "among", "pair"] = "alone"
    low: int = 0
    """With so many of `good` below it, it passes."""
    high: int = 0
    """With so many it does not."""

    @property
    def trial(self) -> tuple[Entry, ...]:
        """What to try next."""
        if self.stage == "alone":
            return (self.entry,)
        if self.stage == "pair":
            return (self.good[self.high - 1], self.entry)
        return (*self.good[: (self.low + self.high) // 2], self.entry)

    def told(self, passed: bool) -> Search | Found:
        """Where it goes on, or what was found, once the trial was told."""
        if self.stage == "alone":
            if not passed:
                return Found()
            return msgspec.structs.replace(self, stage="among", high=len(self.good))._next()
        if self.stage == "pair":
            names = tuple(entry.name for entry in self.good[: self.high])
            return Found(names if passed else names[-1:])
        middle = (self.low + self.high) // 2
        moved = {"low": middle} if passed else {"high": middle}
        return msgspec.structs.replace(self, **moved)._next()

    def _next(self) -> Search | Found:
        if self.high - self.low > 1:
            return self
        if self.high == 1:
            return Found((self.good[0].name,))
        return msgspec.structs.replace(self, stage="pair")


class Found(msgspec.Struct, frozen=True):
    """The entries with which it is red; none where it is red by itself."""

    partners: tuple[str, ...] = ()
