"""What work is called: a plan (`2`, `parser-speed`) or one wave of it (`2.3`)."""

from __future__ import annotations

import re
from typing import NewType

import msgspec

from conductor_git.core.errors import CannotRun

Oid = NewType("Oid", str)
"""A full object id in lower-case hex: 40 digits in a SHA-1 repository, 64 in a SHA-256 one."""

PLAN_ID = r"(?:0|[1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,63})"
WAVE_NUMBER = r"(?:0|[1-9][0-9]{0,8})"

_PLAN = re.compile(PLAN_ID)
_TARGET = re.compile(rf"({PLAN_ID})?(?:\.({WAVE_NUMBER}))?")


class Target(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A plan (`wave is None`) or a wave of a plan."""

    plan: str
    wave: int | None = None

    def __str__(self) -> str:
        return self.plan if self.wave is None else f"{self.plan}.{self.wave}"

    @property
    def of_plan(self) -> Target:
        """The plan this target belongs to, as a target."""
        return Target(self.plan)


INTEGRATION = Target("integration")
"""What integration's own content is proven as. No plan may have this name."""


def is_plan_id(text: str) -> bool:
    """Whether `text` is a plan's number or slug."""
    return _PLAN.fullmatch(text) is not None


def names_wave(text: str) -> bool:
    """Whether `text` is written as a wave is: `2.3`, `slug.3` or `.3`."""
    found = _TARGET.fullmatch(text)
    return found is not None and found[2] is not None


def is_target(text: str) -> bool:
    """Whether `text` names a plan or wave in full."""
    found = _TARGET.fullmatch(text)
    return found is not None and found[1] is not None


def parse_target(text: str, *, branch_plan: str | None = None) -> Target:
    """Read `2`, `2.3`, `slug`, `slug.3` or, where a branch's plan is known, `.3`.

    Raises CannotRun when the text is none of them.
    """
    found = _TARGET.fullmatch(text)
    if not text or found is None:
        raise CannotRun(f"'{text}' is no plan or wave", hint="conductor-git plan list    # a plan is '2', a wave '2.3'")
    plan = found[1] or branch_plan
    if plan is None:
        raise CannotRun(
            f"'{text}' names a wave of this branch's plan, and this branch belongs to no plan",
            hint=f"conductor-git plan list    # then write PLAN{text}",
        )
    return Target(plan, None if found[2] is None else int(found[2]))
