"""Handing a wave, or tasks of it, to an executor, in steps that each can be repeated: event, branch, worktree."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.delegation import Part, read_part
from conductor_git.core.messages.message import PartStart
from conductor_git.core.planning.executors import read_executor
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.recording import record as record_event
from conductor_git.store.notes.writer import WRITER_KEY
from conductor_git.store.past.starts import create_branch, make_part_start
from conductor_git.store.plumbing.config import set_in_worktree
from conductor_git.store.plumbing.refs import HEADS, Refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.unfinished import Unfinished, read_unfinished, write_unfinished
from conductor_git.store.team.workspaces import default_workspace
from conductor_git.store.team.worktrees import Place, add_worktree, worktree_of


class Handout(msgspec.Struct, frozen=True):
    """What is to be handed to whom. `data` is what its event says."""

    target: Target
    name: str
    branch: str
    data: dict[str, Any]
    writer: str
    tip: Oid
    """Of the plan's branch, where the executor's begins."""
    now: int
    policy: Policy

    @property
    def key(self) -> str:
        """Under which its being unfinished is noted."""
        return handout_key(self.target, self.name)


def handout_key(target: Target, name: str) -> str:
    """Under which an unfinished handing over is noted."""
    return f"{target.plan}-w{target.wave}-{name}"


def find_branch(refs: Refs, plans: tuple[Plan, ...], target: Target, name: str) -> str | None:
    """The branch (short name) on which this executor carries out this wave here; None where there is none."""
    for ref in refs.oids:
        if ref.startswith(HEADS):
            found = read_executor(ref.removeprefix(HEADS), plans)
            if found is not None and (found.target, found.name) == (target, name):
                return ref.removeprefix(HEADS)
    return None


def find_part(repo: Repository, target: Target, branch: str) -> Part | None:
    """What the ledger says was handed over on this branch, the newest word; None where it says nothing."""
    parts = (read_part(event) for event in read_ledger(repo).events)
    said = [part for part in parts if part is not None and (part.target, part.branch) == (target, branch)]
    return said[-1] if said else None


def hand_out(repo: Repository, handout: Handout) -> None:
    """Record the event once, and have the branch begin: both stand already where this was killed and is repeated.

    The caller holds the plan's lock, so that nobody else makes this branch meanwhile; git's own comparison says so too.
    """
    event = _record(repo, handout)
    ref = f"{HEADS}{handout.branch}"
    if repo.resolve(ref) is None:
        start = make_part_start(repo, PartStart(handout.target, handout.name), event, handout.tip)
        if not create_branch(repo, handout.branch, start, why="conductor: start"):
            raise CannotRun(f"branch '{handout.branch}' was made by somebody else meanwhile", hint="git branch --list")


def settle(repo: Repository, target: Target, name: str, branch: str) -> Place:
    """Have the executor's worktree stand, locked and named for it."""
    there = worktree_of(repo, f"{HEADS}{branch}")
    path = there.path if there else default_workspace(repo, branch)
    reason = f"conductor-git: wave {target} is carried out by {name}"
    place = add_worktree(repo, os.path.realpath(path), branch, reason=reason, doing=f"delegate {target}")
    set_in_worktree(repo, place.path, WRITER_KEY, name)
    return place


def _record(repo: Repository, handout: Handout) -> Oid:
    begun = read_unfinished(repo, handout.key)
    if begun is not None and begun.event is not None:
        return begun.event
    write_unfinished(repo, Unfinished(handout.key, handout.name))
    said = find_part(repo, handout.target, handout.branch) if begun is not None else None
    event = (
        said.event
        if said is not None
        else record_event(
            repo,
            handout.policy,
            writer=handout.writer,
            kind="delegation",
            data=handout.data,
            target=handout.target,
            now=handout.now,
        ).id
    )
    write_unfinished(repo, Unfinished(handout.key, handout.name, event))
    return event
