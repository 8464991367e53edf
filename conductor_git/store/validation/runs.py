"""One validation run: a job, carried out in a room, gives a result; what could not run is no result."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from typing import Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import Attestation, Counts, Outcome
from conductor_git.core.events.event import canonical
from conductor_git.core.judgement.results import METRICS_FILE, Results, read_results
from conductor_git.core.planning.plan import Criterion
from conductor_git.core.planning.policy import Limits, Policy, Runner, ValidationPolicy
from conductor_git.core.planning.rules import RuleSet, Script, Scripts
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.signing import Signing
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.staged import Product
from conductor_git.store.validation.cache import worktree_roots
from conductor_git.store.validation.checkout import file_digest
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.processes import Log, run_group
from conductor_git.store.validation.rooms import Room, open_room
from conductor_git.store.validation.surroundings import run_environment

_MOST_RESULT_BYTES = 64 * 1024 * 1024
_FULL = 1024 * 1024
"""Bytes: a failed run on a disk with less room than this has not failed, it could not run."""


class Baseline(msgspec.Struct, frozen=True):
    """What a run is compared with; None where there is nothing to compare with."""

    counts: Counts | None = None
    """Of integration, for "not fewer passed, not more skipped"."""
    metrics: dict[str, float] | None = None
    """For criteria `of: baseline`."""
    missing: str = ""
    """Which run has to be made before such criteria can be told, where a wave recorded baselines elsewhere only."""


class Job(msgspec.Struct, frozen=True):
    """Everything that a run and its record need, so that a process of its own can do both."""

    repository: Repository
    repository_id: str
    target: Target
    tree: Oid
    """The product tree."""
    tree_raw: bytes | None
    """The product tree's object, where the repository may not have it."""
    rules: str
    script: str
    script_digest: Oid
    args: tuple[str, ...]
    setup: str
    timeout: int
    """Seconds, for the set-up and for the script each."""
    scripts: dict[str, Script]
    policy: ValidationPolicy
    log_bytes: int
    control: Oid
    writer: str
    platform: str
    criteria: tuple[Criterion, ...] = ()
    baseline: Baseline = Baseline()
    role: Runner = "agent"
    landing: bool = False
    untold: bool = False
    """Whether the run is not told for whom it is, so that its result can be that of several."""
    event_bytes: int = Limits().event_bytes
    signing: Signing | None = None

    @property
    def key(self) -> str:
        """What makes two jobs the same run: content, target and whether it is told that, rules, platform, and in whose
        ledger it is recorded."""
        parts = [
            self.repository_id,
            self.repository.common_dir,
            str(self.target),
            self.tree,
            self.rules,
            self.platform,
            self.role,
            self.landing,
            self.untold,
        ]
        return hashlib.sha256(canonical(parts).encode("ascii")).hexdigest()


def job_of(
    repo: Repository, policy: Policy, scripts: Scripts, rules: RuleSet, product: Product, control: Oid, *, writer: str
) -> Job:
    """What running these rules on this content takes; `control` is the commit that policy and scripts are from."""
    return Job(
        repository=repo,
        repository_id=policy.repository,
        target=rules.target,
        tree=product.oid,
        tree_raw=product.raw,
        rules=rules.digest,
        script=rules.script,
        script_digest=rules.script_digest,
        args=rules.args,
        setup=rules.setup,
        timeout=rules.timeout,
        scripts=scripts.files,
        policy=policy.validation,
        log_bytes=policy.limits.log_bytes,
        control=control,
        writer=writer,
        platform=platform_tag(),
        criteria=rules.criteria,
        event_bytes=policy.limits.event_bytes,
    )


class RunResult(msgspec.Struct, frozen=True):
    """How a run ended, before it is judged by its numbers; `recorded` afterwards."""

    outcome: Outcome
    exit_code: int | None
    """None where time ran out."""
    started: int
    ended: int
    room: Literal["fresh", "warm"]
    submodules: str
    lfs: str
    results: Results
    changed: tuple[str, ...]
    """Tracked files that the run changed."""
    log: str
    log_digest: str
    recorded: Attestation | None = None
    untold: tuple[str, ...] = ()
    """Criteria that nobody could tell, for want of a baseline."""


def run_job(job: Job, log_path: str) -> RunResult:
    """Carry a job out in a room of its own.

    Raises CannotRun where it could not run: no room, no such script, set-up failed, the room died, the disk is full.
    """
    scripts = _read_scripts(job)
    roots = worktree_roots(job.repository)
    warm_key = f"{job.repository_id} {job.script}"
    try:
        with open_room(
            job.repository,
            job.tree,
            policy=job.policy,
            raw=job.tree_raw,
            scripts=scripts,
            warm_key=warm_key,
            landing=job.landing,
            roots=roots,
        ) as room:
            return _in_room(job, room, roots, log_path)
    except OSError as error:
        raise CannotRun(
            f"the run of {job.target} died: {error.strerror or error}", detail="nothing was recorded"
        ) from error


