"""Where integration takes only pull requests: the result is pushed as a branch, and somebody else merges it."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.store.landing.journal import Journal
from conductor_git.store.landing.moving import Move
from conductor_git.store.landing.records import record_request
from conductor_git.store.notes.ledger import push_own
from conductor_git.store.plumbing.git import run, said_by_git


def request(move: Move, journal: Journal, branch: str) -> None:
    """Record what shall land, and push it as `branch` (short name) to the remote of integration's upstream.

    The claims travel with the ledger, so they outlive their branches. Raises CannotRun where there is no such remote,
    and where it takes nothing; then nothing is there that was not there before.
    """
    upstream = move.upstream
    if upstream is None:
        raise CannotRun(
            f"'{move.policy.integration}' has no upstream that could take a pull request",
            detail="nothing was pushed",
            hint=f"git branch --set-upstream-to=origin/{move.policy.integration} {move.policy.integration}",
        )
    ref = f"refs/heads/{branch}"
    # An older result of the same entries is replaced, and what somebody else put there is not.
    words = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", f"--force-with-lease={ref}")
    args = [*words, "--end-of-options", upstream.remote, f"{journal.tip}:{ref}"]
    done = run(args, cwd=move.repo.worktree or move.repo.common_dir, ok=range(256), writes=True, timeout=None)
    if done.code:
        raise CannotRun(
            f"'{upstream.remote}' did not take branch '{branch}'",
            detail=said_by_git(done.err) or "; ".join(line for line in done.lines() if line.startswith("!")),
            hint=f"git fetch {upstream.remote}",
        )
    record_request(move.repo, move.policy, journal, branch, now=move.now)
    pushed = push_own(move.repo, upstream.remote)
    if not pushed.complete:
        move.say(f"warning: {pushed}")
