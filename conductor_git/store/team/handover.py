"""Handing a plan over, in steps that each can be repeated: event, start commit, push, worktree."""

from __future__ import annotations

import os
import shlex
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.delegation import holder
from conductor_git.core.events.event import Event
from conductor_git.core.events.signers import Signers
from conductor_git.core.messages.message import Start
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.recording import record as record_event
from conductor_git.store.notes.vouching import sifted
from conductor_git.store.notes.writer import WRITER_KEY
from conductor_git.store.past.starts import create_branch, delete_branch, find_start, make_start
from conductor_git.store.plumbing.config import set_in_worktree, set_shared
from conductor_git.store.plumbing.remotes import Upstream, push_new
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.unfinished import Unfinished, read_unfinished, write_unfinished
from conductor_git.store.team.workspaces import resolve_workspace
from conductor_git.store.team.worktrees import Place, add_worktree, list_worktrees, worktree_of


class Holding(msgspec.Struct, frozen=True):
    """Who has a plan, as its branch and the ledger say."""

    agent: str
    since: int
    """Seconds since the epoch."""
    by: str
    """The writer who delegated; empty where the ledger that says it is not here."""
    event: Oid | None
    delegator: str = ""
    """The writer of the delegation that the start commit names; empty where that is not here."""
    start: Oid | None = None
    """The event that the branch's start commit names."""
    first: Oid | None = None
    """The start commit."""
    tip: Oid | None = None
    """Of the local branch."""
    copy: Oid | None = None
    """Of the upstream's branch, as last seen."""

    @property
    def has_branch(self) -> bool:
        """Whether the start commit is known here, so that nobody else can begin."""
        return self.tip is not None or self.copy is not None


class Order(msgspec.Struct, frozen=True):
    """A delegation that is to be made. `data` is what its event says."""

    plan: Plan
    agent: str
    data: dict[str, Any]
    writer: str
    base: Oid
    now: int
    policy: Policy
    upstream: Upstream | None = None


def find_holding(
    repo: Repository, plan: Plan, upstream: Upstream | None, *, policy: Policy, signers: Signers
) -> Holding | None:
    """Who has the plan; None where nobody has. Raises CannotRun where its branch exists and is not the plan's."""
    tip = repo.resolve(plan.ref)
    copy = repo.resolve(f"refs/remotes/{upstream.remote}/{plan.branch}") if upstream else None
    newest = tip or copy
    begun = find_start(repo, newest, plan.plan, since=policy.since) if newest else None
    if newest and (begun is None or begun.plan != plan.plan):
        whose = f"plan {begun.plan}'s" if begun else "no plan's: it has no start commit"
        raise CannotRun(
            f"branch '{plan.branch}' exists and is {whose}",
            detail=f"nothing was changed; 'branch:' in '{plan.path}' can name another one",
        )
    event = begun.event if begun else None
    events = sifted(repo, read_ledger(repo), policy, signers).events
    said = holder(events, plan.plan, event)
    if said is not None:
        first = next((each.writer for each in events if each.id == event), "")
        known = Holding(said.agent, said.since, said.by, said.event, first)
    elif begun is not None:
        known = Holding(begun.agent, begun.time, "", event)
    else:
        return None
    return msgspec.structs.replace(known, start=event, first=begun.oid if begun else None, tip=tip, copy=copy)


def is_ours(begun: Unfinished | None, agent: str, holding: Holding | None, *, take_over: bool = False) -> bool:
    """Whether what was begun here for this agent, and not ended, may be gone on with."""
    if begun is None or begun.agent != agent:
        return False
    if holding is None or not holding.has_branch:
        return True
    return (begun.event == holding.start) != take_over


def hand_over(repo: Repository, order: Order, holding: Holding | None) -> bool:
    """Begin a delegation, or go on with one that `is_ours`; False where somebody else was first meanwhile.

    Raises CannotRun when the upstream cannot be reached: nothing is delegated then, and the same call goes on from
    there.
    """
    event = record(repo, order)
    if holding is not None and holding.first is not None:
        first = holding.first
    else:
        first = make_start(repo, Start(order.plan.plan, order.agent), event, order.base)
        if not create_branch(repo, order.plan.branch, first, why="conductor: start"):
            return False
    if _published(repo, order, holding.copy if holding else None, first):
        return True
    # Only while it is nothing but our start commit: git compares the value.
    delete_branch(repo, order.plan.branch, first)
    return False


