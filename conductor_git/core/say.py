"""Findings and errors as text: failure first, lower case, the code at the end, one hint."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding

_WORDS = {"alarm": "alarm", "error": "error", "warning": "warning", "info": "note"}


def printable(text: str) -> str:
    """Text from a repository made safe for a terminal: control, bidi and other invisible characters are escaped."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char == "\n"
        else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in text.encode("utf-8", "backslashreplace").decode("utf-8")
    )


def on_terminal(text: str) -> str:
    """Whole output made safe for a terminal: as `printable`, but tabs and colours (SGR sequences) stay."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    import re

    kept = re.split("(\t|\x1b\\[[0-9;]*m)", text)
    return "".join(part if at % 2 else printable(part) for at, part in enumerate(kept))


def say_finding(finding: Finding, *, unchanged: str = "") -> str:
    """One finding in one to three lines; `unchanged` says what was left as it was ("nothing was committed")."""
    word = _WORDS[finding.severity]
    detail = "; ".join(part for part in (finding.detail, unchanged) if part)
    lines = [f"{word}: {finding.message} [{finding.code}]"]
    if detail:
        lines.append(f"{' ' * (len(word) + 2)}{detail}")
    if finding.hint:
        lines.append(f"hint: {finding.hint}")
    return printable("\n".join(lines))


def say_findings(findings: Iterable[Finding], *, unchanged: str = "") -> str:
    """Findings, worst first; a hint that several share is printed once, below the last of them."""
    ranked = sorted(findings, key=lambda finding: tuple(_WORDS).index(finding.severity))
    blocks = [
        say_finding(finding, unchanged=unchanged if position == 0 and finding.refuses else "")
        for position, finding in enumerate(each_hint_once(ranked))
    ]
    return "\n".join(blocks)


def each_hint_once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings; a hint that several share is left to the last of them."""
    listed = list(findings)
    later = {finding.hint: position for position, finding in enumerate(listed)}
    return [
        finding if later[finding.hint] == position else _without_hint(finding)
        for position, finding in enumerate(listed)
    ]


def say_error(error: CannotRun) -> str:
    """An error that ends a command, in the same form."""
    lines = [f"error: {error.what}"]
    if error.detail:
        lines += [f"       {line}" for line in error.detail.splitlines()[:10]]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return printable("\n".join(lines))


def _without_hint(finding: Finding) -> Finding:
    return Finding(finding.code, finding.severity, finding.subject, finding.message, "", finding.detail)
