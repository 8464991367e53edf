"""`doctor --attack`: every attack of the table, tried in a scratch clone of this set-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.attacks.outcome import Fate, fate_lines, weigh
from conductor_git.core.attacks.table import ATTACKS, Attack, Strength
from conductor_git.core.judgement.levels import judge_level
from conductor_git.store.attacking.field import Field, open_field
from conductor_git.store.attacking.moves import MOVES
from conductor_git.store.control.control import read_control
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import Repository

SCHEMA = 1


def attack(repo: Repository, *, now: int, say: Callable[[str], None], attacks: Sequence[Attack] = ATTACKS) -> Outcome:
    """Try each attack; 1 where one got further than the level in force promises. Nothing of the user's is touched.

    Raises CannotRun where there is no policy, or no scratch clone can be made.
    """
    control = read_control(repo)
    hub = read_refs(repo).hub(control.policy.integration_ref)
    footing = judge_level(control.policy, control.signers, hub)
    fates: list[Fate] = []
    say("making a scratch clone of this set-up")
    with open_field(repo, control, now, with_hub=bool(hub)) as field:
        for number, each in enumerate(attacks, 1):
            say(f"[{number}/{len(attacks)}] {each.name}")
            fates.append(_fate(field, each, each.promised(footing.level, hub=bool(hub))))
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "level": footing.level,
        "level_why": footing.why,
        "attacks": [{**msgspec.to_builtins(fate), "broken": fate.broken} for fate in fates],
        "holds": not any(fate.broken for fate in fates),
    }
    return Outcome(DONE if data["holds"] else REFUSED, "\n".join(fate_lines(fates, footing.level)), data)


def _fate(field: Field, attack: Attack, promised: Strength) -> Fate:
    field.reset()
    tried = MOVES[attack.name](field)
    if tried.hooks:
        return weigh(attack, promised, refused_by=tried.hooks, said=tried.said)
    said = field.refused_by_hub()
    if said:
        return weigh(attack, promised, refused_by=("hub",), said=said)
    return weigh(attack, promised, refused_by=(), said="", found=field.found())
