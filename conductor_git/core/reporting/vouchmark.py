"""How signatures were asked for when an audit looked, and whether they hold for less since.

Nothing signs the rules themselves: who can commit them in the conductor's name can ask for no signatures any more, or
let a key of his own speak for the conductor. Every later reader then finds all in order; a checkpoint remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from conductor_git.core.events.demand import Demand, Trust
from conductor_git.core.events.signers import SIGNERS_PATH, Signers
from conductor_git.core.events.sshsig import fingerprint_of
from conductor_git.core.events.trust import namespace_of
from conductor_git.core.findings import Finding
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.standing import CONDUCTOR

_DEMANDS: tuple[Demand, ...] = ("none", "agent", "runner")
"""Weakest first."""


class VouchMark(msgspec.Struct, frozen=True):
    """What the rules wanted signed, and the keys that might sign as the conductor."""

    attestations: Demand
    conductor: bool
    since: str
    conductors: tuple[str, ...]
    """Fingerprints, sorted."""


def mark_of(trust: Trust, signers: Signers) -> VouchMark:
    """As the rules have it now."""
    namespace = namespace_of("conductor")
    keys = {fingerprint_of(key.key) for key in signers.keys if key.speaks_for(CONDUCTOR) and key.allows(namespace)}
    return VouchMark(trust.attestations, trust.conductor, trust.since, tuple(sorted(keys)))


def lowered(before: VouchMark, now: VouchMark, earlier: Callable[[str, str], bool]) -> list[Finding]:
    """What signatures hold less for than before; `earlier` says of two commits whether the first has the second in its
    history. No acceptance settles it: it would be one by the new rules."""
    return [_finding(path, text) for path, text in _less(before, now, earlier)]


def _less(before: VouchMark, now: VouchMark, earlier: Callable[[str, str], bool]) -> Iterator[tuple[str, str]]:
    if _DEMANDS.index(now.attestations) < _DEMANDS.index(before.attestations):
        asked = "nobody's" if now.attestations == "none" else "only agents'"
        yield POLICY_PATH, f"results had to be signed by {before.attestations}s, and now {asked} have to be"
    if before.conductor and not now.conductor:
        yield POLICY_PATH, "the conductor's word had to be signed, and now it need not be"
    demands = before.conductor or before.attestations != "none"
    if demands and now.since not in ("", before.since) and not (before.since and earlier(before.since, now.since)):
        begun = f"after '{before.since[:12]}'" if before.since else "from the beginning"
        yield POLICY_PATH, f"signatures were asked for {begun}, and now only after '{now.since[:12]}'"
    if before.conductor:
        for key in sorted(set(now.conductors) - set(before.conductors)):
            yield SIGNERS_PATH, f"key {key} may sign as the conductor, and might not before"


def _finding(path: str, text: str) -> Finding:
    hint = f"git log -p -- {path}    # on the control branch: who changed it"
    detail = "where that was the conductor, whoever keeps the checkpoint puts it aside, and the next audit begins anew"
    return Finding("CG734", "alarm", path, text, hint, detail)
