"""What is said of a validation: failures first, at most two dozen lines, where the log is last."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_git.core.durations import ago, render_duration
from conductor_git.core.events.attestation import Attestation, Counts
from conductor_git.core.findings import Finding
from conductor_git.core.targets import Target

MOST_TAIL = 12
_LEAST_TAIL = 4
_MOST_TESTS = 5
_MOST_PATHS = 4
_INDENT = " " * 7
_UNCOUNTED = (
    "note: no tests were counted, so this proves nothing about deleted tests; let the script write",
    '      "$CONDUCTOR_RESULTS/junit.xml", e.g. pytest --junitxml="$CONDUCTOR_RESULTS/junit.xml"',
)


def title(target: Target) -> str:
    """`wave 2.3` or `plan 2`."""
    return f"{'plan' if target.wave is None else 'wave'} {target}"


def passed_lines(proof: Attestation, *, reused: bool, now: int) -> list[str]:
    """A validation that passed, and the step that it opens."""
    where = f"tree '{proof.tree[:7]}', {proof.script}, {proof.platform}"
    if reused:
        head = f"{title(proof.target)} is proven already: {where}, {ago(now - proof.ended)} by {proof.writer}"
    else:
        head = f"{title(proof.target)} passed: {where}, {_took(proof)}"
    tests = [_tests(proof.counts)] if proof.counts else []
    # Once: whoever meets the proof again knows.
    uncounted = _UNCOUNTED if proof.counts is None and not reused else ()
    return [head, *tests, f"proof: {proof.digest}", *uncounted]


def failed_lines(proof: Attestation, changed: Sequence[str], tail: Sequence[str]) -> list[str]:
    """A validation that did not pass; `tail` is the end of its log, empty where it was shown already."""
    finding = failure(proof)
    lines = [f"error: {finding.message} [{finding.code}]"]
    lines += _some(proof.unmet, _MOST_TESTS)
    lines += _some(proof.failed_tests, _MOST_TESTS)
    lines += _some([f"changed: '{path}'" for path in changed], _MOST_TESTS) if proof.outcome != "failed" else []
    shown = max(_LEAST_TAIL, MOST_TAIL - len(lines))
    return [*lines, *(f"  | {line}" for line in tail[-shown:]), f"recorded: {proof.digest}"]


def failure(proof: Attestation) -> Finding:
    """The finding for an attestation that did not pass."""
    why = {
        "failed": f"{proof.script} ended with exit code {proof.exit_code} after {_took(proof)}{_failed(proof)}",
        "timed-out": f"{proof.script} did not end within {_took(proof)}",
        "tracked-files-changed": f"{proof.script} changed tracked files",
        "criteria": f"{proof.script} passed, and its numbers do not",
    }.get(proof.outcome, proof.outcome)
    code = "CG204" if proof.outcome == "criteria" else "CG202"
    message = f"{title(proof.target)} failed: tree '{proof.tree[:7]}', {proof.platform}: {why}"
    return Finding(code, "error", str(proof.target), message)


def beside_lines(unstaged: Sequence[str], untracked: Sequence[str]) -> list[str]:
    """What the worktree has and the validated content has not."""
    told = [f"'{path}' (not staged)" for path in unstaged] + [f"'{path}' (untracked)" for path in untracked]
    if not told:
        return []
    more = f" and {len(told) - _MOST_PATHS} more" if len(told) > _MOST_PATHS else ""
    return [f"note: not part of it: {', '.join(told[:_MOST_PATHS])}{more}"]


def untold_lines(untold: Sequence[str]) -> list[str]:
    """Criteria that this run could not be held to."""
    return [f"note: not judged: {text}" for text in untold[:_MOST_PATHS]]


def running_lines(target: Target, script: str, seconds: int, again: str) -> list[str]:
    """A run that goes on after its caller has gone; `again` is the command that attaches to it."""
    since = render_duration(seconds)
    return [
        f"{title(target)} is not validated yet: {script} has run for {since} and goes on by itself",
        f"hint: {again}    # attaches to it",
    ]


def _took(proof: Attestation) -> str:
    return render_duration(max(0, proof.ended - proof.started))


def _tests(counts: Counts) -> str:
    skipped = f", {counts.skipped} skipped" if counts.skipped else ""
    return f"{counts.passed} tests passed{skipped}"


def _failed(proof: Attestation) -> str:
    if proof.counts is None or not proof.counts.failed:
        return ""
    return f"; {proof.counts.failed} of {proof.counts.run} tests failed"


def _some(texts: Sequence[str], most: int) -> list[str]:
    more = [f"{_INDENT}and {len(texts) - most} more"] if len(texts) > most else []
    return [f"{_INDENT}{text}" for text in texts[:most]] + more
