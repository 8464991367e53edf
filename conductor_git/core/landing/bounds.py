"""Whether what an entry brings stays inside the bounds of its plans: what was committed past a door is caught here."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.owners import Owned, judge_owned, owned_commits
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.landing.admission import Admission
from conductor_git.core.targets import Oid

Paths = Mapping[Oid, tuple[str, ...]]
"""By commit what it changed by itself."""


def brought_by(snapshot: Snapshot, admission: Admission) -> dict[str, list[Owned]]:
    """By entry the plans' own commits that landing it brings."""
    claims = Claims(snapshot.history, snapshot.plans)
    owned = [each for each in owned_commits(snapshot, claims) if each.step is None]
    brought = {}
    for entry in admission.entries:
        below = claims.graph.ancestors([entry.source], stop=claims.landed)
        brought[entry.name] = [each for each in owned if each.commit in below]
    return brought


def within_bounds(
    snapshot: Snapshot, admission: Admission, brought: Mapping[str, list[Owned]], paths: Paths
) -> Admission:
    """The admission without entries that leave their bounds, unless that was accepted or waived."""
    settled = accepted(snapshot.ledger.decisions)
    wrong: dict[str, tuple[Finding, ...]] = {}
    for name, commits in brought.items():
        asked = (each for each in commits if each.commit not in settled)
        found = [one for each in asked for one in judge_owned(each, paths.get(each.commit, ()), snapshot)]
        if refused(found):
            wrong[name] = tuple(one for one in found if one.refuses)
    if not wrong:
        return admission
    kept = tuple(entry for entry in admission.entries if entry.name not in wrong)
    return msgspec.structs.replace(admission, entries=kept, refused=(*admission.refused, *wrong.items()))
