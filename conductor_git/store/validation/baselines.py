"""What a run is compared with: the newest attested content of integration, and the wave that records a baseline."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.events.attestation import Attestation
from conductor_git.core.judgement.evidence import Attestations
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.reporting.board import Board
from conductor_git.core.targets import Oid
from conductor_git.core.tree import strip_control
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.validation.runs import Baseline

_MOST_STEPS = 500
"""How far down integration's first parents an attested tree is looked for."""


def read_baseline(
    repo: Repository, snapshot: Snapshot, board: Board, attestations: Attestations, rules: RuleSet, platform: str
) -> Baseline:
    """What a run under these rules on this platform is compared with.

    Only runs of the same script on the same platform count: another script has other tests and other metrics.
    """
    alike = [
        found
        for listed in attestations.by_target.values()
        for found in listed
        if found.passed
        and (found.script, found.platform, found.repository) == (rules.script, platform, snapshot.policy.repository)
    ]
    if not alike:
        return Baseline()
    trees = _integration_products(repo, snapshot)
    counted = _newest((found for found in alike if found.counts is not None), trees)
    measured = _recorded(snapshot, board, attestations, rules) or _newest(alike, trees)
    return Baseline(counted.counts if counted else None, measured.metrics if measured else None)


def _newest(found: Iterable[Attestation], trees: list[Oid]) -> Attestation | None:
    """That of the newest tree; of several of one tree the last one in the ledger."""
    by_tree = {attestation.tree: attestation for attestation in found}
    return next((by_tree[tree] for tree in trees if tree in by_tree), None)


def _recorded(snapshot: Snapshot, board: Board, attestations: Attestations, rules: RuleSet) -> Attestation | None:
    """The proof that a complete `records-baseline` wave of this plan stands on.

    Not simply the newest run of that wave: running it again on slower work would lower the bar.
    """
    plan, status = snapshot.plan(rules.target.plan), board.plan(rules.target.plan)
    if plan is None or status is None:
        return None
    for wave in status.waves:
        if wave.wave in _recording(plan) and wave.wave != rules.target.wave and wave.state == "complete":
            for proof in wave.attestations:
                found = attestations.by_digest.get(proof.digest)
                if found is not None and found.script == rules.script:
                    return found
    return None


def _recording(plan: Plan) -> set[int]:
    return {wave.number for wave in plan.waves if wave.records_baseline}


def _integration_products(repo: Repository, snapshot: Snapshot) -> list[Oid]:
    """The product trees of integration's first-parent chain, newest first."""
    integration = snapshot.history.integration
    if integration is None:
        return []
    args = ("rev-list", "--first-parent", f"--max-count={_MOST_STEPS}", "--no-commit-header", "--format=%T")
    trees = repo.git(*args, integration.oid).lines()
    products = {
        found.name: repo.hash("tree", strip_control(found.body, repo.object_format))
        for found in read_objects(repo, dict.fromkeys(trees))
    }
    return [products[tree] for tree in trees if tree in products]
