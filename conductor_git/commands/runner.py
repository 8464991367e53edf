"""The runner: a process of its own that carries one validation out and records it, whether or not anybody waits."""

from __future__ import annotations

import sys

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation, Outcome
from conductor_git.core.judgement.results import MOST_UNMET, check_criteria, too_few, weaker_than
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.validation.flights import serve
from conductor_git.store.validation.runs import Job, RunResult

# So that an attestation stays well below the policy's limit for an event.
_MOST_NAMED = MOST_UNMET
_LONGEST = 300


def main() -> int:
    """Serve the run in the folder that the command line names."""
    return serve(sys.argv[1], record)


def record(job: Job, result: RunResult) -> RunResult:
    """Judge the run by its numbers, append the attestation to the ledger, and return what can be read back there.

    Raises CannotRun when it could not be recorded.
    """
    said = attestation.statement(attest(job, result))
    event = append(
        job.repository,
        writer=job.writer,
        kind="attestation",
        data={"statement": said},
        target=job.target,
        now=result.ended,
        event_bytes=job.event_bytes,
        signing=job.signing,
    )
    recorded = attestation.read(event)
    if recorded is None:
        raise CannotRun(f"the attestation of {job.target} cannot be read back", hint="conductor-git doctor")
    # So that the claim that follows finds it read already.
    read_ledger(job.repository)
    _, untold = check_criteria(job.criteria, result.results.metrics, job.baseline.metrics)
    return msgspec.structs.replace(result, recorded=recorded, untold=untold)


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
    said += check_criteria(job.criteria, results.metrics, job.baseline.metrics)[0]
    if job.policy.baseline:
        said.append(weaker_than(results.counts, job.baseline.counts))
    return [text for text in said if text]


if __name__ == "__main__":
    sys.exit(main())
