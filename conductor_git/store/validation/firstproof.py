"""The proof of integration as it stands, by the policy's default script."""

from __future__ import annotations

import time

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.planning.rules import integration_as_plan, rules_of
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import INTEGRATION
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.snapshot import take
from conductor_git.store.validation.flights import Say, StillRunning
from conductor_git.store.validation.validating import Validated, prove


class Watch(msgspec.Struct, frozen=True):
    """How a run is followed."""

    say: Say
    now: int
    """Seconds since the epoch."""
    wait: float | None = None
    """Seconds until it is left to itself; None waits to its end."""
    terminal: bool = False
    give_up: float | None = None
    """On the monotonic clock: when several runs together have taken too long."""

    @property
    def left(self) -> float | None:
        """Seconds until a run is left to itself."""
        return self.wait if self.give_up is None else max(0.0, self.give_up - time.monotonic())


def prove_integration(repo: Repository, watch: Watch) -> Validated | StillRunning | Finding | None:
    """The attestation of integration's product, from the ledger or from a run; None where it has no files of its own.

    A finding where no script can judge it. Raises CannotRun where nothing could be run.
    """
    snapshot = take(repo)
    tree = repo.resolve(snapshot.policy.integration_ref, kind="tree")
    product = product_of(repo, tree) if tree else None
    if product is None or not product.raw:
        return None
    rules = rules_of(snapshot.policy, integration_as_plan(snapshot.policy), INTEGRATION, snapshot.scripts)
    if isinstance(rules, Finding):
        return rules
    watch.say(f"{rules.script} runs in a clean checkout of '{snapshot.policy.integration}'")
    board = fold(snapshot, watch.now)
    return prove(repo, snapshot, board, rules, product, say=watch.say, wait=watch.wait, terminal=watch.terminal)
