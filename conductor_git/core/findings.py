"""Findings: broken rules as values. The catalogue of codes is `codes`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

Severity = Literal["alarm", "error", "warning", "info"]
"""alarm: integration or ledger is not what it should be; error: refused or not believed; warning: believed, but look
here; info: a fact worth a line."""


class Finding(msgspec.Struct, frozen=True):
    """One broken rule. `subject` is what it is about: a target, a commit, a path, a ref."""

    code: str
    severity: Severity
    subject: str
    message: str
    """What and why in one line, lower case, subject in single quotes."""
    hint: str = ""
    """One command that helps and can be pasted; empty where nothing the reader can do helps."""
    detail: str = ""
    """More of why, or what was left unchanged."""

    @property
    def refuses(self) -> bool:
        """Whether a door must say no."""
        return self.severity in ("alarm", "error")


def refused(findings: Iterable[Finding]) -> bool:
    """Whether any finding refuses."""
    return any(finding.refuses for finding in findings)


def newest_of(listed: Sequence[Finding]) -> Finding:
    """The last of findings of one kind, which says how many more there are."""
    *older, newest = listed
    return newest if not older else msgspec.structs.replace(newest, detail=f"and {len(older)} more like it")
