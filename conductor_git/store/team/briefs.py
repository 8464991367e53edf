"""Gathering a brief: plan, rules and board of one moment, with paths of this machine."""

from __future__ import annotations

import hashlib

from conductor_git.core.events.delegation import read_part
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import Scripts, rules_of
from conductor_git.core.reporting.board import Board, PlanStatus
from conductor_git.core.reporting.brief import NO_SHARE, Brief, Place, Rules, Share, make_brief
from conductor_git.core.reporting.charge import charge_digest
from conductor_git.core.reporting.news import find_news
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Target
from conductor_git.store.notes.writer import checked_out, executor_here
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.workspaces import resolve_workspace
from conductor_git.store.team.worktrees import worktree_of


def brief_of(
    repo: Repository,
    snapshot: Snapshot,
    board: Board,
    target: Target,
    share: Share = NO_SHARE,
    *,
    now: int,
    to: str = "",
) -> Brief:
    """The brief of a plan, or of one wave of it, as things stand; `to` is the agent who is about to get the plan.

    The plan and the wave must be declared.
    """
    plan = next(plan for plan in snapshot.plans if plan.plan == target.plan)
    status = board.plan(plan.plan)
    there = worktree_of(repo, plan.ref)
    path = there.path if there else resolve_workspace(repo, plan.workspace, plan.branch)
    agent = to or (status.agent if status else plan.agent)
    place = Place(agent, plan.agent_kind if agent == plan.agent else "", plan.branch, path)
    about = {target, target.of_plan} if target.wave is not None else set(plan.targets())
    said = [
        event
        for event in snapshot.ledger.decisions
        if event.kind == "guidance" and event.writer == CONDUCTOR and event.target in about
    ]
    rules = rules_for(snapshot.policy, plan, snapshot.scripts)
    is_now = charge_digest(plan, rules, target.wave)
    was = "" if to or status is None else _charge(status, target, share)
    return make_brief(
        plan,
        place,
        snapshot.policy,
        snapshot.plans,
        rules,
        status=status,
        guidance=tuple(f"{event.target}: {event.data.get('message', '')}" for event in said),
        wave=target.wave,
        share=share,
        news=find_news(snapshot, plan, share.branch or plan.branch, was=was, is_now=is_now),
        now=now,
    )


def charge_of(snapshot: Snapshot, target: Target) -> str:
    """The digest of what the plan says now, of all of it or of one wave."""
    plan = next(plan for plan in snapshot.plans if plan.plan == target.plan)
    return charge_digest(plan, rules_for(snapshot.policy, plan, snapshot.scripts), target.wave)


def _charge(status: PlanStatus, target: Target, share: Share) -> str:
    """The digest of what was handed over to whoever reads this; empty where nobody wrote it down."""
    if target.wave is None:
        return status.charge
    mine = (each for wave in status.waves for each in wave.executors if each.branch == share.branch)
    return next((each.charge for each in mine), "")


def share_here(repo: Repository, snapshot: Snapshot, target: Target, tasks: tuple[str, ...] = ()) -> Share:
    """What is given to whom in this worktree of that wave: by the ledger, where no tasks are named."""
    branch, part = checked_out(repo), executor_here(repo, snapshot.plans)
    if branch is None or part is None or part.target != target:
        return Share(tasks=tasks)
    said = [read for event in snapshot.ledger.decisions if (read := read_part(event)) and read.branch == branch]
    return Share(part.name, branch, repo.worktree or "", tasks or (said[-1].tasks if said else ()))


def rules_for(policy: Policy, plan: Plan, scripts: Scripts) -> Rules:
    """What judges the plan and each of its waves."""
    return {target: rules_of(policy, plan, target, scripts) for target in plan.targets()}


def digest_of(text: str) -> str:
    """`sha256:<hex>` of a text and its final newline, as a terminal or a file gets it."""
    return "sha256:" + hashlib.sha256(f"{text}\n".encode("utf-8", "surrogateescape")).hexdigest()
