"""`conductor-git delegate`: give a plan to an agent, exclusively, with a branch, a worktree and a brief."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from conductor_git.commands.outcome import REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.authority import may_take_over
from conductor_git.core.events.delegation import refuse, render_delegation
from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.plans import unknown_plan
from conductor_git.core.reporting.brief import Brief, render_brief
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target, is_plan_id
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.control.joined import record_joined
from conductor_git.store.control.newplans import commit_new_plan
from conductor_git.store.control.templates import read_templates
from conductor_git.store.files.locks import hold
from conductor_git.store.hookfiles.guards import write_guards
from conductor_git.store.hookfiles.hooks import install_new
from conductor_git.store.notes.ledger_push import push_own
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.notes.writer import check_writer, whoami
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.remotes import Upstream, fetch, upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import as_joined, take
from conductor_git.store.team import unfinished
from conductor_git.store.team.briefs import brief_of, charge_of, digest_of
from conductor_git.store.team.handover import (
    Holding,
    Order,
    base_of,
    bring_branch,
    find_holding,
    hand_over,
    is_ours,
    record,
    relative_workspace,
    settle,
)

Say = Callable[[str], None]
Mode = Literal["new", "resume", "take-over"]


class Asked(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    what: str
    waves: tuple[str, ...] = ()
    to: str = ""
    branch: str = ""
    exec_command: str = ""
    resume: bool = False
    take_over: bool = False
    reason: str = ""

    @property
    def mode(self) -> Mode:
        """Begin, go on with the same agent, or go on with another."""
        return "take-over" if self.take_over else "resume" if self.resume else "new"


class _Scene(msgspec.Struct, frozen=True):
    """Everything that is known before the plan's lock is taken."""

    control: Control
    plan: Plan
    upstream: Upstream | None
    writer: str
    now: int


class _Handed(msgspec.Struct, frozen=True):
    """What the agent is given to read, and the digest of what it is charged with."""

    brief: Brief
    text: str
    charge: str


def delegate(
    repo: Repository,
    what: str,
    *,
    waves: Sequence[str] = (),
    to: str = "",
    branch: str = "",
    exec_command: str = "",
    resume: bool = False,
    take_over: bool = False,
    reason: str = "",
    say: Say,
    now: int | None = None,
) -> Outcome:
    """Delegate the plan `what`, or with `waves` a new plan of that title; the brief is the outcome's text.

    Raises CannotRun where nothing could be delegated; repeated, the command goes on where it stopped.
    """
    asked = Asked(what, tuple(waves), to, branch, exec_command, resume, take_over, reason)
    _check(asked)
    scene = _look_round(repo, asked, int(time.time()) if now is None else now, say)
    before = _holding(repo, scene)
    with hold(repo, f"delegate-{scene.plan.plan}", doing=f"delegate {scene.plan.plan}", wait=600):
        made = _carry_out(repo, asked, scene, before)
        if isinstance(made, Finding):
            return Outcome(REFUSED, data={"schema": 1, "plan": scene.plan.plan, "delegated": False}, findings=(made,))
        if scene.upstream is not None:
            say(str(push_own(repo, scene.upstream.remote)))
        doors = install_new(repo, scene.plan.ref)
        # From here on it is done; before an agent is started, which must not happen twice.
        unfinished.end(repo, scene.plan.plan)
    for line in doors.done:
        say(line)
    return msgspec.structs.replace(_report(repo, asked, made, say), findings=doors.findings)


def _check(asked: Asked) -> None:
    if asked.resume and asked.take_over:
        raise CannotRun("'--resume' keeps the agent and '--take-over' changes it: give one of them")
    if asked.take_over and not (asked.reason and asked.to):
        raise CannotRun(
            "a take-over goes on the record: it needs the new agent and a reason",
            hint=f"conductor-git delegate {asked.what} --take-over --to AGENT --reason 'why'",
        )
    if asked.waves and asked.mode != "new":
        raise CannotRun("'--wave' is for a new plan; a plan that is delegated has its waves in its file")
    if asked.to:
        check_writer(asked.to, "agent")


def _look_round(repo: Repository, asked: Asked, now: int, say: Say) -> _Scene:
    control = read_control(repo)
    check_identity(repo)
    upstream = upstream_of(repo, control.policy.integration)
    if upstream is not None:
        for new in ensure_refspecs(repo):
            say(f"'git fetch {new}' brings the ledger now")
        _fetch(repo, upstream, asked, say)
        control = read_control(repo)
    control = as_joined(repo, control, read_ledger(repo).events, read_refs(repo))
    plan = _plan(repo, asked, control, say)
    if plan not in control.plans:
        control = read_control(repo)
    if asked.branch and asked.branch != plan.branch:
        raise CannotRun(
            f"the branch of plan '{plan.plan}' is '{plan.branch}'",
            detail=f"'branch:' in '{plan.path}' names another one; nothing was changed",
            hint="conductor-git plan commit    # after the change",
        )
    return _Scene(control, plan, upstream, whoami(repo, control.plans).name, now)


