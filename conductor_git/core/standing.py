"""How strongly what is said here holds, in words: levels, and on whose word a claim is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

CONDUCTOR = "conductor"
"""The writer who decides for the whole repository."""

RUNNER_PREFIX = "runner-"
"""How the names of those writers begin that are runners; no agent can be called so."""

Basis = Literal["self", "runner", "signed"]
"""On whose word a claim is believed."""

SCORES = "scores of "
"""How what is awaited of people begins."""

Level = Literal["L0", "L1", "L2"]

_LEVELS: dict[Level, str] = {
    "L0": "doors advise, each writer vouches for itself",
    "L1": "a hub refuses what is not proven",
    "L2": "proofs are signed",
}
_STOPS: dict[Level, str] = {
    "L0": "stops accidents and honest mistakes; who skips a hook, or writes a line in another's name, is not stopped",
    "L1": "stops whoever pushes to the hub; a result is still the word of its writer",
    "L2": "stops results and decisions in another's name; what a key's owner says is still that owner's word",
}


def say_level(level: Level) -> str:
    """The level in a few words."""
    return f"{level}: {_LEVELS[level]}"


def say_bases(counts: Mapping[Basis, int]) -> str:
    """On whose word how many claims are believed: `2 self, 1 signed`."""
    return ", ".join(f"{number} {basis}" for basis, number in sorted(counts.items()))


def say_stops(level: Level) -> str:
    """What the level stops, and what not."""
    return _STOPS[level]
