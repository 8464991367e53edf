"""Pushing a landing: integration and the ledger in one step, all or nothing."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.store.landing.journal import Journal
from conductor_git.store.notes.clone import clone_ids
from conductor_git.store.notes.ledger_push import unpushed
from conductor_git.store.plumbing.git import Result, run, said_by_git
from conductor_git.store.plumbing.refs import LEDGER
from conductor_git.store.plumbing.remotes import Say, Upstream, fetch
from conductor_git.store.plumbing.repository import Repository


class NotPushed(CannotRun):
    """The remote does not have it, for certain."""


def push_landing(repo: Repository, upstream: Upstream, journal: Journal, *, say: Say) -> bool:
    """Push integration, if it is still where it was seen, and this clone's ledger with it; False where it moved.

    A remote that takes no notes gets integration alone, and that is said. Raises NotPushed where it was refused, and
    another CannotRun where nobody can tell: then the journal stays open.
    """
    branch = f"{journal.tip}:{upstream.ref}"
    # Of the clone as it is: under an id of before, the remote may have more than a copy of that clone.
    ledger = [f"{ref}:{ref}" for ref in unpushed(repo, upstream.remote, clone_ids(repo)[:1])]
    done = _push(repo, upstream, branch, *ledger)
    if done.code and ledger and _refuses_notes(done):
        done = _push(repo, upstream, branch)
        if done.code == 0:
            say(f"warning: '{upstream.remote}' takes no ledger; it has the landing, and not its proof [CG604]")
    if done.code == 0:
        return True
    fetch(repo, upstream.remote, say=say)
    there = repo.resolve(upstream.tracking)
    if there is not None and _has(repo, there, journal):
        # The answer was lost on its way, the push was not.
        return True
    if there is not None and there != journal.base and repo.git(*_ASK, there, journal.base, ok=(0, 1)).code:
        return False
    raise NotPushed(
        f"'{upstream.remote}' did not take the landing",
        detail=said_by_git(done.err) or f"git push ended with exit code {done.code}",
        hint=f"git push {upstream.remote} {journal.base[:12]}:{upstream.ref}    # whether it takes anything",
    )


_ASK = ("merge-base", "--is-ancestor")


def _push(repo: Repository, upstream: Upstream, *refspecs: str) -> Result:
    # A push that is no fast-forward is refused, and the landing was built on what was seen there: that is the
    # compare-and-swap. The pre-push hook runs: git-lfs sends its files by it.
    words = ("push", "--porcelain", "--atomic", "--no-follow-tags", "--recurse-submodules=no")
    folder = repo.worktree or repo.common_dir
    args = [*words, "--end-of-options", upstream.remote, *refspecs]
    return run(args, cwd=folder, ok=range(256), writes=True, timeout=None)


def _refuses_notes(done: Result) -> bool:
    """Whether the remote itself refused a ledger; what fell with it says `atomic`."""
    lines = [line.split("\t") for line in done.lines() if line.startswith("!\t")]
    refused = [(names, why) for _, names, why in (line for line in lines if len(line) == 3)]
    return any(LEDGER in names and "[remote rejected]" in why and "atomic" not in why for names, why in refused)


def _has(repo: Repository, tip: str, journal: Journal) -> bool:
    return repo.git(*_ASK, journal.tip, tip, ok=(0, 1, 128)).code == 0
