"""The attacks that `doctor --attack` replays, as values, and what each level promises against them."""

from __future__ import annotations

from typing import Literal

import msgspec

from conductor_git.core.standing import Level

Strength = Literal["open", "detected", "blocked"]
"""blocked: git was refused, nothing moved; detected: it went through, and the audit names it; open: nobody says so."""

STRENGTHS: tuple[Strength, ...] = ("open", "detected", "blocked")
"""Weakest first."""


class Attack(msgspec.Struct, frozen=True):
    """One way round the rules, and the least that each level answers with. `l1` is a hub's answer to a push of it."""

    name: str
    words: str
    l0: Strength
    l1: Strength
    l2: Strength
    """Without a hub."""

    def promised(self, level: Level, *, hub: bool = False) -> Strength:
        """The least that is answered at this level; whichever level is shown, a hub keeps what L1 promises."""
        given = [self.l0, *([self.l2] if level == "L2" else []), *([self.l1] if hub or level == "L1" else [])]
        return max(given, key=STRENGTHS.index)


def _attack(name: str, words: str, l0: Strength, l2: Strength | None = None, l1: Strength = "blocked") -> Attack:
    return Attack(name, words, l0, l1, l2 or l0)


ATTACKS: tuple[Attack, ...] = (
    _attack("plain-claim", "commit a claim that nothing proves", "blocked"),
    _attack("no-verify", "the same with the commit hooks skipped by '--no-verify'", "blocked"),
    _attack("manager-skip", "the same with the switches of hook managers (SKIP, HUSKY, LEFTHOOK)", "blocked"),
    _attack("hooks-path-flag", "the same with 'git -c core.hooksPath'", "detected"),
    _attack("hooks-path-environment", "the same with core.hooksPath in GIT_CONFIG_COUNT", "detected"),
    _attack("hooks-path-worktree", "the same with core.hooksPath in the worktree's configuration", "detected"),
    _attack("raw-ref", "write the branch's ref file by hand", "detected"),
    _attack("update-ref", "move the branch to an unproven claim with update-ref", "blocked"),
    _attack("fast-import", "make the claim with fast-import", "blocked"),
    _attack("reset", "reset the branch to an unproven claim", "blocked"),
    _attack("rebase", "let a rebase pick an unproven claim", "blocked"),
    _attack("cherry-pick", "cherry-pick an unproven claim", "blocked"),
    _attack("fast-forward", "fast-forward the branch to an unproven claim", "blocked"),
    _attack("forged-receipt", "forge the receipt by which a door lets through what another one judged", "detected"),
    _attack("branch-replaced", "put a branch with an unproven claim in its place by 'git branch -C'", "detected"),
    _attack("amend-after-proof", "amend a proven claim to other content", "blocked"),
    _attack("replayed-proof", "claim a wave with the proof of another one", "blocked"),
    _attack("lookalike", "commit a line that only looks like a claim", "blocked", l1="detected"),
    _attack("weakened-gate", "change the validation script on a plan's branch", "blocked"),
    _attack("foreign-merge", "merge another plan's work that has not landed, with '--no-verify'", "blocked"),
    _attack("forged-line", "write a line into a ledger in another writer's name", "detected"),
    _attack("edited-line", "change a result that stands in a ledger", "detected"),
    _attack("ledger-rewound", "set a ledger back to before a result", "detected"),
    _attack("invented-result", "record a passed result of a validation that never ran", "open", l1="open"),
    _attack("conductors-word", "accept one's own unproven work in the conductor's name", "open", "detected"),
    _attack("trust-lowered", "ask for no signatures any more, in the conductor's name", "open", "detected"),
    _attack("plan-taken", "take over somebody else's plan, and take back what it proved", "detected"),
    _attack("integration-moved", "move integration onto a plan's branch", "blocked"),
    _attack("integration-rewound", "set integration back to before a landing", "blocked"),
    _attack("in-conductors-place", "merge unproven work with 'git -C' in the conductor's worktree", "blocked"),
    _attack("evil-merge", "land a proven claim with something smuggled into the merge", "detected"),
    _attack("replace-ref", "hide such a merge behind a replace ref", "detected"),
)
