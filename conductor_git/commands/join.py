"""`join`: take a plan up in a clone that chose its own branch, as exclusively as `delegate` gives it away."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable

import msgspec

from conductor_git.commands.outcome import REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.delegation import refuse, render_delegation
from conductor_git.core.findings import Finding
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.plans import unknown_plan
from conductor_git.core.reporting.brief import render_brief
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Target
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.control.joined import on_own_branches, read_joined, record_joined
from conductor_git.store.control.templates import read_templates
from conductor_git.store.files.locks import hold
from conductor_git.store.hookfiles.guards import write_guards
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.notes.ledger_push import push_own
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.notes.writer import WRITER_KEY, check_writer, checked_out, given_name
from conductor_git.store.plumbing.config import set_in_worktree
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.remotes import Upstream, fetch, upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.reach import read_all
from conductor_git.store.snapshot import take
from conductor_git.store.team import unfinished
from conductor_git.store.team.briefs import brief_of, charge_of, digest_of
from conductor_git.store.team.handover import Holding, Order, find_holding, is_ours
from conductor_git.store.team.joining import Here, begin_here, find_here, share_branch

Say = Callable[[str], None]


class _Scene(msgspec.Struct, frozen=True):
    """What is known before the plan's lock is taken. `declared` is the branch that the plan's file names."""

    control: Control
    plan: Plan
    declared: str
    upstream: Upstream | None
    here: Here
    agent: str
    now: int

    @property
    def as_declared(self) -> Plan:
        """The plan as its file has it."""
        return msgspec.structs.replace(self.plan, branch=self.declared)


def join(repo: Repository, what: str, *, branch: str = "", resume: bool = False, say: Say) -> Outcome:
    """Join the plan `what` from the branch that is checked out; the brief is the outcome's text.

    Raises CannotRun where nothing could be joined; repeated, the command goes on where it stopped.
    """
    scene = _look_round(repo, what, branch, say)
    with hold(repo, f"delegate-{scene.plan.plan}", doing=f"join {scene.plan.plan}", wait=600):
        text = _brief(repo, scene, scene.agent)[0]
        agent = _take_up(repo, scene, resume)
        if isinstance(agent, Finding):
            return Outcome(REFUSED, data={"schema": 1, "plan": scene.plan.plan, "joined": False}, findings=(agent,))
        if agent != scene.agent:
            # The plan was taken over before, and this is its new agent.
            text = _brief(repo, scene, agent)[0]
        set_in_worktree(repo, repo.worktree or "", WRITER_KEY, agent)
        record_joined(repo, scene.plan.plan, scene.here.branch)
        control = read_control(repo)
        doors = install_doors(repo, control)
        write_guards(repo, control, anew=True)
        if scene.upstream is not None:
            say(str(push_own(repo, scene.upstream.remote)))
            share_branch(repo, scene.here, scene.upstream, say=say)
        unfinished.end(repo, scene.plan.plan)
    for line in doors.done:
        say(line)
    say(f"plan {scene.plan.plan} is joined by '{agent}' on branch '{scene.here.branch}'")
    data = {"schema": 1, "plan": scene.plan.plan, "joined": True, "agent": agent, "branch": scene.here.branch}
    return Outcome(text=text, data=data, findings=doors.findings)


def _look_round(repo: Repository, what: str, branch: str, say: Say) -> _Scene:
    here = _branch(repo, branch)
    check_identity(repo)
    control = _fetched(repo, say)
    policy = control.policy
    if here in (policy.integration, policy.control):
        raise CannotRun(
            f"'{here}' is no branch to work on: only the conductor moves it",
            detail="nothing was changed",
            hint=f"{_switch(repo, _declared(control, what))} && conductor-git join {shlex.quote(what)}",
        )
    plan = _plan(control, what)
    other = next((each for each in control.plans if each.branch == here and each.plan != plan.plan), None)
    if other is not None:
        raise CannotRun(
            f"'{here}' is the branch of plan '{other.plan}'",
            detail="nothing was changed",
            hint=f"conductor-git join {other.plan}",
        )
    found = find_here(repo, here, plan.plan, since=policy.since)
    upstream = upstream_of(repo, policy.integration)
    agent = check_writer(plan.agent, f"agent of plan '{plan.plan}'")
    return _Scene(control, plan, _declared(control, what), upstream, found, agent, int(time.time()))


def _branch(repo: Repository, asked: str) -> str:
    here = checked_out(repo)
    if repo.worktree is None:
        raise CannotRun("a plan is joined from its working tree, and there is none here", hint="git worktree list")
    if here is None:
        raise CannotRun(
            "HEAD is detached, and a plan's commits need a branch",
            detail="nothing was changed",
            hint=f"git switch -c {shlex.quote(asked or 'BRANCH')}",
        )
    if asked and asked != here:
        raise CannotRun(
            f"branch '{here}' is checked out here, not '{asked}'",
            detail="nothing was changed",
            hint=_switch(repo, asked),
        )
    return here


def _switch(repo: Repository, branch: str) -> str:
    """How to come to a branch: git makes one by itself that a remote has, and there the plan's work is."""
    there = repo.resolve(f"refs/heads/{branch}") is not None or read_refs(repo).copies(branch)
    return f"git switch {'' if there else '-c '}{shlex.quote(branch)}"


