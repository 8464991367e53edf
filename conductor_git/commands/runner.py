"""The runner: a process of its own that carries one validation out and records it, whether or not anybody waits."""

from __future__ import annotations

import sys

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.judgement.results import check_criteria
from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.validation.attesting import attest
from conductor_git.store.validation.flights import serve
from conductor_git.store.validation.runs import Job, RunResult


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
    if not job.landing:
        # So that the claim that follows finds it read already; a landing writes on before it reads.
        read_ledger(job.repository)
    baseline = job.baseline
    _, untold = check_criteria(job.criteria, result.results.metrics, baseline.metrics, baseline.missing)
    return msgspec.structs.replace(result, recorded=recorded, untold=untold)


if __name__ == "__main__":
    sys.exit(main())
