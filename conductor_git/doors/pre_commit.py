"""pre-commit: refuses paths that are not this branch's to change."""

from __future__ import annotations

import sys

from conductor_git.core.boundaries import Staged, judge_staged
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.core.say import say_error, say_findings
from conductor_git.core.steps import CONDUCTOR
from conductor_git.store.control import read_control
from conductor_git.store.git import run
from conductor_git.store.guards import write_guards
from conductor_git.store.proposed import branch_here, proposed_parents
from conductor_git.store.repository import Repository, discover
from conductor_git.store.writer import whoami

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
    if not paths:
        return 0
    staged = Staged(paths, branch_here(repo), whoami(repo, control.plans).name, not proposed_parents(repo))
    findings = judge_staged(staged, control.policy, control.plans)
    if findings:
        print(say_findings(findings, unchanged="nothing was committed"), file=sys.stderr)
    return 1 if refused(findings) else 0


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
