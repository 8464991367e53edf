"""An audit as text: failures first, then what there was, in numbers."""

from __future__ import annotations

from collections import Counter

from conductor_git.core.findings import Finding
from conductor_git.core.reporting.audit import KINDS, Audit, Case, Kind, Located
from conductor_git.core.say import printable, say_findings
from conductor_git.core.standing import say_bases, say_level

_WORDS: dict[Kind, tuple[str, str]] = {
    "ledger": ("ledger ref", "ledger refs"),
    "claim": ("claim", "claims"),
    "step": ("step of integration", "steps of integration"),
    "commit": ("commit of plans", "commits of plans"),
    "rerun": ("validation run again", "validations run again"),
}
_ONE_OF_A_KIND: dict[Kind, str] = {"objects": "objects", "rules": "rules", "checkpoint": "checkpoint"}
_SHOWN = ("alarm", "error", "warning")
_MOST_WARNINGS = 20


def render_audit(audit: Audit) -> str:
    """The whole text, without a final newline."""
    blocks = [_findings(audit), _heading(audit), *(_line(kind, audit) for kind in KINDS)]
    return "\n".join(block for block in blocks if block)


def _findings(audit: Audit) -> str:
    every = [found for case in audit.cases for found in case.findings if found.severity in _SHOWN]
    grave = [found for found in every if found.refuses]
    mild = [found for found in every if not found.refuses]
    text = say_findings(map(_plain, [*grave, *mild[:_MOST_WARNINGS]]))
    if len(mild) > _MOST_WARNINGS:
        text += f"\nnote: {len(mild) - _MOST_WARNINGS} more warnings; --json has them all"
    return f"{text}\n" if text else ""


def _plain(found: Located) -> Finding:
    """As every other finding, the commit among its details."""
    who = f" by {found.author}" if found.author else ""
    where = f"commit {found.commit}{who}" if found.commit else ""
    detail = "; ".join(part for part in (where, found.detail) if part)
    return Finding(found.code, found.severity, found.subject, found.message, found.hint, detail)


def _heading(audit: Audit) -> str:
    failed = sum(case.fails for case in audit.cases)
    verdict = "clean" if audit.clean else f"{failed} of {len(audit.cases)} cases are not as they must be"
    since = f"above {audit.since[:12]}" if audit.since else "from the first commit on"
    within = f", only what is in {audit.range}" if audit.range else ""
    tip = f" at {audit.integration_tip[:12]}" if audit.integration_tip else ", which has no commit yet"
    lines = [
        f"audit of {audit.audited}: {verdict}",
        f"  '{audit.integration}'{tip}, {since}{within}; rules of '{audit.control}' at {audit.control_tip[:12]}",
        f"  {say_level(audit.level)}",
        f"    {audit.level_why}",
    ]
    return printable("\n".join(lines))


def _line(kind: Kind, audit: Audit) -> str:
    counted = audit.counts.get(kind)
    if counted is None:
        return ""
    if kind in _ONE_OF_A_KIND:
        return f"  {_ONE_OF_A_KIND[kind]}: {next(iter(counted.states))}"
    states = ", ".join(f"{number} {state}" for state, number in sorted(counted.states.items()))
    said = f"  {counted.cases} {_WORDS[kind][counted.cases != 1]}: {states}"
    cases = [case for case in audit.cases if case.kind == kind]
    extra = _bases(cases) if kind == "claim" else _events(cases) if kind == "ledger" else ""
    return said + (f" ({extra})" if extra else "")


def _bases(cases: list[Case]) -> str:
    bases = Counter(case.basis for case in cases if case.basis and case.state == "proven")
    drifted = sum(case.drift for case in cases)
    said = [say_bases(bases)] if bases else []
    return ", ".join([*said, f"{drifted} under the rules of their time"] if drifted else said)


def _events(cases: list[Case]) -> str:
    return f"{sum(case.events for case in cases)} lines"
