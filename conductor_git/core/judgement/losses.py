"""What goes with a branch: the claims that nothing else keeps."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.events.landings import claim_of
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid


def find_lost(gone: Iterable[Oid], stay: Iterable[Oid], snapshot: Snapshot) -> list[Oid]:
    """The claims below tips that go which neither integration keeps, nor a tip that stays, nor the conductor's ledger,
    whose commits have the claims that landed for parents. A squash keeps nothing: ancestry is that of the objects."""
    history = snapshot.history
    graph = history.graph_in_git()
    recorded = [claim for event in snapshot.ledger.decisions if (claim := claim_of(event))]
    trunk = history.integration.oids if history.integration else ()
    kept = graph.ancestors([*trunk, *stay, *recorded])
    return [oid for oid in graph.ancestors(gone, stop=kept) if history.is_claim(oid)]


def judge_deletion(branch: str, tip: Oid, snapshot: Snapshot) -> list[Finding]:
    """Judge that a branch goes away: not integration and control, nor a plan's while its claims are nowhere else."""
    policy, history = snapshot.policy, snapshot.history
    if branch in (policy.integration, policy.control):
        what = "integration" if branch == policy.integration else "control"
        return [Finding("CG510", "error", branch, f"'{branch}' is the {what} branch, and plans are built on it")]
    stay = [oid for name, found in history.branches.items() for oid in found.oids[name == branch :]]
    lost = find_lost([tip], stay, snapshot)
    if not lost:
        return []
    text = f"'{branch}' has {len(lost)} claim{'s' if len(lost) > 1 else ''} that did not land, and nothing else keeps"
    import shlex

    tag = shlex.quote(f"kept/{branch}")
    hint = f"git tag {tag} {tip[:12]}    # keeps what was said there; then the branch may go"
    trunk = history.integration.oids if history.integration else ()
    if all(oid in history.graph.below(trunk) for oid in lost):
        text = f"'{branch}' was squashed, and it alone keeps its {len(lost)} claim{'s' if len(lost) > 1 else ''}"
        hint = "conductor-git clean    # for the conductor: has the ledger keep them, and deletes the branch"
    return [Finding("CG510", "error", branch, text, hint)]