def _fetch(repo: Repository, upstream: Upstream, asked: Asked, say: Say) -> None:
    try:
        fetch(repo, upstream.remote, say=say)
    except CannotRun as error:
        if asked.mode != "resume":
            raise
        # Whoever goes on with what is here takes nothing away from anybody.
        say(f"{error.what}; going on with what is here")


def _plan(repo: Repository, asked: Asked, control: Control, say: Say) -> Plan:
    if asked.waves:
        return commit_new_plan(repo, asked.what, asked.waves, agent=asked.to, branch=asked.branch, say=say)
    found = next((plan for plan in control.plans if plan.plan == asked.what), None)
    if found is not None:
        return found
    broken = next((broken for broken in control.broken if broken.plan == asked.what), None)
    if broken is not None:
        raise CannotRun(f"plan '{asked.what}' cannot be read: {broken.errors[0]}", hint="conductor-git plan check")
    if is_plan_id(asked.what):
        raise unknown_plan(asked.what, [plan.plan for plan in control.plans], then="conductor-git delegate")
    raise CannotRun(
        f"'{asked.what}' is no plan, and a new plan needs waves",
        hint=f"conductor-git delegate '{asked.what}' --wave 'First step'",
    )


def _holding(repo: Repository, scene: _Scene) -> Holding | None:
    return find_holding(repo, scene.plan, scene.upstream, policy=scene.control.policy, signers=scene.control.signers)


def _carry_out(repo: Repository, asked: Asked, scene: _Scene, before: Holding | None) -> _Handed | Finding:
    """Do it under the plan's lock; a finding where it is refused."""
    plan, holding = scene.plan, _holding(repo, scene)
    begun = unfinished.read_unfinished(repo, plan.plan)
    agent = asked.to or (holding.agent if holding and asked.resume else plan.agent)
    ours = is_ours(begun, agent, holding, take_over=asked.take_over)
    if not ours:
        _check_open(repo, scene)
    if asked.mode == "new" and holding is not None and not ours and (holding.has_branch or begun is None):
        return _refusal(scene, holding)
    if asked.mode != "new":
        if holding is None:
            raise CannotRun(f"plan '{plan.plan}' is not delegated", hint=f"conductor-git delegate {plan.plan}")
        wrong = _wrong_way_out(asked, scene, holding, before, agent, ours)
        if wrong is not None:
            return wrong
    check_writer(agent, f"agent of plan '{plan.plan}'")
    begins = asked.mode == "new" or (asked.mode == "resume" and ours)
    return _do(repo, asked, scene, holding, agent, begins=begins)


def _check_open(repo: Repository, scene: _Scene) -> None:
    """Raise CannotRun where nothing of the plan is left to do: handed on again, it would stand as begun anew."""
    plan = scene.plan.plan
    status = fold(take(repo), scene.now).plan(plan)
    if (
        status is not None
        and status.state == "merged"
        and all(w.state in ("complete", "retired") for w in status.waves)
    ):
        raise CannotRun(
            f"plan '{plan}' has landed, and every wave of it is complete",
            detail="nothing was changed; more work is a wave more in its plan, or a plan of its own",
            hint=f"conductor-git status {plan}",
        )


def _wrong_way_out(
    asked: Asked, scene: _Scene, holding: Holding, before: Holding | None, agent: str, ours: bool
) -> Finding | None:
    if asked.mode == "resume":
        return None if agent == holding.agent else _refusal(scene, holding)
    if ours:
        return None
    if not may_take_over(scene.writer, holding.delegator):
        return _powerless(scene, holding)
    # Whoever waited for the lock meant to take over from somebody who no longer has it.
    moved = before is None or before.event != holding.event
    return _refusal(scene, holding) if moved or agent == holding.agent else None


def _do(
    repo: Repository, asked: Asked, scene: _Scene, holding: Holding | None, agent: str, *, begins: bool
) -> _Handed | Finding:
    plan, upstream = scene.plan, scene.upstream
    made = _brief(repo, scene, "" if asked.mode == "resume" else agent)
    base = base_of(repo, scene.control.policy.integration, upstream)
    if begins:
        if not hand_over(repo, _order(repo, asked, scene, made, base, None), holding):
            return _lost(repo, scene)
    elif holding is not None:
        bring_branch(repo, plan, holding, base)
        if asked.mode == "take-over":
            record(repo, _order(repo, asked, scene, made, base, holding.event))
    _know_branch(repo, plan)
    settle(repo, plan, agent, remote=upstream.remote if upstream else None)
    return made


