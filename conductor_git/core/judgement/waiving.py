"""Waivers: what the conductor lets pass, for how long, and what nobody can.

A waiver counts for a claim or commit that was made before it ran out; of one that is about to be made, the clock of now
is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import msgspec

from conductor_git.core.durations import utc
from conductor_git.core.events.event import Event
from conductor_git.core.planning.plan import Criterion
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target

EVIDENCE = ("CG204", "CG205", "CG206")
BOUNDARIES = ("CG401", "CG402", "CG404", "CG405", "CG406")
WAIVABLE = (*EVIDENCE, *BOUNDARIES)
"""What can be waived. Not what can be settled otherwise: blockers are resolved, needs are the plan's."""


class Waiver(msgspec.Struct, frozen=True):
    """One waiver of the conductor, read. `rule` is a code, or a criterion's metric as the plan has it."""

    event: Oid
    target: Target
    rule: str
    reason: str
    since: int
    until: int
    """Seconds since the epoch."""

    def __str__(self) -> str:
        return f"waived until {utc(self.until)}: {' '.join(self.reason.split())}"


class Waivers:
    """The waivers of a ledger. `when` tells when a commit was made, and of None what time it is now."""

    def __init__(self, events: Iterable[Event], when: Callable[[Oid | None], int]) -> None:
        self._listed = read_waivers(events)
        self._when = when

    def of(self, target: Target, rules: Collection[str], commit: Oid | None, shown: int = 0) -> Waiver | None:
        """The newest waiver of one of these rules for exactly this target that had not run out for a commit, whose
        content was validated first at `shown` (seconds since the epoch)."""
        named = [each for each in self._listed if each.target == target and each.rule in rules]
        return self._in_force(named, commit, shown)

    def of_plan(self, plan: str, code: str, commit: Oid | None) -> Waiver | None:
        """The same of a boundary: for the plan's branch, whichever wave was named."""
        named = [each for each in self._listed if each.target.plan == plan and each.rule == code]
        return self._in_force(named, commit, 0) if code in BOUNDARIES else None

    def _in_force(self, named: list[Waiver], commit: Oid | None, shown: int) -> Waiver | None:
        if not named:
            return None
        when = max(self._when(commit), shown)
        return next((each for each in reversed(named) if when < each.until), None)


def read_waivers(events: Iterable[Event]) -> tuple[Waiver, ...]:
    """Every waiver that is the conductor's, with a reason and an end, in ledger order."""
    return tuple(
        found
        for event in events
        if event.kind == "waiver" and event.writer == CONDUCTOR and (found := _read(event)) is not None
    )


def why_not(rule: str, rules: RuleSet | None) -> str:
    """Why a code or metric cannot be waived; empty where it can. `rules` are those of the target, if it has any."""
    criteria = rules.criteria if rules else ()
    own = [criterion for criterion in criteria if criterion.metric == rule]
    if own:
        return "" if _waivable(own) else f"the plan says of '{rule}' that it is not waivable"
    if rule not in WAIVABLE:
        metrics = ", ".join(dict.fromkeys(criterion.metric for criterion in criteria))
        asked = f", or a metric of its criteria ({metrics})" if metrics else ""
        return f"'{rule}' cannot be waived; what can: {', '.join(WAIVABLE)}{asked}"
    if rule == "CG204" and criteria and not any(criterion.waivable for criterion in criteria):
        return "the plan says of all its criteria that they are not waivable"
    return ""


def rules_broken(text: str, criteria: Iterable[Criterion], code: str) -> tuple[str, ...]:
    """The names under which a waiver may speak of what is unmet; `code` is that of a text that is of no criterion."""
    own = [criterion for criterion in criteria if text.startswith(f"{criterion}: ")]
    if own:
        return ("CG204", *(criterion.metric for criterion in own)) if _waivable(own) else ()
    return (code,) if code else ()


def _waivable(criteria: Iterable[Criterion]) -> bool:
    return all(criterion.waivable for criterion in criteria)


def _read(event: Event) -> Waiver | None:
    rule, reason, until = (event.data.get(key) for key in ("rule", "reason", "until"))
    if event.target is None or not isinstance(rule, str) or not isinstance(reason, str) or not reason.strip():
        return None
    if not isinstance(until, int) or isinstance(until, bool):
        return None
    return Waiver(event.id, event.target, rule, reason, event.time, until)
