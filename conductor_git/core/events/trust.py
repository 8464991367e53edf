"""Whose signature an event needs, and what is left of a ledger when those are set aside that lack it.

A writer's name is its role. A key has a role where the allowed signers let it speak for such a name, in the role's
namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from conductor_git.core.events.demand import Trust
from conductor_git.core.events.event import Event
from conductor_git.core.events.ledger import Doubted, Ledger
from conductor_git.core.events.signers import Signers
from conductor_git.core.events.sshsig import SshSignature
from conductor_git.core.standing import CONDUCTOR, RUNNER_PREFIX
from conductor_git.core.targets import Oid

Role = Literal["agent", "runner", "conductor"]
_CONDUCTORS_ONLY = frozenset({"waiver", "acceptance", "landing"})


class Vouched(msgspec.Struct, frozen=True, tag="good"):
    """A good signature by a key that may say this. `key` is its fingerprint."""

    key: str


class Doubt(msgspec.Struct, frozen=True, tag="doubt"):
    """Why a signature does not count."""

    code: str
    why: str


Word = Vouched | Doubt


def role_of(writer: str) -> Role:
    """The role that a writer's name gives it."""
    if writer == CONDUCTOR:
        return "conductor"
    return "runner" if writer.startswith(RUNNER_PREFIX) else "agent"


def namespace_of(role: Role) -> str:
    """The namespace in which that role signs."""
    return f"conductor-git/{role}@v1"


def needed_role(kind: str, writer: str, data: Mapping[str, Any], trust: Trust) -> Role | None:
    """The role whose key must sign such an event; None where its writer's word is enough."""
    role = role_of(writer)
    if kind == "attestation":
        wanted = trust.attestations == "agent" or (trust.attestations == "runner" and role == "runner")
        return role if wanted else None
    if kind == "delegation":
        # The first one of a plan is named by the start commit, and cannot be another; a take-over is named by nothing.
        return "conductor" if trust.conductor and "supersedes" in data else None
    decides = role == CONDUCTOR or kind in _CONDUCTORS_ONLY
    return "conductor" if trust.conductor and decides else None


def needed_of(event: Event, trust: Trust) -> Role | None:
    """`needed_role` of an event that stands."""
    return needed_role(event.kind, event.writer, event.data, trust)


def sift(ledger: Ledger, trust: Trust, repository: str, words: Mapping[Oid, Word]) -> Ledger:
    """The ledger with every event set aside that needs a signature and has no good one.

    `words` says of each signed event that needs it whether its signature is good. Done before anything is judged, so
    that no rule can forget to ask.
    """
    if not trust.demands:
        return ledger
    kept: list[Event] = []
    doubted: list[Doubted] = []
    for event in ledger.events:
        role = needed_of(event, trust)
        word = Vouched("") if role is None else _word(event, role, repository, words)
        if isinstance(word, Doubt):
            doubted.append(Doubted(event, word.code, word.why))
        else:
            kept.append(event if role is None else msgspec.structs.replace(event, signer=word.key))
    return msgspec.structs.replace(ledger, events=tuple(kept), doubted=tuple(doubted))


def explain(signature: SshSignature | None, writer: str, signers: Signers, *, forged: bool) -> Doubt:
    """Why ssh-keygen refused a writer's signature; `forged` where it said that other content was signed."""
    if signature is None:
        return Doubt("CG622", "what stands for its signature is none of ssh's")
    role, named = role_of(writer), signature.fingerprint
    if signature.namespace != namespace_of(role):
        return Doubt("CG624", f"it is signed as '{signature.namespace}', and not as '{namespace_of(role)}'")
    if forged:
        return Doubt("CG622", f"its signature by key {named} is of other content")
    lines = [line for line in signers.keys if line.key == signature.key and not line.authority]
    own = [line for line in lines if line.speaks_for(writer)]
    if not signers.keys:
        return Doubt("CG623", "the control branch has no allowed signers")
    if not own:
        whose = f"may not speak for '{writer}'" if lines else "is none of the allowed signers"
        return Doubt("CG623", f"key {named} {whose}")
    if not any(line.allows(namespace_of(role)) for line in own):
        return Doubt("CG624", f"key {named} is not allowed to sign as {role}")
    return Doubt("CG623", f"key {named} was not allowed then")


def _word(event: Event, role: Role, repository: str, words: Mapping[Oid, Word]) -> Word:
    if role_of(event.writer) != role:
        return Doubt("CG624", f"a {event.kind} needs the conductor's word, and this is '{event.writer}'s")
    if event.sealed is None:
        return Doubt("CG621", "it is not signed")
    if event.repository != repository:
        return Doubt("CG625", f"it was signed for repository '{event.repository[:40]}'")
    return words.get(event.id, Doubt("CG623", "its signature was not looked at"))
