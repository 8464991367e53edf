"""Running again what an attestation says was run: the same content, by the rules of its time, in a fresh room."""

from __future__ import annotations

import os
import shutil
import tempfile

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import RuleSet, Scripts, rules_of
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import read_control
from conductor_git.store.files.refused import cannot
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.validation.cache import cache_root
from conductor_git.store.validation.rooms import UNUSED_FOR, sweep
from conductor_git.store.validation.runs import RunResult, job_of, run_job


def rerun(repo: Repository, snapshot: Snapshot, proof: Attestation, tree: Oid) -> RunResult:
    """Run it; nothing is recorded. `tree` is that of a commit whose product the proof is about.

    Raises CannotRun where it could not be run, or its rules are not known any more.
    """
    policy, scripts, rules, control = _rules_then(repo, snapshot, proof)
    job = job_of(repo, policy, scripts, rules, product_of(repo, tree), control, writer=proof.writer)
    # Nothing that earlier rooms kept is used.
    job = msgspec.structs.replace(job, landing=True)
    folder = _folder(repo)
    try:
        return run_job(job, os.path.join(folder, "log"))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _folder(repo: Repository) -> str:
    """A folder for the log; old ones, of runs that gave something else, are swept away."""
    parent = os.path.join(cache_root(repo), "audits")
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        sweep(parent, older_than=UNUSED_FOR)
        return tempfile.mkdtemp(prefix="log-", dir=parent)
    except OSError as error:
        raise cannot("written", parent, error, detail="nothing was run again") from error


def forget(result: RunResult) -> None:
    """Remove the log of a run that nobody needs to look at."""
    shutil.rmtree(os.path.dirname(result.log), ignore_errors=True)


def _rules_then(repo: Repository, snapshot: Snapshot, proof: Attestation) -> tuple[Policy, Scripts, RuleSet, Oid]:
    """Policy, scripts and rules that the proof was made under, and their control commit; those of now if they fit."""
    plan = snapshot.plan(proof.target.plan)
    now = rules_of(snapshot.policy, plan, proof.target, snapshot.scripts) if plan else None
    if isinstance(now, RuleSet) and now.digest == proof.rules:
        return snapshot.policy, snapshot.scripts, now, snapshot.control
    control = read_control(repo, commit=proof.control, use_cache=False)
    plan = next((found for found in control.plans if found.plan == proof.target.plan), None)
    then = rules_of(control.policy, plan, proof.target, control.scripts) if plan else None
    if not isinstance(then, RuleSet) or then.digest != proof.rules:
        raise CannotRun(f"the rules that {proof.target} was proven under are not in commit '{proof.control[:12]}'")
    return control.policy, control.scripts, then, control.oid