def record(repo: Repository, order: Order) -> Oid:
    """The delegation's event, recorded once however often this was killed and repeated."""
    begun = read_unfinished(repo, order.plan.plan)
    again = begun is not None and begun.agent == order.agent
    if begun is not None and again and begun.event is not None:
        return begun.event
    write_unfinished(repo, Unfinished(order.plan.plan, order.agent))
    event = (_said_before(repo, order) if again else None) or record_event(
        repo,
        order.policy,
        writer=order.writer,
        kind="delegation",
        data=order.data,
        target=Target(order.plan.plan),
        now=order.now,
    )
    write_unfinished(repo, Unfinished(order.plan.plan, order.agent, event.id))
    return event.id


def bring_branch(repo: Repository, plan: Plan, holding: Holding, base: Oid) -> None:
    """Have the plan's branch here: as it is, else from the upstream, else begun anew where it was deleted."""
    if holding.tip is not None:
        return
    tip = holding.copy or make_start(repo, Start(plan.plan, holding.agent), holding.event or repo.zero, base)
    create_branch(repo, plan.branch, tip, why="conductor: resume")


def settle(repo: Repository, plan: Plan, agent: str, *, remote: str | None) -> Place:
    """Have the plan's worktree stand, locked and named for the agent, and the branch configured."""
    reason = f"conductor-git: plan {plan.plan} is delegated to {agent}"
    there = worktree_of(repo, plan.ref)
    if there is not None and there.path == list_worktrees(repo)[0].path:
        raise CannotRun(
            f"branch '{plan.branch}' is checked out in the main worktree '{there.path}'",
            detail="an agent works in a worktree of its own",
            hint=f"git -C {there.path} switch -",
        )
    # Not where the event says: that may be beside another clone.
    path = there.path if there else resolve_workspace(repo, plan.workspace, plan.branch)
    place = add_worktree(repo, path, plan.branch, reason=reason, doing=f"delegate {plan.plan}")
    set_in_worktree(repo, path, WRITER_KEY, agent)
    # No branch.*.mergeOptions=--no-ff: it made a merge of each plain `git pull`. Until the plan has landed, the start
    # commit keeps any other branch from being a fast-forward; from then on, one to integration does no harm.
    if remote is not None and repo.config(f"branch.{plan.branch}.remote") is None:
        # The branch's own copy, so that a plain `git push` there pushes it, and nothing else.
        set_shared(repo, f"branch.{plan.branch}.remote", remote)
        set_shared(repo, f"branch.{plan.branch}.merge", plan.ref)
    return place


def relative_workspace(repo: Repository, plan: Plan) -> str:
    """Where the plan's worktree is or will be, relative as in plan files."""
    there = worktree_of(repo, plan.ref)
    path = there.path if there else resolve_workspace(repo, plan.workspace, plan.branch)
    # Events are JSON, and a folder's name may have bytes that are no text.
    return os.path.relpath(path, os.path.realpath(repo.root)).encode("utf-8", "backslashreplace").decode("utf-8")


def base_of(repo: Repository, integration: str, upstream: Upstream | None) -> Oid:
    """The newest tip of integration: the local one or the upstream's, whichever contains the other."""
    local = repo.resolve(f"refs/heads/{integration}")
    copy = repo.resolve(upstream.tracking) if upstream else None
    if local is None or copy is None:
        if local or copy:
            return Oid(local or copy or "")
        raise CannotRun(f"branch '{integration}' has no commit yet", hint="git commit --allow-empty -m 'Begin'")
    theirs = upstream.tracking.removeprefix("refs/remotes/") if upstream else ""
    for older, newer in ((copy, local), (local, copy)):
        if repo.git("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).code == 0:
            return newer
    raise CannotRun(
        f"'{integration}' here and on '{upstream.remote if upstream else ''}' have each what the other lacks",
        detail="nothing was delegated",
        hint=f"git switch {shlex.quote(integration)} && git merge {shlex.quote(theirs)}",
    )


def _said_before(repo: Repository, order: Order) -> Event | None:
    # Killed between the event and the note of it: the last word about this plan is then already what we would say.
    about = Target(order.plan.plan)
    said = [found for found in read_ledger(repo).events if found.kind == "delegation" and found.target == about]
    return said[-1] if said and (said[-1].writer, said[-1].data) == (order.writer, order.data) else None


def _published(repo: Repository, order: Order, copy: Oid | None, first: Oid) -> bool:
    if order.upstream is None:
        return True
    if copy is not None:
        return repo.git("merge-base", "--is-ancestor", first, copy, ok=(0, 1)).code == 0
    return push_new(repo, order.upstream.remote, order.plan.ref, first) == "pushed"
