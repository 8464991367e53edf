"""`delegate PLAN.WAVE`: give a wave, or tasks of it, to an executor, with a branch, a worktree and a brief."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import msgspec

from conductor_git.commands.outcome import REFUSED, Outcome
from conductor_git.core.durations import ago, utc
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import may_reopen
from conductor_git.core.events.delegation import Part, render_part
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.executors import executor_branch
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.values import agent_problem
from conductor_git.core.reporting.board import Board, PlanStatus
from conductor_git.core.reporting.brief import Share, render_brief
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid, Target
from conductor_git.store.control.templates import read_templates
from conductor_git.store.files.locks import hold
from conductor_git.store.hookfiles.hooks import install_new
from conductor_git.store.notes.ledger_push import push_own
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.refs import HEADS, read_refs
from conductor_git.store.plumbing.remotes import upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take
from conductor_git.store.team import unfinished
from conductor_git.store.team.briefs import brief_of, charge_of, digest_of
from conductor_git.store.team.handout import Handout, find_branch, find_part, hand_out, handout_key, settle
from conductor_git.store.team.subjects import find_target
from conductor_git.store.team.workspaces import default_workspace
from conductor_git.store.team.worktrees import worktree_of

Say = Callable[[str], None]


class _Scene(msgspec.Struct, frozen=True):
    """What is known before the plan's lock is taken."""

    snapshot: Snapshot
    board: Board
    plan: Plan
    status: PlanStatus
    target: Target
    name: str
    writer: str
    now: int


def delegate_wave(
    repo: Repository,
    what: str,
    *,
    to: str,
    tasks: Sequence[str] = (),
    exec_command: str = "",
    resume: bool = False,
    say: Say,
    now: int | None = None,
) -> Outcome:
    """Hand a wave to the executor `to`, or with `tasks` only those; the brief is the outcome's text.

    Raises CannotRun where nothing could be handed out; repeated, the command goes on where it stopped.
    """
    scene = _look_round(repo, what, to, int(time.time()) if now is None else now)
    if not may_reopen(scene.writer, scene.status.agent):
        return _refused(scene, _not_yours(scene))
    check_identity(repo)
    with hold(repo, f"delegate-{scene.plan.plan}", doing=f"delegate {scene.target}", wait=600):
        carried = _carry_out(repo, scene, tuple(tasks), resume=resume)
        if isinstance(carried, Finding):
            return _refused(scene, carried)
        share, text = carried
        doors = install_new(repo, f"{HEADS}{share.branch}")
        upstream = upstream_of(repo, scene.snapshot.policy.integration)
        if upstream is not None:
            say(str(push_own(repo, upstream.remote)))
        # From here on it is done; before an agent is started, which must not happen twice.
        unfinished.end(repo, handout_key(scene.target, to))
    for line in doors.done:
        say(line)
    how = "resumed by" if resume else "handed to"
    say(f"wave {scene.target} is {how} '{to}' on branch '{share.branch}' in '{share.workspace}'")
    outcome = Outcome(text=text, data=_data(scene, share, delegated=True), findings=doors.findings)
    return _started(repo, outcome, scene, share, exec_command, say) if exec_command else outcome


def _look_round(repo: Repository, what: str, to: str, now: int) -> _Scene:
    snapshot = take(repo)
    board = fold(snapshot, now)
    target = find_target(repo, snapshot, board, what)
    plan, status = snapshot.plan(target.plan), board.plan(target.plan)
    if plan is None or status is None or target.wave is None:
        raise CannotRun(f"'{what}' is no wave", hint="conductor-git plan list")
    _check_name(board, status, target, to)
    wave = next(known for known in status.waves if known.wave == target.wave)
    if wave.state == "complete":
        raise CannotRun(f"wave '{target}' is complete already", hint=f"conductor-git status {plan.plan}")
    return _Scene(snapshot, board, plan, status, target, to, whoami(repo, snapshot.plans).name, now)


def _check_name(board: Board, status: PlanStatus, target: Target, name: str) -> None:
    if not name:
        raise CannotRun(
            f"a wave is handed to somebody: '{target}' needs '--to NAME'",
            hint=f"conductor-git brief {target}    # to do it yourself",
        )
    problem = agent_problem(name)
    if problem:
        raise CannotRun(f"'{name}' cannot be an executor: {problem}", detail="nothing was changed")
    leads = next((other for other in board.plans if other.agent == name), None)
    if leads is not None:
        what = (
            "what it does itself needs no executor" if leads is status else "nobody could tell which of the two spoke"
        )
        raise CannotRun(f"'{name}' leads plan {leads.plan}: {what}", hint=f"conductor-git brief {target}")