def _in_room(job: Job, room: Room, roots: tuple[str, ...], log_path: str) -> RunResult:
    own = {"CONDUCTOR_RESULTS": room.results, "CONDUCTOR_TREE": job.tree, "PWD": room.work}
    if not job.untold:
        own["CONDUCTOR_PLAN"] = job.target.plan
        own["CONDUCTOR_WAVE"] = "" if job.target.wave is None else str(job.target.wave)
    env = run_environment(os.environ, roots, own)
    started = int(time.time())
    with Log(log_path, job.log_bytes) as log:
        _set_up(job, room, env, log)
        code = _run_script(job, room, env, log)
    if not os.path.isdir(room.work):
        raise CannotRun(f"the room of {job.target} was removed while the run was in it", detail="nothing was recorded")
    if code and shutil.disk_usage(room.folder).free < _FULL:
        raise CannotRun(f"the disk is full, so the run of {job.target} says nothing", detail=f"log: {log_path}")
    changed = tuple(room.changed())
    if code is not None:
        room.put_back()
    return RunResult(
        outcome=_outcome(code, changed),
        exit_code=code,
        started=started,
        ended=int(time.time()),
        room="warm" if room.is_warm else "fresh",
        submodules=room.submodules,
        lfs=room.lfs,
        results=_results(room.results),
        changed=changed,
        log=log_path,
        log_digest=f"sha256:{file_digest(log_path)}",
    )


def _read_scripts(job: Job) -> dict[str, tuple[str, bytes]]:
    if job.script not in job.scripts:
        raise CannotRun(
            f"script '{job.script}' is not in the scripts folder of the control ref", detail="nothing was run"
        )
    oids = {script.oid for script in job.scripts.values()}
    bodies = {found.oid: found.body for found in read_objects(job.repository, oids) if found.kind == "blob"}
    if job.scripts[job.script].oid not in bodies:
        oid = job.scripts[job.script].oid
        raise CannotRun(
            f"script '{job.script}' cannot be read here: object '{oid[:12]}' is missing",
            detail="nothing was run",
            hint="git fsck",
        )
    # Submodules (mode 160000) have no blob; a script that calls into one fails and says so.
    return {name: (script.mode, bodies[script.oid]) for name, script in job.scripts.items() if script.oid in bodies}


def _set_up(job: Job, room: Room, env: dict[str, str], log: Log) -> None:
    if not job.setup:
        return
    log.write(f"[set-up: {job.setup}]\n".encode("utf-8", "surrogateescape"))
    code = run_group(["sh", "-c", job.setup], cwd=room.work, env=env, log=log, timeout=job.timeout)
    if code != 0:
        why = f"took longer than {job.timeout} s" if code is None else f"ended with exit code {code}"
        raise CannotRun(f"the set-up '{job.setup}' {why}", detail=f"nothing was validated; log: {log.path}")


def _run_script(job: Job, room: Room, env: dict[str, str], log: Log) -> int | None:
    path = os.path.join(room.scripts, job.script)
    log.write(f"[{' '.join([job.script, *job.args])}]\n".encode("utf-8", "surrogateescape"))
    # Windows starts no `#!` scripts; git's own sh comes with it.
    argv = ["sh", path] if sys.platform == "win32" else [path]
    try:
        return run_group([*argv, *job.args], cwd=room.work, env=env, log=log, timeout=job.timeout)
    except OSError as error:
        raise CannotRun(
            f"script '{job.script}' cannot be started: {(error.strerror or str(error)).lower()}",
            detail=f"{_why_not_started(path)}; nothing was run",
        ) from error


def _why_not_started(path: str) -> str:
    if not os.path.isfile(path):
        return "there is no such file"
    if not os.access(path, os.X_OK):
        return "it is not executable"
    with open(path, "rb") as file:
        first = file.readline(200).decode("utf-8", "replace").strip()
    if first.startswith("#!"):
        return f"its first line is '{first}'"
    return "its first line names no interpreter, as '#!/bin/sh' does"


def _outcome(code: int | None, changed: tuple[str, ...]) -> Outcome:
    if code is None:
        return "timed-out"
    if code:
        return "failed"
    return "tracked-files-changed" if changed else "passed"


def _results(folder: str) -> Results:
    files: dict[str, bytes] = {}
    too_large: list[str] = []
    left = _MOST_RESULT_BYTES
    for name, path in _result_files(folder):
        size = os.path.getsize(path)
        if size > left:
            too_large.append(f"'{name}' is too large")
            continue
        left -= size
        with open(path, "rb") as file:
            files[name] = file.read(size)
    results = read_results(files)
    return msgspec.structs.replace(results, problems=(*results.problems, *too_large))


def _result_files(folder: str) -> Iterator[tuple[str, str]]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            relative = os.path.relpath(path, folder).replace(os.sep, "/")
            # Only what is really a file: a link could name anything on the machine, a pipe would never end.
            if (name.endswith(".xml") or relative == METRICS_FILE) and stat.S_ISREG(os.lstat(path).st_mode):
                yield relative, path
