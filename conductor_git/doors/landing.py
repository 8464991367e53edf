"""What the commit doors say while a landing is under way."""

from __future__ import annotations

import os

from conductor_git.core.findings import Finding
from conductor_git.core.landing.cutshort import judge_open_landing
from conductor_git.core.planning.policy import Policy
from conductor_git.store.plumbing.repository import Repository


def open_landing(repo: Repository, branch: str | None, policy: Policy) -> list[Finding]:
    """The finding for a commit on integration while its journal is open. Raises CannotRun where that is unreadable."""
    if branch != policy.integration or not os.path.exists(os.path.join(repo.private, "landing.json")):
        return []
    from conductor_git.store.landing.journal import read_journal

    journal = read_journal(repo)
    return judge_open_landing(branch, [landing.name for landing in journal.landings]) if journal else []
