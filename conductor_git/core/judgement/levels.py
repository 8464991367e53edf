"""How strongly what is said here holds: the level, what it rests on, and what it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from conductor_git.core.events.demand import Trust
from conductor_git.core.events.signers import SIGNERS_PATH, Signers, matches_list
from conductor_git.core.findings import Finding
from conductor_git.core.planning.policy import Policy
from conductor_git.core.standing import Level, say_stops

if TYPE_CHECKING:
    from conductor_git.core.events.trust import Role


class Footing(msgspec.Struct, frozen=True):
    """The level with what it rests on."""

    level: Level
    why: str

    @property
    def stops(self) -> str:
        """What the level stops, and what not."""
        return say_stops(self.level)


def judge_level(policy: Policy, signers: Signers, hub: str) -> Footing:
    """The level that is in force; `hub` is the remote that enforces for integration, empty where none does."""
    lacking = _lacking(policy.trust, signers)
    if not lacking:
        return Footing("L2", "the policy's [trust] asks for signatures, and the control branch says whose count")
    if hub:
        return Footing("L1", f"'{hub}' says that it is a hub; {lacking}")
    return Footing("L0", f"no hub enforces for '{policy.integration}'; {lacking}")


def judge_signers(trust: Trust, signers: Signers) -> list[Finding]:
    """What is wrong with who may sign, where signatures are asked for."""
    if not trust.demands:
        return []
    unreadable = [
        Finding("CG721", "warning", SIGNERS_PATH, f"'{SIGNERS_PATH}' line {line}: {why}", _MEND)
        for line, why in signers.problems
    ]
    missing = [
        Finding("CG721", "error", SIGNERS_PATH, f"signatures are asked for, and nobody may sign as {role}", _MEND)
        for role in _asked(trust)
        if not _may(role, signers)
    ]
    return unreadable + missing


_MEND = f"conductor-git plan commit    # once '{SIGNERS_PATH}' is mended"


def _lacking(trust: Trust, signers: Signers) -> str:
    """What L2 lacks; empty where it is in force."""
    if trust.attestations == "none":
        return "the policy asks for no signed results"
    if not trust.conductor:
        return "the policy does not ask the conductor to sign"
    unable = [role for role in _asked(trust) if not _may(role, signers)]
    return f"nobody may sign as {unable[0]}" if unable else ""


def _asked(trust: Trust) -> list[Role]:
    conductor: list[Role] = ["conductor"] if trust.conductor else []
    return conductor if trust.attestations == "none" else [*conductor, trust.attestations]


def _may(role: Role, signers: Signers) -> bool:
    """Whether some key can sign in a role, as far as patterns of writers' names tell."""
    from conductor_git.core.events.trust import namespace_of  # where nothing is signed, nobody asks

    return any(
        key.allows(namespace_of(role)) and any(_is_of(role, pattern) for pattern in key.principals.split(","))
        for key in signers.keys
    )


def _is_of(role: Role, pattern: str) -> bool:
    """Whether a pattern covers names of a role; `runner-*` and `runner-linux` are runners', `*` is everybody's."""
    from conductor_git.core.events.trust import role_of

    if pattern.startswith("!"):
        return False
    if "*" in pattern.partition("-")[0] or role_of(pattern) == role:
        return True
    return role == "conductor" and matches_list("conductor", pattern)
