"""A plan as the rest of the core sees it. Reading plan files is `planfile`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from conductor_git.core.targets import Target

Scalar = str | int | float | bool


class Validation(msgspec.Struct, frozen=True):
    """Which script of the scripts folder proves a plan or wave, and how long it may take."""

    script: str
    args: tuple[str, ...] = ()
    timeout: int | None = None
    """Seconds; None is the policy's limit."""


class Criterion(msgspec.Struct, frozen=True):
    """A bound on a metric (`fnmatch` pattern) of a run, or on its ratio to the baseline's metric."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    of_baseline: bool = False
    """The bound is on value / baseline value instead of on the value."""
    waivable: bool = True

    def __str__(self) -> str:
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("at least", self.at_least), ("at most", self.at_most))
            if bound is not None
        ]
        return f"{self.metric} {' and '.join(bounds)}{' of baseline' if self.of_baseline else ''}"


class Manual(msgspec.Struct, frozen=True):
    """A wave that people score: how many of them at least, and their least average."""

    people: int
    at_least: float


class Wave(msgspec.Struct, frozen=True):
    """One declared wave. Order of declaration counts: it needs the previous declared wave unless `after_none`."""

    number: int
    title: str = ""
    needs: tuple[Target, ...] = ()
    after_none: bool = False
    freezes: tuple[str, ...] = ()
    manual: Manual | None = None
    platforms: tuple[str, ...] = ()
    validation: Validation | None = None
    criteria: tuple[Criterion, ...] = ()
    records_baseline: bool = False
    text: str = ""
    """The body of its `## Wave N: title` section, Markdown, for briefs."""


class Plan(msgspec.Struct, frozen=True, dict=True):
    """One plan file, read. `path` is its path in the control tree, `/`-separated."""

    plan: str
    title: str
    path: str
    agent: str = ""
    agent_kind: str = ""
    branch: str = ""
    workspace: str = ""
    """Relative to the main worktree's root (bare: the parent of the git directory); empty is the default form."""
    validation: Validation | None = None
    needs: tuple[Target, ...] = ()
    scope: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    platforms: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()
    text: str = ""
    """What stands before the first wave section, Markdown."""

    @property
    def ref(self) -> str:
        """The full name of the plan's branch."""
        return f"refs/heads/{self.branch}"

    def wave(self, number: int) -> Wave | None:
        """The declared wave of that number."""
        place = self._places.get(number)
        return None if place is None else self.waves[place]

    @cached_property
    def _places(self) -> dict[int, int]:
        """Where in the order of declaration each wave is, by its number."""
        return {wave.number: place for place, wave in reversed(list(enumerate(self.waves)))}

    def needs_of(self, wave: Wave) -> tuple[Target, ...]:
        """What must be complete before this wave's claim: its predecessor, then its own `needs`."""
        position = self._places[wave.number]
        before = () if wave.after_none or position == 0 else (Target(self.plan, self.waves[position - 1].number),)
        return tuple(dict.fromkeys((*before, *wave.needs)))

    def needs_for(self, target: Target) -> tuple[Target, ...]:
        """What must be complete before a claim of this target: the plan's own needs first; for the plan each wave."""
        if target.wave is None:
            return (*self.needs, *self.targets()[:-1])
        wave = self.wave(target.wave)
        return tuple(dict.fromkeys((*self.needs, *(self.needs_of(wave) if wave else ()))))

    def targets(self) -> tuple[Target, ...]:
        """Every wave in order, then the plan itself."""
        return (*(Target(self.plan, wave.number) for wave in self.waves), Target(self.plan))


class PlanError(msgspec.Struct, frozen=True):
    """One thing wrong in one plan or policy file."""

    path: str
    line: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class BrokenPlan(msgspec.Struct, frozen=True):
    """A plan file that cannot be obeyed. It blocks its own plan only; `plan` is None when even that is unreadable."""

    path: str
    errors: tuple[PlanError, ...]
    plan: str | None = None

    @property
    def name(self) -> str:
        """Its id, else what its file is called."""
        return self.plan or self.path.rpartition("/")[2].removesuffix(".md")


Rules = dict[str, Any]
