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
    recorded = _recorded(snapshot, board, attestations, rules, platform)
    missing = recorded if isinstance(recorded, str) else ""
    if not alike:
        return Baseline(missing=missing)
    counting = [found for found in alike if found.counts is not None]
    if not counting and not any(criterion.of_baseline for criterion in rules.criteria):
        return Baseline(missing=missing)
    trees = _integration_products(repo, snapshot)
    counted = _newest(counting, trees)
    counts = counted.counts if counted else None
    if missing:
        return Baseline(counts, missing=missing)
    measured = recorded if isinstance(recorded, Attestation) else _newest(alike, trees)
    return Baseline(counts, measured.metrics if measured else None)


def _newest(found: Iterable[Attestation], trees: list[Oid]) -> Attestation | None:
    """That of the newest tree; of several of one tree the last one in the ledger."""
    by_tree = {attestation.tree: attestation for attestation in found}
    return next((by_tree[tree] for tree in trees if tree in by_tree), None)


def _recorded(
    snapshot: Snapshot, board: Board, attestations: Attestations, rules: RuleSet, platform: str
) -> Attestation | str | None:
    """The proof that a complete `records-baseline` wave of this plan stands on, of this platform; what to run where
    other platforms have one and this one has not. None where no wave recorded anything.

    Not simply the newest run of that wave: running it again on slower work would lower the bar. What counts is a run
    of the very content that was claimed.
    """
    plan, status = snapshot.plan(rules.target.plan), board.plan(rules.target.plan)
    if plan is None or status is None:
        return None
    for wave in status.waves:
        if wave.wave in _recording(plan) and wave.wave != rules.target.wave and wave.state == "complete":
            proofs = [found for proof in wave.attestations if (found := attestations.by_digest.get(proof.digest))]
            same = [found for found in proofs if found.script == rules.script]
            if same and wave.commit is not None:
                here = _run_of(same[0], attestations, platform)
                command = f"conductor-git validate {same[0].target} --commit {wave.commit[:12]}"
                return here or f"{same[0].target} has no baseline of {platform}; run there: {command}"
    return None


def _run_of(proof: Attestation, attestations: Attestations, platform: str) -> Attestation | None:
    """The newest passing run of what a proof is about, by the same rules, on this platform."""
    about = (proof.tree, proof.rules, proof.repository)
    alike = (found for found in attestations.of(proof.target) if (found.tree, found.rules, found.repository) == about)
    return next((found for found in reversed([*alike]) if found.passed and found.platform == platform), None)


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
