"""Carrying a canary out: a validation on the content of now, then on the same content with garbage for sources."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.canary import GARBAGE, Trial, Tried, is_source
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import Scripts
from conductor_git.core.targets import Oid
from conductor_git.store.files.refused import cannot
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import Product, product_of
from conductor_git.store.validation.attesting import attest
from conductor_git.store.validation.cache import cache_root
from conductor_git.store.validation.rooms import UNUSED_FOR, sweep
from conductor_git.store.validation.runs import Baseline, Job, job_of, run_job

Say = Callable[[str], None]


def carry_out(
    repo: Repository, trial: Trial, policy: Policy, scripts: Scripts, tree: Oid, control: Oid, *, say: Say
) -> Tried:
    """Run the validation twice, in rooms; nothing is recorded. `tree` is that of the commit that could be made now.

    Raises CannotRun where the first run could not be carried out.
    """
    whole = product_of(repo, tree)
    sources = [path for path in _text_files(repo, tree) if is_source(path, trial.plan, policy)]
    folder = _folder(repo)
    try:
        return _tried(repo, _job(repo, trial, policy, scripts, whole, control), tree, sources, trial, folder, say)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _tried(repo: Repository, job: Job, tree: Oid, sources: list[str], trial: Trial, folder: str, say: Say) -> Tried:
    name = f"plan {trial.plan.plan}: {trial.rules.script}"
    say(f"{name} on tree '{job.tree[:7]}'")
    log = os.path.join(folder, "log")
    result = run_job(job, log)
    outcome = attest(job, result).outcome
    if outcome != "passed" or not sources:
        return Tried(trial, tuple(sources), outcome, log=log)
    spoiled = product_of(repo, _spoiled(repo, tree, sources, folder))
    say(f"{name} with {len(sources)} of its sources garbage")
    # What the first run reported is what this one is compared with, as integration's would be.
    baseline = Baseline(result.results.counts, result.results.metrics)
    again = msgspec.structs.replace(job, tree=spoiled.oid, tree_raw=spoiled.raw, baseline=baseline)
    try:
        garbage: str = attest(again, run_job(again, os.path.join(folder, "garbage-log"))).outcome
    except CannotRun as error:
        # Its set-up needs the sources too: so does whatever it proves.
        say(f"{name}: {error.what}")
        garbage = "not run"
    return Tried(trial, tuple(sources), outcome, garbage, os.path.join(folder, "garbage-log"))


def _job(repo: Repository, trial: Trial, policy: Policy, scripts: Scripts, whole: Product, control: Oid) -> Job:
    job = job_of(repo, policy, scripts, trial.rules, whole, control, writer="canary")
    told = tuple(criterion for criterion in job.criteria if not criterion.of_baseline)
    # Nothing that earlier rooms kept is used: it could have been built from the sources.
    return msgspec.structs.replace(job, criteria=told, landing=True)


def _text_files(repo: Repository, tree: Oid) -> list[str]:
    """The regular files of a tree that git takes for text and that are not empty."""
    listed = repo.git("grep", "-I", "-l", "-z", "--full-name", "-e", "", tree, ok=(0, 1)).fields()
    return sorted(field.removeprefix(f"{tree}:") for field in listed)


def _spoiled(repo: Repository, tree: Oid, sources: list[str], folder: str) -> Oid:
    """The tree with garbage in place of the sources, each as executable as it was."""
    env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
    blob = repo.git("hash-object", "-w", "--stdin", stdin=GARBAGE, writes=True).text()
    repo.git("read-tree", tree, env=env, writes=True)
    wanted = set(sources)
    entries = (field.partition("\t") for field in repo.git("ls-files", "--stage", "-z", env=env).fields())
    lines = [f"{meta.split(' ')[0]} {blob}\t{path}\0" for meta, _, path in entries if path in wanted]
    stdin = "".join(lines).encode("utf-8", "surrogateescape")
    repo.git("update-index", "-z", "--index-info", env=env, stdin=stdin, writes=True)
    return Oid(repo.git("write-tree", env=env, writes=True).text())


def _folder(repo: Repository) -> str:
    parent = os.path.join(cache_root(repo), "canaries")
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        sweep(parent, older_than=UNUSED_FOR)
        return tempfile.mkdtemp(prefix="log-", dir=parent)
    except OSError as error:
        raise cannot("written", parent, error, detail="nothing was run") from error
