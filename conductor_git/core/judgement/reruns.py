"""A validation that was run again, compared with what was attested of it."""

from __future__ import annotations

from conductor_git.core.events.attestation import Attestation, Counts
from conductor_git.core.findings import Finding


def judge_rerun(proof: Attestation, outcome: str, counts: Counts | None, log: str) -> list[Finding]:
    """The finding where outcome or counts are not those of the attestation. `log` is where the new run's is."""
    if (outcome, counts) == (proof.outcome, proof.counts):
        return []
    now, then = _said(outcome, counts), _said(proof.outcome, proof.counts)
    text = f"{proof.target} run again on tree '{proof.tree[:7]}' gives {now}; '{proof.writer}' attested {then}"
    return [Finding("CG902", "alarm", str(proof.target), text, detail=f"attestation {proof.digest}; log: {log}")]


def _said(outcome: str, counts: Counts | None) -> str:
    if counts is None:
        return f"{outcome}, no tests counted"
    return f"{outcome}, {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
