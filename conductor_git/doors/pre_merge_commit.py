"""pre-merge-commit: refuses merges into integration by anyone but the conductor and of what is not proven, and into a
plan's branch of what is not for it."""

from __future__ import annotations

import os
import sys

from conductor_git.core.findings import refused
from conductor_git.core.judgement.boundaries import Merging
from conductor_git.core.judgement.owners import judge_intake
from conductor_git.core.say import say_findings
from conductor_git.core.targets import Oid
from conductor_git.doors.landing import open_landing
from conductor_git.store.notes.writer import checked_out, whoami
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.snapshot import take


def pre_merge_commit(args: list[str]) -> int:
    """Judge the merge that git is about to commit. MERGE_HEAD is not written yet: GITHEAD_<oid> names the sources."""
    repo = discover()
    sources = tuple(Oid(name.removeprefix("GITHEAD_")) for name in sorted(os.environ) if name.startswith("GITHEAD_"))
    head = repo.resolve("HEAD")
    if head is None:
        return 0
    snapshot = take(repo, also=[head, *sources])
    merging = Merging(checked_out(repo), sources, whoami(repo, snapshot.plans).name)
    findings = judge_intake(merging, head, snapshot)
    findings += open_landing(repo, merging.branch, snapshot.policy)
    if findings:
        print(say_findings(findings, unchanged="nothing was merged"), file=sys.stderr)
    return 1 if refused(findings) else 0
