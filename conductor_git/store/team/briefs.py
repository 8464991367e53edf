"""Gathering a brief: plan, rules and board of one moment, with paths of this machine."""

from __future__ import annotations

import hashlib

from conductor_git.core.events.delegation import read_part
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import Scripts, rules_of
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.brief import NO_SHARE, Brief, Place, Rules, Share, make_brief, render_brief
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Target
from conductor_git.store.notes.writer import checked_out, executor_here
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.workspaces import resolve_workspace
from conductor_git.store.team.worktrees import worktree_of


def brief_of(repo: Repository, snapshot: Snapshot, board: Board, target: Target, share: Share = NO_SHARE) -> Brief:
    """The brief of a plan, or of one wave of it, as things stand. The plan and the wave must be declared."""
    plan = next(plan for plan in snapshot.plans if plan.plan == target.plan)
    status = board.plan(plan.plan)
    there = worktree_of(repo, plan.ref)
    path = there.path if there else resolve_workspace(repo, plan.workspace, plan.branch)
    agent = status.agent if status else plan.agent
    place = Place(agent, plan.agent_kind if agent == plan.agent else "", plan.branch, path)
    about = {target, target.of_plan} if target.wave is not None else set(plan.targets())
    said = [
        event
        for event in snapshot.ledger.events
        if event.kind == "guidance" and event.writer == CONDUCTOR and event.target in about
    ]
    return make_brief(
        plan,
        place,
        snapshot.policy,
        snapshot.plans,
        rules_for(snapshot.policy, plan, snapshot.scripts),
        status=status,
        guidance=tuple(f"{event.target}: {event.data.get('message', '')}" for event in said),
        wave=target.wave,
        share=share,
    )


def share_here(repo: Repository, snapshot: Snapshot, target: Target, tasks: tuple[str, ...] = ()) -> Share:
    """What is given to whom in this worktree of that wave: by the ledger, where no tasks are named."""
    branch, part = checked_out(repo), executor_here(repo, snapshot.plans)
    if branch is None or part is None or part.target != target:
        return Share(tasks=tasks)
    said = [read for event in snapshot.ledger.events if (read := read_part(event)) and read.branch == branch]
    return Share(part.name, branch, repo.worktree or "", tasks or (said[-1].tasks if said else ()))


def rules_for(policy: Policy, plan: Plan, scripts: Scripts) -> Rules:
    """What judges the plan and each of its waves."""
    return {target: rules_of(policy, plan, target, scripts) for target in plan.targets()}


def digest_of(text: str) -> str:
    """`sha256:<hex>` of a text and its final newline, as a terminal or a file gets it."""
    return "sha256:" + hashlib.sha256(f"{text}\n".encode("utf-8", "surrogateescape")).hexdigest()


def charge_digest(policy: Policy, plans: tuple[Plan, ...], plan: Plan, place: Place, scripts: Scripts) -> str:
    """`sha256:<hex>` of what is handed over: the brief without anything that changes while the plan runs."""
    brief = render_brief(make_brief(plan, place, policy, plans, rules_for(policy, plan, scripts)))
    return "sha256:" + hashlib.sha256(brief.encode("utf-8", "surrogateescape")).hexdigest()