def _carry_out(repo: Repository, scene: _Scene, tasks: tuple[str, ...], *, resume: bool) -> tuple[Share, str] | Finding:
    """Do it under the plan's lock; with the text of the brief, or a finding where it is refused."""
    target, name = scene.target, scene.name
    tip = repo.resolve(scene.plan.ref)
    if tip is None:
        raise CannotRun(
            f"plan '{scene.plan.plan}' has no branch here to begin from", hint=f"conductor-git delegate {target.plan}"
        )
    there = find_branch(read_refs(repo), scene.snapshot.plans, target, name)
    begun = unfinished.read_unfinished(repo, handout_key(target, name))
    if resume and there is None:
        raise CannotRun(
            f"nothing of '{target}' is handed to '{name}' here", hint=f"conductor-git delegate {target} --to {name}"
        )
    if there is not None and not resume and begun is None:
        return _taken(scene, find_part(repo, target, there), there)
    others = {plan.branch for plan in scene.snapshot.plans}
    branch = there or executor_branch(scene.status.agent, target, name, others)
    part = find_part(repo, target, branch)
    share = _share(repo, name, branch, tasks or (part.tasks if part else ()))
    made = brief_of(repo, scene.snapshot, scene.board, target, share, now=scene.now)
    text = render_brief(made, templates=read_templates(repo, scene.snapshot.control))
    if not resume:
        hand_out(repo, _handout(repo, scene, share, text, tip))
    settle(repo, target, name, branch)
    return share, text


def _share(repo: Repository, name: str, branch: str, tasks: tuple[str, ...]) -> Share:
    there = worktree_of(repo, f"{HEADS}{branch}")
    path = there.path if there else os.path.realpath(default_workspace(repo, branch))
    return Share(name, branch, path, tasks)


def _handout(repo: Repository, scene: _Scene, share: Share, text: str, tip: Oid) -> Handout:
    # Events are JSON, and a folder's name may have bytes that are no text.
    workspace = os.path.relpath(share.workspace, os.path.realpath(repo.root)).encode("utf-8", "backslashreplace")
    data = render_part(
        agent=share.name,
        branch=share.branch,
        workspace=workspace.decode("utf-8"),
        brief=digest_of(text),
        charge=charge_of(scene.snapshot, scene.target),
        tasks=share.tasks,
    )
    return Handout(scene.target, share.name, share.branch, data, scene.writer, tip, scene.now, scene.snapshot.policy)


def _taken(scene: _Scene, part: Part | None, branch: str) -> Finding:
    since = f" since {utc(part.since)} ({ago(scene.now - part.since)})" if part else ""
    text = f"'{scene.name}' has {'part of ' if part and part.tasks else ''}{scene.target} on '{branch}'{since}"
    hint = f"conductor-git delegate {scene.target} --to {scene.name} --resume    # '{scene.name}' goes on"
    return Finding("CG801", "error", str(scene.target), text, hint, "another name can be given another part")


def _not_yours(scene: _Scene) -> Finding:
    agent = scene.status.agent
    text = f"'{scene.writer}' cannot hand out {scene.target}: '{agent}', who has the plan, does, or the conductor"
    return Finding("CG802", "error", str(scene.target), text, f"conductor-git status {scene.plan.plan}")


def _refused(scene: _Scene, finding: Finding) -> Outcome:
    share = Share(scene.name)
    return Outcome(
        REFUSED, data=_data(scene, share, delegated=False), findings=(finding,), unchanged="nothing was changed"
    )


def _data(scene: _Scene, share: Share, *, delegated: bool) -> dict[str, object]:
    return {
        "schema": 1,
        "plan": scene.plan.plan,
        "wave": scene.target.wave,
        "delegated": delegated,
        "agent": share.name,
        "branch": share.branch,
        "workspace": share.workspace,
        "tasks": list(share.tasks),
        "log": None,
        "pid": None,
    }


def _started(repo: Repository, outcome: Outcome, scene: _Scene, share: Share, command: str, say: Say) -> Outcome:
    from conductor_git.store.team.agents import start_agent

    started = start_agent(
        repo, command, name=share.name, worktree=share.workspace, brief=outcome.text, plan=scene.plan.plan
    )
    say(f"started process {started.pid}; its output goes to '{started.log}'")
    data = _data(scene, share, delegated=True) | {"log": started.log, "pid": started.pid}
    return msgspec.structs.replace(outcome, data=data)
