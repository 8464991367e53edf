"""Everything the rules are asked about, as git held it at one moment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.events.ledger import Ledger
from conductor_git.core.events.signers import Signers
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.history import History
from conductor_git.core.planning.executors import plan_at
from conductor_git.core.planning.plan import BrokenPlan, Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import RuleSet, Scripts
from conductor_git.core.targets import Oid, Target


class Freeze(msgspec.Struct, frozen=True):
    """What a complete wave froze, as its claim has it, and who had the plan."""

    target: Target
    patterns: tuple[str, ...]
    claim: Oid
    agent: str
    since: int
    """When it was claimed, in seconds since the epoch."""


class Touch(msgspec.Struct, frozen=True):
    """A path within some freeze that a commit has otherwise than one of its parents which contain a freezing claim."""

    path: str
    blob: str
    """What the commit has there; empty where it has nothing."""
    differs: tuple[Oid, ...]
    """The parents that have something else there."""


class Bounds(msgspec.Struct, frozen=True):
    """What happened to frozen paths: not every fold asks for it."""

    freezes: tuple[Freeze, ...] = ()
    touched: Mapping[Oid, tuple[Touch, ...]] = {}
    """By commit, of those that build on a freezing claim."""
    kept: Mapping[tuple[Oid, str], str] = {}
    """By claim and path what is frozen there; empty where the claim has nothing."""


class Snapshot(msgspec.Struct, frozen=True):
    """One moment of one clone. A door adds the fact it is asked about; the reader only folds."""

    policy: Policy
    control: Oid
    """The control commit that policy, plans and scripts were read from."""
    plans: tuple[Plan, ...]
    broken: tuple[BrokenPlan, ...]
    scripts: Scripts
    history: History
    ledger: Ledger
    past_rules: Mapping[tuple[Target, str], RuleSet] = {}
    """Rules that an older control commit really had for a target, by digest; drift is believed for these only."""
    changes: Mapping[Oid, tuple[str, ...]] = {}
    """The paths that commits of plans changed by themselves, where they were asked for."""
    unseen: int = 0
    """How many commits of plans' branches are not among them yet."""
    findings: tuple[Finding, ...] = ()
    """What gathering already found (control diverged, …)."""
    signers: Signers = Signers()
    """Who may sign what; the ledger is sifted by it already."""
    taken: int = 0
    """When it was taken, in seconds since the epoch: what is about to be made is made then."""
    hub: str = ""
    """The remote that says it enforces the rules for integration; empty where none does."""
    bounds: Bounds = Bounds()
    """What happened to frozen paths, where somebody looked."""

    def made(self, commit: Oid | None) -> int:
        """When a commit was made at the earliest; None is the one that is about to be.

        Its own time is whatever its author says: it was not made before what it stands on. A time to come is no time.
        """
        if commit is None:
            return self.taken
        nodes, below = self.history.nodes, self.history.graph.ancestors([commit])
        return max((time for oid in below if (time := nodes[oid][2]) <= self.taken), default=self.taken)

    def plan(self, plan: str) -> Plan | None:
        """A plan by its id."""
        return next((found for found in self.plans if found.plan == plan), None)

    def plan_of_branch(self, branch: str) -> Plan | None:
        """The plan whose branch (short name) this is."""
        return next((found for found in self.plans if found.branch == branch), None)

    def plan_at(self, branch: str | None) -> Plan | None:
        """The plan that is worked on on a branch (short name): its own, or one of its executors'."""
        return plan_at(branch, self.plans)
