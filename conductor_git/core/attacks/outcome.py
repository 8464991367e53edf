"""What became of each attack, weighed against what the level in force promises; and as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from conductor_git.core.attacks.table import STRENGTHS, Attack, Strength
from conductor_git.core.standing import Level


class Fate(msgspec.Struct, frozen=True):
    """How one attack ended."""

    attack: str
    words: str
    state: Strength
    promised: Strength
    by: tuple[str, ...] = ()
    """The hooks that refused, or `hub`; of what was detected `audit`."""
    codes: tuple[str, ...] = ()
    """Finding codes, of the refusal or of the audit."""

    @property
    def broken(self) -> bool:
        """Whether it got further than the level in force promises."""
        return STRENGTHS.index(self.state) < STRENGTHS.index(self.promised)


def weigh(
    attack: Attack, promised: Strength, *, refused_by: Sequence[str], said: str, found: Iterable[str] = ()
) -> Fate:
    """The fate of an attack: `refused_by` are the hooks, or the hub, that said no, `said` what they said; `found` are
    the codes of what an audit finds now and did not find before."""
    if refused_by:
        return Fate(attack.name, attack.words, "blocked", promised, tuple(refused_by), _codes_in(said))
    codes = tuple(sorted(set(found)))
    state: Strength = "detected" if codes else "open"
    return Fate(attack.name, attack.words, state, promised, ("audit",) if codes else (), codes)


def _codes_in(said: str) -> tuple[str, ...]:
    import re

    return tuple(dict.fromkeys(re.findall(r"\[(CG\d{3})\]", said)))


def fate_lines(fates: Sequence[Fate], level: Level) -> list[str]:
    """A line for each attack, and the sum."""
    width = max((len(fate.attack) for fate in fates), default=0)
    counts = {state: sum(fate.state == state for fate in fates) for state in reversed(STRENGTHS)}
    broken = [fate.attack for fate in fates if fate.broken]
    total = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines = [*(_line(fate, width) for fate in fates), f"{len(fates)} attacks at level {level}: {total}"]
    if broken:
        lines.append(f"{level} promises more against: {', '.join(broken)}")
    return lines


def _line(fate: Fate, width: int) -> str:
    answer = " ".join([*(f"by {name}" for name in fate.by), *(f"[{code}]" for code in fate.codes)])
    if fate.broken:
        answer += f" (should be {fate.promised})"
    elif fate.state == "open":
        answer += "(no more is promised at this level)"
    return f"{fate.state:<9} {fate.attack:<{width}}  {fate.words}{': ' if answer.strip() else ''}{answer.strip()}"
