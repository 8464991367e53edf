"""What a runner makes of a run: the attestation, in the ledger, whoever is still there to see it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from conductor_git.commands.runner import record
from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Counts
from conductor_git.core.judgement.results import Results
from conductor_git.core.planning.plan import Criterion
from conductor_git.core.planning.policy import ValidationPolicy
from conductor_git.core.targets import Target
from conductor_git.store.notes.ledger import read_ledger
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.validation.attesting import attest
from conductor_git.store.validation.flights import StillRunning, attach_or_start
from conductor_git.store.validation.runs import Baseline, Job, RunResult
from tests.conftest import Git
from tests.jobs import PATIENCE, job_for, until

RUNNER = (sys.executable, "-m", "conductor_git.commands.runner")
PASSED = RunResult(
    outcome="passed",
    exit_code=0,
    started=100,
    ended=160,
    room="fresh",
    submodules="none",
    lfs="none",
    results=Results(Counts(3, 0, 1), {"size": 50.0, "tests.passed": 3.0}),
    changed=(),
    log="/tmp/log",
    log_digest="sha256:" + "1" * 64,
)


@pytest.fixture
def job(repo_dir: Path, git: Git) -> Job:
    return job_for(repo_dir, git, "#!/bin/sh\n")


@pytest.mark.parametrize(
    ("changes", "policy", "criteria", "baseline", "outcome", "unmet"),
    [
        ({}, ValidationPolicy(), (), Baseline(), "passed", ()),
        ({"outcome": "failed", "exit_code": 1}, ValidationPolicy(), (), Baseline(), "failed", ()),
        ({"outcome": "timed-out", "exit_code": None}, ValidationPolicy(), (), Baseline(), "timed-out", ()),
        (
            {"outcome": "tracked-files-changed", "changed": ("a",)},
            ValidationPolicy(),
            (),
            Baseline(),
            "tracked-files-changed",
            (),
        ),
        (
            {},
            ValidationPolicy(),
            (Criterion("size", at_most=48),),
            Baseline(),
            "criteria",
            ("size at most 48: 'size' is 50",),
        ),
        (
            {},
            ValidationPolicy(),
            (Criterion("size", at_most=1, of_baseline=True),),
            Baseline(None, {"size": 40.0}),
            "criteria",
            ("size at most 1 of baseline: 'size' is 1.25",),
        ),
        ({}, ValidationPolicy(), (Criterion("size", at_most=1, of_baseline=True),), Baseline(), "passed", ()),
        ({}, ValidationPolicy(min_tests=4), (), Baseline(), "criteria", ("3 tests ran, at least 4 must",)),
        (
            {},
            ValidationPolicy(),
            (),
            Baseline(Counts(4, 0, 0)),
            "criteria",
            ("3 tests passed, 4 on integration; 1 tests skipped, 0 on integration",),
        ),
        ({}, ValidationPolicy(baseline=False), (), Baseline(Counts(4, 0, 0)), "passed", ()),
        (
            {"results": Results(problems=("'junit.xml' is not XML",))},
            ValidationPolicy(),
            (),
            Baseline(),
            "criteria",
            ("'junit.xml' is not XML",),
        ),
    ],
)
def test_a_run_is_judged_by_its_numbers_too(
    job: Job,
    changes: dict[str, object],
    policy: ValidationPolicy,
    criteria: tuple[Criterion, ...],
    baseline: Baseline,
    outcome: str,
    unmet: tuple[str, ...],
) -> None:
    job = msgspec.structs.replace(job, policy=policy, criteria=criteria, baseline=baseline)
    made = attest(job, msgspec.structs.replace(PASSED, **changes))
    assert (made.outcome, made.passed, made.unmet) == (outcome, outcome == "passed", unmet)


def test_the_record_is_what_the_ledger_gives_back(job: Job) -> None:
    job = msgspec.structs.replace(job, criteria=(Criterion("size", at_most=1, of_baseline=True),))
    done = record(job, PASSED)
    (event,) = read_ledger(job.repository).events
    assert (event.kind, event.writer, event.target, event.time) == ("attestation", "agent-2", Target("2", 3), 160)
    assert attestation.read(event) == done.recorded
    assert done.recorded is not None
    assert done.recorded.passed
    assert done.recorded.digest == attestation.digest(event.data["statement"])
    assert done.recorded.counts == Counts(3, 0, 1)
    assert done.untold == ("size at most 1 of baseline: no baseline yet",)


def test_many_failed_tests_stay_below_the_limit_of_an_event(job: Job) -> None:
    names = tuple(f"shop.{number:04}.{'x' * 190}" for number in range(5000))
    results = Results(Counts(0, 5000, 0), failed_tests=names)
    done = record(job, msgspec.structs.replace(PASSED, outcome="failed", results=results))
    assert done.recorded is not None
    assert done.recorded.failed_tests == names[:50]


def test_what_cannot_be_recorded_cannot_run(job: Job) -> None:
    with pytest.raises(CannotRun, match="the policy allows 200"):
        record(msgspec.structs.replace(job, event_bytes=200), PASSED)
    assert read_ledger(job.repository).events == ()


def test_a_runner_records_although_nobody_waits(repo_dir: Path, git: Git) -> None:
    job = job_for(repo_dir, git, "#!/bin/sh\nexit 1\n")
    left = attach_or_start(job, entry=RUNNER, say=print, wait=0)
    assert isinstance(left, StillRunning)
    until(lambda: len(read_ledger(discover(str(repo_dir))).events) == 1)
    (event,) = read_ledger(job.repository).events
    made = attestation.read(event)
    assert made is not None
    assert (made.passed, made.outcome, made.exit_code) == (False, "failed", 1)


def test_a_caller_gets_the_record(repo_dir: Path, git: Git) -> None:
    job = job_for(repo_dir, git, '#!/bin/sh\necho \'{"size": 48}\' > "$CONDUCTOR_RESULTS/metrics.json"\n')
    result = attach_or_start(job, entry=RUNNER, say=print, wait=PATIENCE)
    assert isinstance(result, RunResult)
    assert result.recorded is not None
    assert (result.recorded.passed, result.recorded.metrics) == (True, {"size": 48.0})


def test_a_ledger_that_cannot_be_written_cannot_run(repo_dir: Path, git: Git) -> None:
    job = job_for(repo_dir, git, "#!/bin/sh\n", writer="No Writer")
    with pytest.raises(CannotRun, match="No Writer"):
        attach_or_start(job, entry=RUNNER, say=print, wait=PATIENCE)