def _know_branch(repo: Repository, plan: Plan) -> None:
    """Have this clone guard the plan's branch also where its agent chose that one in another clone."""
    if all(known.branch != plan.branch for known in read_control(repo).plans):
        record_joined(repo, plan.plan, plan.branch)
        write_guards(repo, read_control(repo), anew=True)


def _order(repo: Repository, asked: Asked, scene: _Scene, made: _Handed, base: Oid, supersedes: Oid | None) -> Order:
    plan, control, agent = scene.plan, scene.control, made.brief.agent
    data = render_delegation(
        agent=agent,
        agent_kind=plan.agent_kind if agent == plan.agent else "",
        branch=plan.branch,
        workspace=relative_workspace(repo, plan),
        brief=digest_of(made.text),
        charge=made.charge,
        supersedes=supersedes,
        reason=asked.reason,
    )
    return Order(plan, agent, data, scene.writer, base, scene.now, control.policy, scene.upstream)


def _lost(repo: Repository, scene: _Scene) -> Finding:
    plan, upstream = scene.plan, scene.upstream
    unfinished.end(repo, plan.plan)
    if upstream is not None:
        fetch(repo, upstream.remote, f"+{plan.ref}:refs/remotes/{upstream.remote}/{plan.branch}", say=lambda _: None)
    holding = _holding(repo, scene)
    if holding is None:
        raise CannotRun(f"branch '{plan.branch}' was created and deleted meanwhile by somebody else")
    return _refusal(scene, holding)


def _refusal(scene: _Scene, holding: Holding) -> Finding:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(holding.since))
    return refuse(scene.plan.plan, holding.agent, since=since, age=scene.now - holding.since, by=holding.by)


def _powerless(scene: _Scene, holding: Holding) -> Finding:
    plan, first = scene.plan.plan, holding.delegator
    or_he = f" or '{first}', who delegated it" if first not in ("", CONDUCTOR) else ""
    text = f"plan {plan} is given to another agent by the conductor{or_he}, and this is '{scene.writer}'"
    return Finding("CG802", "error", plan, text, "conductor-git whoami", "nothing was changed")


def _brief(repo: Repository, scene: _Scene, agent: str) -> _Handed:
    """What the agent gets to read: made before anything is recorded, for what is recorded names it."""
    snapshot, about = take(repo), Target(scene.plan.plan)
    if agent:
        snapshot = _supposing(snapshot, scene, agent)
    made = brief_of(repo, snapshot, fold(snapshot, scene.now), about, now=scene.now, to=agent)
    text = render_brief(made, templates=read_templates(repo, snapshot.control))
    return _Handed(made, text, charge_of(snapshot, about))


def _supposing(snapshot: Snapshot, scene: _Scene, agent: str) -> Snapshot:
    """The snapshot as it will be: what an agent reads first is what it reads again when nothing has happened since."""
    data = render_delegation(agent=agent, agent_kind="", branch="", workspace="", brief="")
    clock = 1 + max((event.clock for event in snapshot.ledger.events), default=0)
    event = Event(Oid("0"), clock, CONDUCTOR, "delegation", scene.now, data, scene.plan.plan, None)
    ledger = msgspec.structs.replace(snapshot.ledger, events=(*snapshot.ledger.events, event))
    return msgspec.structs.replace(snapshot, ledger=ledger)


def _report(repo: Repository, asked: Asked, handed: _Handed, say: Say) -> Outcome:
    text, made = handed.text, handed.brief
    say(f"plan {made.plan} is {_DONE[asked.mode]} '{made.agent}' on branch '{made.branch}' in '{made.workspace}'")
    data = {
        "schema": 1,
        "plan": made.plan,
        "delegated": True,
        "agent": made.agent,
        "branch": made.branch,
        "workspace": made.workspace,
        "log": None,
        "pid": None,
    }
    if asked.exec_command:
        from conductor_git.store.team.agents import start_agent

        started = start_agent(
            repo, asked.exec_command, name=made.agent, worktree=made.workspace, brief=text, plan=made.plan
        )
        say(f"started process {started.pid}; its output goes to '{started.log}'")
        data |= {"log": started.log, "pid": started.pid}
    return Outcome(text=text, data=data)


_DONE: dict[Mode, str] = {"new": "delegated to", "resume": "resumed by", "take-over": "taken over by"}
