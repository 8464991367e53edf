"""What a sync did, as values and in lines."""

from __future__ import annotations

import shlex
from typing import Literal

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import SCHEMA


class BranchSynced(msgspec.Struct, frozen=True):
    """A local branch after a sync, of a plan, or of none where it is integration's or control's; `ahead` and `behind`
    count commits that the other side lacks."""

    plan: str
    branch: str
    state: Literal["same", "sent", "refused", "ahead", "behind", "diverged", "landed"]
    """ahead: integration and control, which a sync leaves to the conductor."""
    ahead: int = 0
    behind: int = 0
    why: str = ""


class Synced(msgspec.Struct, frozen=True):
    """The end of a sync with one remote. Refs are full names: of what came in those here, of what went out those
    there."""

    remote: str
    came: tuple[str, ...]
    sent: tuple[str, ...]
    branches: tuple[BranchSynced, ...]
    findings: tuple[Finding, ...] = ()
    schema: int = SCHEMA


def synced_text(synced: Synced) -> str:
    """One line for what came and went, and one for each branch that is behind."""
    ledgers = sum(ref.startswith("refs/notes/") for ref in synced.sent)
    branches = len(synced.sent) - ledgers
    out = [
        *(["the ledger"] if ledgers else []),
        *([f"{branches} branch{'es' if branches > 1 else ''}"] if branches else []),
    ]
    came = (
        f"{len(synced.came)} ref{'s' if len(synced.came) > 1 else ''} came in" if synced.came else "nothing new came in"
    )
    went = f"{' and '.join(out)} went out" if out else "nothing had to go out"
    lines = [f"'{synced.remote}': {came}, {went}"]
    for branch in synced.branches:
        name = f"plan {branch.plan}: '{branch.branch}'" if branch.plan else f"'{branch.branch}'"
        if branch.state == "behind":
            lines.append(f"{name} here lacks {_commits(branch.behind)} that '{synced.remote}' has")
        elif branch.state == "ahead":
            push = f"git push {synced.remote} {shlex.quote(branch.branch)}"
            lines.append(
                f"{name} here has {_commits(branch.ahead)} that '{synced.remote}' lacks: only the conductor pushes it"
            )
            lines.append(f"as the conductor, so that other clones see them: {push}")
    return "\n".join(lines)


def _commits(count: int) -> str:
    return f"{count} commit{'s' if count > 1 else ''}"
