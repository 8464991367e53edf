"""Jobs for tests: HEAD's tree and a script that is written down in the test."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from conductor_git.core.planning.policy import ValidationPolicy
from conductor_git.core.planning.rules import Script
from conductor_git.core.targets import Oid, Target
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.runs import Job
from tests.conftest import Git

PATIENCE = 30.0
"""Seconds that a test waits for what must come; never what it measures."""

_HOLD = f"""#!{sys.executable}
import fcntl, os, sys, time
held = open(PLACE, "w")
fcntl.flock(held, fcntl.LOCK_EX)
open(PLACE + ".started", "a").write("x")
time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "what must come did not come"
        time.sleep(0.01)


def holding(lock: Path) -> str:
    """A script that holds a lock until it dies: a lock tells the dead from the zombies."""
    return _HOLD.replace("PLACE", repr(str(lock)))


def job_for(folder: Path, git: Git, script: str, *, mode: str = "100755", **other: object) -> Job:
    """A job for HEAD's tree, with the text of its script and anything else that differs."""
    repo = discover(str(folder))
    blob = Oid(git(folder, "hash-object", "-w", "--stdin", stdin=script))
    job = Job(
        repository=repo,
        repository_id="shop",
        target=Target("2", 3),
        tree=repo.resolve("HEAD", kind="tree") or Oid(""),
        tree_raw=None,
        rules="sha256:" + "0" * 64,
        script="verify.sh",
        script_digest=blob,
        args=(),
        setup="",
        timeout=60,
        scripts={"verify.sh": Script(mode, blob)},
        policy=ValidationPolicy(),
        log_bytes=1_000_000,
        control=Oid("0" * 40),
        writer="agent-2",
        platform=platform_tag(),
    )
    return msgspec.structs.replace(job, **other)
