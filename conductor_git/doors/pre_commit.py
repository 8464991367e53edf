"""pre-commit: refuses paths that are not this branch's to change."""

from __future__ import annotations

import sys

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.boundaries import Staged, judge_staged
from conductor_git.core.planning.executors import plan_at
from conductor_git.core.planning.globs import matches
from conductor_git.core.planning.plan import Plan
from conductor_git.core.say import say_error, say_findings
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.doors.landing import open_landing
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.guards import write_guards
from conductor_git.store.notes.writer import checked_out, whoami
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.team.proposed import merge_heads, proposed_parents

_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


def pre_commit(args: list[str]) -> int:
    """Judge the staged paths, and write down for the hook file what it needs to let the next commit pass by itself."""
    repo = discover()
    paths = _own_paths(repo)
    try:
        control = read_control(repo)
    except CannotRun as error:
        return _without_rules(repo, paths, error)
    write_guards(repo, control)
    branch, writer = checked_out(repo), whoami(repo, control.plans).name
    findings = judge_staged(Staged(paths, branch, writer, not proposed_parents(repo)), control.policy, control.plans)
    findings += _frozen(repo, control.plans, paths, writer)
    plan = plan_at(branch, control.plans)
    if findings and plan is not None:
        findings = _excused(repo, findings, plan.plan)
    findings += open_landing(repo, branch, control.policy)
    if merge_heads(repo) and branch is not None:
        findings += _concluded(repo, branch, writer)
    if findings:
        print(say_findings(findings, unchanged="nothing was committed"), file=sys.stderr)
    return 1 if refused(findings) else 0


def _frozen(repo: Repository, plans: tuple[Plan, ...], paths: tuple[str, ...], writer: str) -> list[Finding]:
    """What the index has otherwise of frozen paths than those parents which contain the claim that froze them."""
    patterns = [pattern for plan in plans for wave in plan.waves for pattern in wave.freezes]
    parents = proposed_parents(repo)
    # What a merge took over from one side differs from the other one all the same.
    if not patterns or (len(parents) < 2 and not any(matches(each, path) for each in patterns for path in paths)):
        return []
    from conductor_git.core.judgement.freezes import held_paths, judge_frozen
    from conductor_git.store.past.freezes import keep_of, with_freezes
    from conductor_git.store.plumbing.staged import staged_touches
    from conductor_git.store.snapshot import take

    snapshot = with_freezes(repo, take(repo, also=parents))
    bounds = snapshot.bounds
    if not bounds.freezes:
        return []
    touches = staged_touches(parents, dict.fromkeys(each for freeze in bounds.freezes for each in freeze.patterns))
    kept = keep_of(repo, held_paths(bounds.freezes, [touch.path for touch in touches]))
    snapshot = msgspec.structs.replace(snapshot, bounds=msgspec.structs.replace(bounds, kept=kept))
    return judge_frozen(touches, parents, None, snapshot, conductor=writer == CONDUCTOR)


def _excused(repo: Repository, findings: list[Finding], plan: str) -> list[Finding]:
    """The findings but for what the conductor waived; the ledger is read only where there are any."""
    from conductor_git.core.judgement.boundaries import excuse
    from conductor_git.core.judgement.waiving import Waivers
    from conductor_git.store.snapshot import take

    snapshot = take(repo)
    return excuse(findings, plan, Waivers(snapshot.ledger.decisions, snapshot.made))


def _concluded(repo: Repository, branch: str, writer: str) -> list[Finding]:
    """git runs no pre-merge-commit when a merge that stopped, or was refused, is concluded by `git commit`."""
    from conductor_git.core.judgement.boundaries import Merging
    from conductor_git.core.judgement.owners import judge_intake
    from conductor_git.store.plumbing.merges import product_of_merge
    from conductor_git.store.plumbing.staged import product_of
    from conductor_git.store.snapshot import take

    head, *sources = proposed_parents(repo)
    tree = Oid(run(["write-tree"], inherit=_INHERITED, writes=True).text())
    by_hand = len(sources) > 1 or product_of_merge(repo, head, sources[0]) != product_of(repo, tree).oid
    merging = Merging(branch, tuple(sources), writer, by_hand)
    return judge_intake(merging, head, take(repo, also=[head, *sources]))


def _without_rules(repo: Repository, paths: tuple[str, ...], error: CannotRun) -> int:
    """Where nobody can read the rules, only the control tree stays shut: the others' work goes on, and the conductor's
    commit that mends the rules must get through."""
    if any(path.startswith(".conductor/") for path in paths) and whoami(repo).name != CONDUCTOR:
        raise error
    detail = "; ".join(part for part in (error.detail, "the paths of this commit were not judged") if part)
    said = say_error(CannotRun(error.what, detail=detail, hint=error.hint))
    print(f"warning: {said.removeprefix('error: ')}", file=sys.stderr)
    return 0


def _own_paths(repo: Repository) -> tuple[str, ...]:
    """The paths that the index changes against every parent: what the other side of a merge brings is not ours."""
    parents = proposed_parents(repo) or (repo.hash("tree", b""),)
    changed = [
        set(run(["diff-index", "--cached", "--name-only", "--no-renames", "-z", parent], inherit=_INHERITED).fields())
        for parent in parents
    ]
    return tuple(sorted(set.intersection(*changed)))
