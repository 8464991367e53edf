"""Landings that are recorded, and that integration does not have any more: somebody moved it back."""

from __future__ import annotations

from conductor_git.core.events.authority import accepted
from conductor_git.core.events.landings import standing_landings
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot


def lost_landings(snapshot: Snapshot, claims: Claims) -> list[Finding]:
    """An alarm for each, but for those that the conductor accepted."""
    settled = accepted(snapshot.ledger.decisions)
    tip, name = snapshot.history.integration, snapshot.policy.integration
    where = f"'{name}' ({tip.oid[:7]})" if tip else f"'{name}'"
    found = []
    for event in standing_landings(snapshot.ledger.decisions):
        commit = str(event.data["commit"])
        if commit not in claims.landed and commit not in settled:
            short = commit[:12]
            hint = f"conductor-git accept {short} --reason 'WHY'    # or bring it back: git merge {short}"
            text = f"landing '{commit[:12]}' of plan {event.plan} is recorded, and {where} does not have it"
            detail = f"what is lost: git log --oneline {tip.oid[:12]}..{short}" if tip else ""
            found.append(Finding("CG508", "alarm", commit, text, hint, detail))
    return found
