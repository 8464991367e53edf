"""What an audit says, as values: one case for everything that was judged."""

from __future__ import annotations

from typing import Literal

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.standing import Basis, Level
from conductor_git.core.targets import Oid

SCHEMA = 1

Kind = Literal["objects", "rules", "ledger", "claim", "step", "commit", "checkpoint", "rerun"]
KINDS: tuple[Kind, ...] = ("objects", "rules", "ledger", "claim", "step", "commit", "checkpoint", "rerun")


class Located(Finding, frozen=True):
    """A finding with the commit that it is about, so that whoever made that can be asked."""

    commit: Oid | None = None
    author: str = ""
    """`Name <address>`, as the commit has it."""


def at(finding: Finding, commit: Oid | None = None) -> Located:
    """A finding at a commit."""
    words = (finding.code, finding.severity, finding.subject, finding.message, finding.hint, finding.detail)
    return Located(*words, commit)


class Case(msgspec.Struct, frozen=True):
    """One thing that was judged: a claim, a step of integration, a ledger ref, a plan's commit …"""

    kind: Kind
    name: str
    """Unique among the cases of its kind."""
    state: str
    """In a word or two: `proven`, `awaiting`, `landing`, `direct`, `whole` …"""
    commit: Oid | None = None
    plan: str | None = None
    wave: int | None = None
    basis: Basis | None = None
    drift: bool = False
    proofs: tuple[str, ...] = ()
    """Digests of the attestations that it stands on."""
    rules: str = ""
    """The rules digest they were made under."""
    events: int = 0
    """Of a ledger: how many lines of its history are events."""
    findings: tuple[Located, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it is not as it must be."""
        return any(finding.refuses for finding in self.findings)


class Count(msgspec.Struct, frozen=True):
    """How many cases of one kind there are, and how many of them are not as they must be."""

    cases: int = 0
    failed: int = 0
    states: dict[str, int] = {}


class Audit(msgspec.Struct, frozen=True):
    """The end of an audit, as `--json` prints it."""

    schema: int
    audited: str
    """Where objects and refs were read from."""
    level: Level
    integration: str
    integration_tip: Oid | None
    control: str
    """The full name of the ref that the rules were read from."""
    control_tip: Oid
    since: str
    range: str
    clean: bool
    counts: dict[str, Count]
    cases: tuple[Case, ...]
    level_why: str = ""
    """What the level rests on."""


def count(cases: tuple[Case, ...]) -> dict[str, Count]:
    """The counts by kind, for each kind of which there is a case."""
    found: dict[str, Count] = {}
    for kind in KINDS:
        alike = [case for case in cases if case.kind == kind]
        states: dict[str, int] = {}
        for case in alike:
            states[case.state] = states.get(case.state, 0) + 1
        if alike:
            found[kind] = Count(len(alike), sum(case.fails for case in alike), states)
    return found