def _fetched(repo: Repository, say: Say) -> Control:
    remotes = repo.git("remote").lines()
    if not remotes:
        return read_control(repo)
    remote = "origin" if "origin" in remotes else remotes[0]
    for new in ensure_refspecs(repo):
        say(f"'git fetch {new}' brings the ledger now")
    fetch(repo, remote, say=say)
    return read_all(repo, remote, say=say)


def _plan(control: Control, what: str) -> Plan:
    found = next((plan for plan in control.plans if plan.plan == what), None)
    if found is not None:
        return found
    broken = next((broken for broken in control.broken if broken.plan == what), None)
    if broken is not None:
        raise CannotRun(f"plan '{what}' cannot be read: {broken.errors[0]}", hint="conductor-git plan check")
    raise unknown_plan(what, [plan.plan for plan in control.plans], then="conductor-git join")


def _declared(control: Control, what: str) -> str:
    """The branch that the plan's file names, whatever this clone has joined it with."""
    return next((control.declared.get(plan.plan, plan.branch) for plan in control.plans if plan.plan == what), what)


def _take_up(repo: Repository, scene: _Scene, resume: bool) -> str | Finding:
    """Have the plan, under its lock: the agent's name, or why not."""
    holding = _holding(repo, scene)
    begun = unfinished.read_unfinished(repo, scene.plan.plan)
    if holding is None or is_ours(begun, scene.agent, holding):
        return _begin(repo, scene, holding)
    if scene.here.event is not None and scene.here.event == holding.start:
        named = given_name(repo)
        if named is not None and named[0] != holding.agent:
            return _not_any_more(scene, holding, named[0])
        known = read_joined(repo).get(scene.plan.plan) == scene.here.branch
        return holding.agent if known or resume else _refusal(scene, holding)
    if resume:
        raise CannotRun(
            f"'{scene.here.branch}' lacks the start commit of plan '{scene.plan.plan}'",
            detail="nothing was changed",
            hint=f"git switch {shlex.quote(scene.plan.branch)} && conductor-git join {scene.plan.plan} --resume",
        )
    return _refusal(scene, holding)


def _begin(repo: Repository, scene: _Scene, holding: Holding | None) -> str | Finding:
    if holding is not None and holding.start is not None and scene.here.event == holding.start:
        # The start commit is ours already, and this command died afterwards.
        return scene.agent
    if begin_here(repo, _order(repo, scene), scene.here, scene.declared):
        return scene.agent
    unfinished.end(repo, scene.plan.plan)
    if scene.upstream is not None:
        copy = f"refs/remotes/{scene.upstream.remote}/{scene.declared}"
        fetch(repo, scene.upstream.remote, f"+refs/heads/{scene.declared}:{copy}", say=lambda _: None)
    winner = _holding(repo, scene)
    if winner is None:
        raise CannotRun(f"branch '{scene.declared}' was created and deleted meanwhile by somebody else")
    return _refusal(scene, winner)


def _holding(repo: Repository, scene: _Scene) -> Holding | None:
    policy, upstream, plan = scene.control.policy, scene.upstream, scene.as_declared
    if scene.declared == scene.here.branch and scene.here.event is None:
        copy = repo.resolve(f"refs/remotes/{upstream.remote}/{plan.branch}") if upstream else None
        if copy is None:
            # Only here, and without a start commit: that is what is about to be made.
            return None
    return find_holding(repo, plan, upstream, policy=policy, signers=scene.control.signers)


def _order(repo: Repository, scene: _Scene) -> Order:
    plan, control = msgspec.structs.replace(scene.plan, branch=scene.here.branch), scene.control
    text, charge = _brief(repo, scene, scene.agent)
    data = render_delegation(
        agent=scene.agent,
        agent_kind=plan.agent_kind,
        branch=plan.branch,
        workspace=".",
        brief=digest_of(text),
        charge=charge,
    )
    return Order(plan, scene.agent, data, scene.agent, scene.here.tip, scene.now, control.policy, scene.upstream)


def _brief(repo: Repository, scene: _Scene, agent: str) -> tuple[str, str]:
    """What the agent reads, and the digest of what it is charged with: made before the event that names them."""
    snapshot, about = take(repo), Target(scene.plan.plan)
    plans = on_own_branches(snapshot.plans, {scene.plan.plan: scene.here.branch})
    snapshot = msgspec.structs.replace(snapshot, plans=plans)
    made = brief_of(repo, snapshot, fold(snapshot, scene.now), about, now=scene.now, to=agent)
    return render_brief(made, templates=read_templates(repo, snapshot.control)), charge_of(snapshot, about)


def _refusal(scene: _Scene, holding: Holding) -> Finding:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(holding.since))
    said = refuse(scene.plan.plan, holding.agent, since=since, age=scene.now - holding.since, by=holding.by)
    hint = f"conductor-git join {scene.plan.plan} --resume    # only '{holding.agent}', on the branch that it began on"
    return msgspec.structs.replace(said, hint=hint)


def _not_any_more(scene: _Scene, holding: Holding, named: str) -> Finding:
    """Whoever had the plan comes back to its branch, and it was taken over meanwhile."""
    plan, agent = scene.plan.plan, holding.agent
    hint = f"conductor-git log-status {plan}    # this worktree is of '{named}'; '{agent}' joins in one of its own"
    return msgspec.structs.replace(_refusal(scene, holding), hint=hint)
