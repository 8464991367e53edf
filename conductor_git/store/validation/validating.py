"""Getting a proof of some content: the one that the ledger has, or that of a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.judgement.evidence import Attestations
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.reporting.board import Board
from conductor_git.store.notes.signing import check_signing, signing_for
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import Product
from conductor_git.store.validation.baselines import read_baseline
from conductor_git.store.validation.flights import Say, StillRunning, attach_or_start
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.runs import job_of

# By name: the store starts the runner and knows nothing else of it. It begins and ends as all processes of ours do. -c
# costs less than -m; -P: a module of the folder that it starts in must not stand in for one of ours.
_BE_RUNNER = """\
from conductor_git.lifetime import live, load_msgspec
load_msgspec()
from conductor_git.commands.runner import main
live(main)
"""
_RUNNER = (sys.executable, "-P", "-c", _BE_RUNNER)


class Validated(msgspec.Struct, frozen=True):
    """An attestation of the content that was asked about, passed or not."""

    attestation: Attestation
    reused: bool
    """It was in the ledger already; nothing ran."""
    log: str = ""
    """The run's log on this machine; empty where nothing ran."""
    changed: tuple[str, ...] = ()
    """Tracked files that the run changed."""
    untold: tuple[str, ...] = ()
    """Criteria that could not be told, for want of a baseline."""


def prove(
    repo: Repository,
    snapshot: Snapshot,
    board: Board,
    rules: RuleSet,
    product: Product,
    *,
    say: Say,
    wait: float | None,
    terminal: bool,
    rerun: bool = False,
    landing: bool = False,
    untold: bool = False,
    runner: Sequence[str] = _RUNNER,
) -> Validated | StillRunning:
    """The attestation of `product` under `rules` on this platform: one that passed, else that of a run.

    `rerun` runs even where a proof exists; a `landing` uses nothing that earlier rooms kept; a run that is `untold`
    does not know for whom it is. Raises CannotRun where nothing can be run or recorded.
    """
    writer = whoami(repo, snapshot.plans)
    attestations = Attestations(snapshot.ledger)
    known = None if rerun else find_proof(snapshot, attestations, rules, product, role=writer.role)
    if known is not None and not (landing and known.room == "warm"):
        return Validated(known, reused=True)
    policy = snapshot.policy
    signing = signing_for(repo, policy, writer.name, "attestation")
    check_signing(signing, policy, writer.name, snapshot.signers, int(time.time()))
    job = msgspec.structs.replace(
        job_of(repo, policy, snapshot.scripts, rules, product, snapshot.control, writer=writer.name),
        baseline=read_baseline(repo, snapshot, board, attestations, rules, platform_tag()),
        role="runner" if writer.role == "runner" else "agent",
        landing=landing,
        untold=untold,
        signing=signing,
    )
    result = attach_or_start(job, entry=runner, say=say, wait=wait, terminal=terminal)
    if isinstance(result, StillRunning):
        return result
    if result.recorded is None:
        raise CannotRun(f"the run of {rules.target} was not recorded", detail=f"log: {result.log}")
    return Validated(result.recorded, False, result.log, result.changed, result.untold)


def find_proof(
    snapshot: Snapshot, attestations: Attestations, rules: RuleSet, product: Product, *, role: str
) -> Attestation | None:
    """The newest attestation by which this content passed under these rules on this platform.

    A runner believes only runners where the policy wants their word.
    """
    wants_runner = role == "runner" and snapshot.policy.validation.attested_by == "runner"
    platform = platform_tag()
    for found in reversed(attestations.of(rules.target)):
        if (found.tree, found.rules, found.platform, found.repository) == (
            product.oid,
            rules.digest,
            platform,
            snapshot.policy.repository,
        ):
            # The newest one counts: where a later run failed, an older pass proves nothing any more.
            usable = found.passed and not (wants_runner and found.role != "runner")
            return found if usable else None
    return None
