"""An audit as JUnit XML: a suite for each kind, a test case for each thing that was judged."""

from __future__ import annotations

from typing import Any

from conductor_git.core.reporting.audit import KINDS, Audit, Case
from conductor_git.core.say import printable


def render_junit(audit: Audit) -> str:
    """The XML, without a final newline."""
    from junitparser import JUnitXml, TestSuite

    whole: Any = JUnitXml("conductor-git audit")
    for kind in KINDS:
        suite = TestSuite(kind)
        for case in audit.cases:
            if case.kind == kind:
                suite.add_testcase(_case(case))
        if suite.tests:
            whole.add_testsuite(suite)
    whole.update_statistics()
    text: bytes = whole.tostring()
    return text.decode("utf-8").rstrip("\n")


def _case(case: Case) -> Any:
    from junitparser import Failure, Skipped, TestCase

    target = f"{case.plan}.{case.wave} " if case.wave is not None else f"{case.plan} " if case.plan else ""
    made: Any = TestCase(_xml(f"{target}{case.name}"), classname=f"audit.{case.kind}", time=0)
    results: list[Any] = []
    for found in case.findings:
        if found.refuses:
            who = f"\ncommit {found.commit} by {found.author}" if found.commit else ""
            failure = Failure(_xml(found.message), found.code)
            failure.text = _xml("\n".join(part for part in (found.detail + who, found.hint) if part))
            results.append(failure)
    if not results and case.state == "awaiting":
        results.append(Skipped(_xml(next((found.message for found in case.findings), "awaits other evidence"))))
    made.result = results
    quiet = [f"{found.severity}: {found.message} [{found.code}]" for found in case.findings if not found.refuses]
    made.system_out = _xml("\n".join([case.state, *quiet]))
    return made


def _xml(text: str) -> str:
    """Text that XML can hold."""
    return printable(text)
