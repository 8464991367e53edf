"""Paired timings: A B A B …, so that whatever else the machine does hits both sides alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


class NotThere(Exception):
    """A row cannot be measured here; the text says why."""


def nothing(turn: int) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared."""

    label: str
    run: Callable[[int], float]
    """Do it for the nth time; returns the seconds that count."""
    prepare: Callable[[int], None] = nothing
    """What has to happen before and is not timed."""


@dataclass(frozen=True)
class Row:
    """One comparison. `at_most` bounds the ratio ours / peer; None where it is only told."""

    ours: Side
    peer: Side
    at_most: float | None
    notes: list[str] = field(default_factory=list)
    """What was found beside the times; filled while measuring."""


Planned = tuple[str, Callable[[], Row]]
"""A row's title, and what builds it when its turn comes; may raise NotThere."""


@dataclass(frozen=True)
class Measured:
    """The times of one row, in seconds, pair by pair."""

    title: str
    row: Row
    ours: list[float]
    peer: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours / peer of each pair."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: what is comparable between machines."""
        return statistics.median(self.ratios)

    @property
    def middle(self) -> tuple[float, float]:
        """The ratios between which the middle half of the pairs lies."""
        low, _, high = statistics.quantiles(self.ratios, n=4) if len(self.ratios) > 1 else self.ratios * 3
        return low, high

    @property
    def verdict(self) -> str:
        """How the ratio stands to what is allowed."""
        if self.row.at_most is None:
            return "-"
        return "yes" if self.ratio <= self.row.at_most else "NO"


def measure(title: str, row: Row, pairs: int) -> Measured:
    """Run both sides in turns; the first pair warms up and does not count, and who goes first changes each time."""
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for turn in range(pairs + 1):
        order = [("ours", row.ours), ("peer", row.peer)]
        for name, side in order if turn % 2 else reversed(order):
            side.prepare(turn)
            seconds = side.run(turn)
            if turn:
                times[name].append(seconds)
    return Measured(title, row, times["ours"], times["peer"])
