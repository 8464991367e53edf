"""What a run proves: its outcome, judged by the numbers that it left."""

from __future__ import annotations

from conductor_git.core.events.attestation import Attestation, Outcome
from conductor_git.core.judgement.results import MOST_UNMET, check_criteria, too_few, weaker_than
from conductor_git.store.validation.runs import Job, RunResult

# So that an attestation stays well below the policy's limit for an event.
_MOST_NAMED = MOST_UNMET
_LONGEST = 300


def attest(job: Job, result: RunResult) -> Attestation:
    """What the run proves. A run that passed and left unreadable, too few, or too bad numbers did not pass."""
    unmet = _unmet(job, result)
    outcome: Outcome = "criteria" if result.outcome == "passed" and unmet else result.outcome
    return Attestation(
        target=job.target,
        tree=job.tree,
        passed=outcome == "passed",
        outcome=outcome,
        repository=job.repository_id,
        rules=job.rules,
        script=job.script,
        script_digest=job.script_digest,
        control=job.control,
        platform=job.platform,
        writer=job.writer,
        started=result.started,
        ended=result.ended,
        exit_code=result.exit_code,
        room=result.room,
        submodules=result.submodules,
        lfs=result.lfs,
        counts=result.results.counts,
        metrics=result.results.metrics,
        failed_tests=result.results.failed_tests[:_MOST_NAMED],
        log_digest=result.log_digest,
        role=job.role,
        unmet=tuple(text[:_LONGEST] for text in unmet[:_MOST_NAMED]),
    )


def _unmet(job: Job, result: RunResult) -> list[str]:
    results = result.results
    said = [*results.problems, too_few(results.counts, job.policy.min_tests)]
    said += check_criteria(job.criteria, results.metrics, job.baseline.metrics, job.baseline.missing)[0]
    if job.policy.baseline:
        said.append(weaker_than(results.counts, job.baseline.counts))
    return [text for text in said if text]
