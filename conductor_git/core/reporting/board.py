"""The board: who is where, as `log-status` shows it and `--json` prints it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.standing import Basis, Level
from conductor_git.core.targets import Oid

SCHEMA = 1

State = Literal["waiting", "ready", "active", "blocked", "claimed", "complete", "merged", "retired"]


class Proof(msgspec.Struct, frozen=True):
    """An attestation that backs a claim, as the board shows it."""

    digest: str
    platform: str
    script: str
    tree: Oid
    writer: str
    ended: int
    passed: bool


class Executor(msgspec.Struct, frozen=True):
    """Somebody who carries out a wave, or tasks of it, for the agent who has the plan."""

    name: str
    branch: str
    workspace: str = ""
    """As in plan files; empty where the ledger that says it is not here."""
    tasks: tuple[str, ...] = ()
    tip: Oid | None = None
    """None while the branch is not in this clone."""
    ahead: int = 0
    """Commits, no merges, that the plan's branch has not taken in yet."""
    last_activity: int | None = None
    """Seconds since the epoch."""
    brief: str = ""
    """`sha256:<hex>` of the brief that was printed when the work was handed over."""
    charge: str = ""
    """`sha256:<hex>` of what the plan said of the wave then."""


class WaveStatus(msgspec.Struct, frozen=True):
    """One wave, or with `wave` None the plan's own claim."""

    wave: int | None
    title: str
    state: State
    commit: Oid | None = None
    """The claim that counts: the proven one, else the newest said one."""
    basis: Basis | None = None
    attestations: tuple[Proof, ...] = ()
    awaiting: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    waiting_for: tuple[str, ...] = ()
    drift: bool = False
    missing: tuple[Oid, ...] = ()
    """Claims that it needs and that are complete, but not in its branch yet."""
    note: str = ""
    """What the claim's line says after its dash."""
    executors: tuple[Executor, ...] = ()
    """Whose branch is here, or who was given a part of it and has not finished."""


class Guidance(msgspec.Struct, frozen=True):
    """What the conductor answered to a blocker, and when."""

    message: str
    since: int


class Blocker(msgspec.Struct, frozen=True):
    """An open blocker."""

    target: str
    level: str
    message: str
    writer: str
    since: int
    id: str = ""
    context: str = ""
    guidance: tuple[Guidance, ...] = ()
    escalates: int | None = None
    """Seconds since the epoch from which on it counts as unanswered; None once it was answered."""


class WaiverStatus(msgspec.Struct, frozen=True):
    """A waiver, in force or not."""

    target: str
    rule: str
    reason: str
    since: int
    until: int
    """Seconds since the epoch."""
    id: str


class FreezeStatus(msgspec.Struct, frozen=True):
    """What a complete wave froze."""

    target: str
    paths: tuple[str, ...]
    """Patterns."""
    commit: Oid
    """The claim that has them as they stay."""
    agent: str
    since: int
    """Seconds since the epoch."""


class PlanStatus(msgspec.Struct, frozen=True):
    """One plan."""

    plan: str
    title: str
    state: State
    agent: str
    branch: str
    workspace: str
    needs: tuple[str, ...]
    unblocks: tuple[str, ...]
    waiting_for: tuple[str, ...]
    blockers: tuple[Blocker, ...]
    waves: tuple[WaveStatus, ...]
    findings: tuple[Finding, ...]
    claim: WaveStatus
    current: int | None
    """The lowest incomplete wave; None when all are complete."""
    delegated: bool
    tip: Oid | None
    commits: int
    """Own commits since the last claim that counts, merges not counted."""
    last_activity: int | None
    """Seconds since the epoch: the newest of the branch's tip and the plan's events."""
    brief: str = ""
    """`sha256:<hex>` of the brief that was printed when the plan was handed over."""
    charge: str = ""
    """`sha256:<hex>` of what the plan said then."""


class Step(msgspec.Struct, frozen=True):
    """What is safe to do next, and who does it."""

    who: str
    step: str
    command: str = ""
    target: str = ""
    """The plan or wave that it brings on; empty where it is about none."""


class View(msgspec.Struct, frozen=True):
    """How old what is known of a remote is: of the ledger, of plans' branches, of integration."""

    remote: str
    fetched: int | None
    """Seconds since the epoch; None where nobody can tell."""


class Board(msgspec.Struct, frozen=True):
    """The whole picture at one moment."""

    schema: int
    level: Level
    integration: str
    control: str
    plans: tuple[PlanStatus, ...]
    findings: tuple[Finding, ...]
    next: tuple[Step, ...]
    level_why: str = ""
    """What the level rests on."""
    waivers: tuple[WaiverStatus, ...] = ()
    """Every one, those that ran out too."""
    frozen: tuple[FreezeStatus, ...] = ()
    silent_after: int = 86_400
    """Seconds without a sign of life after which work that goes on is shown as silent (the policy's limits)."""
    view: View | None = None
    """Of the remote that the team meets at; None where there is none."""

    def bases(self) -> dict[Basis, int]:
        """On whose word how many claims of waves and plans are believed."""
        claims = [each for status in self.plans for each in (*status.waves, status.claim)]
        return dict(Counter(each.basis for each in claims if each.basis and each.state in ("complete", "merged")))

    def plan(self, plan: str) -> PlanStatus | None:
        """The status of one plan."""
        return next((status for status in self.plans if status.plan == plan), None)
