"""What `claim --json` and `validate --json` print: one shape for both (docs/FORMAT.md, "The answer")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from conductor_git.core.events.attestation import Attestation, Counts
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Step
from conductor_git.core.reporting.validationtext import failure
from conductor_git.core.targets import Oid, Target

SCHEMA = 1


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a claim or validation ended. Every key is always there; what is not known is null or empty."""

    schema: int = SCHEMA
    target: str
    outcome: str
    """`claimed`, `repeated` (complete before: nothing was committed), `refused`, `running`, `passed`, or how a run
    failed: `failed`, `timed-out`, `tracked-files-changed`, `criteria`."""
    commit: Oid | None = None
    """The claim that was committed."""
    tree: Oid | None = None
    """The product tree it is about."""
    proof: str | None = None
    """The attestation's digest, also of one that did not pass."""
    rules: str | None = None
    """The rules digest."""
    passed: bool | None = None
    platform: str | None = None
    event: Oid | None = None
    reused: bool | None = None
    exit_code: int | None = None
    counts: Counts | None = None
    failed_tests: Sequence[str] = ()
    unmet: Sequence[str] = ()
    untold: Sequence[str] = ()
    changed: Sequence[str] = ()
    unstaged: Sequence[str] = ()
    untracked: Sequence[str] = ()
    log: str | None = None
    findings: tuple[Finding, ...] = ()
    next: tuple[Step, ...] = ()


def answer(target: Target, outcome: str, **known: Any) -> dict[str, Any]:
    """The values of an Answer that is about no run, or whose run is not over."""
    values: dict[str, Any] = msgspec.to_builtins(Answer(target=str(target), outcome=outcome, **known))
    return values


def answer_of(proof: Attestation, **known: Any) -> dict[str, Any]:
    """The values of an Answer that an attestation gives."""
    said = {
        "tree": proof.tree,
        "proof": proof.digest,
        "rules": proof.rules,
        "passed": proof.passed,
        "platform": proof.platform,
        "event": proof.event,
        "exit_code": proof.exit_code,
        "counts": proof.counts,
        "failed_tests": proof.failed_tests,
        "unmet": proof.unmet,
        "findings": () if proof.passed else (failure(proof),),
    }
    return answer(proof.target, proof.outcome, **{**said, **known})
