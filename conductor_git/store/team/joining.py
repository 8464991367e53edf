"""Taking a plan up from the branch that is checked out, step by step: event, start commit, push."""

from __future__ import annotations

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.messages.message import Start
from conductor_git.core.targets import Oid
from conductor_git.store.past.starts import create_branch, find_start, make_start
from conductor_git.store.plumbing.config import set_shared
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.refs import HEADS, REMOTES
from conductor_git.store.plumbing.remotes import Say, Upstream, push_new
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.sending import TAKEN, send
from conductor_git.store.team.handover import Order, record


class Here(msgspec.Struct, frozen=True):
    """The branch that is checked out (short name), its tip, and the delegation that the plan's start commit on it
    names."""

    branch: str
    tip: Oid
    event: Oid | None = None

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"{HEADS}{self.branch}"


def find_here(repo: Repository, branch: str, plan: str, *, since: str) -> Here:
    """The branch as it stands. Raises CannotRun where it has no commit yet."""
    tip = repo.resolve(f"{HEADS}{branch}")
    if tip is None:
        raise CannotRun(f"branch '{branch}' has no commit yet", hint="conductor-git brief    # in a clone with history")
    begun = find_start(repo, tip, plan, since=since)
    return Here(branch, tip, begun.event if begun is not None and begun.plan == plan else None)


def begin_here(repo: Repository, order: Order, here: Here, declared: str) -> bool:
    """Put the start commit on the branch and where only one can put it, on `declared` (short name); False where
    somebody else has, and then the branch is as it was.

    Raises CannotRun where the upstream cannot be reached; the same call goes on from there.
    """
    event = record(repo, order)
    first = here.tip if here.event == event else None
    if first is None:
        first = make_start(repo, Start(order.plan.plan, order.agent), event, here.tip)
        _move(repo, here.ref, first, here.tip)
    if order.upstream is not None:
        won = push_new(repo, order.upstream.remote, f"{HEADS}{declared}", first) == "pushed"
    else:
        won = declared == here.branch or create_branch(repo, declared, first, why="conductor: join")
    if not won and first != here.tip:
        _move(repo, here.ref, here.tip, first)
    return won


def share_branch(repo: Repository, here: Here, upstream: Upstream, *, say: Say) -> None:
    """Let the branch be on the remote, and a plain `git push` push it there; what is said against it is told."""
    if repo.config(f"branch.{here.branch}.remote") is None:
        set_shared(repo, f"branch.{here.branch}.remote", upstream.remote)
        set_shared(repo, f"branch.{here.branch}.merge", here.ref)
    if repo.resolve(f"{REMOTES}{upstream.remote}/{here.branch}") == repo.resolve(here.ref):
        return
    why = send(repo, upstream.remote, [here.ref], hooks=True, say=say, tick=lambda _: None)[here.ref]
    if why != TAKEN:
        say(f"'{here.branch}' is not on '{upstream.remote}' yet: {why}")


def _move(repo: Repository, ref: str, new: Oid, old: Oid) -> None:
    # An empty commit: index and working tree stay right, also where they have changes.
    try:
        repo.git("update-ref", "-m", "conductor: join", ref, new, old, writes=True)
    except GitFailed as error:
        raise CannotRun(f"'{ref}' could not be moved", detail=error.said) from error
