"""Which branch is the integration branch where nobody has said so yet, and whether a policy is there."""

from __future__ import annotations

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository

_ORIGIN = "refs/remotes/origin/"
_USUAL = ("main", "master", "trunk")


class Mainline(msgspec.Struct, frozen=True):
    """The integration branch as it was found."""

    branch: str
    why: str
    tip: Oid | None
    """Of the local branch, else of origin's; None while it is unborn."""
    local: bool
    """Whether it is a local branch; an unborn one that HEAD names is."""


def find_mainline(repo: Repository, named: str = "") -> Mainline:
    """`named`, else what origin's HEAD names, the only branch, the usual one, the current one; an unborn HEAD's.

    Raises CannotRun where HEAD is detached and nothing else tells, or where there is no such branch.
    """
    current = (repo.head_ref() or "").removeprefix(HEADS)
    heads, remote = _branches(repo)
    if named and (heads or remote or named != current):
        return _named(repo, named, heads)
    if not heads and not remote:
        if not current:
            raise CannotRun("there is no branch here yet", hint="git switch --orphan main")
        return Mainline(current, "about to be born", None, local=True)
    branch, why = _chosen(repo, current, heads, remote)
    tip = heads.get(branch) or repo.resolve(f"{_ORIGIN}{branch}")
    return Mainline(branch, why, tip, local=branch in heads)


def _named(repo: Repository, branch: str, heads: dict[str, Oid]) -> Mainline:
    tip = heads.get(branch) or repo.resolve(f"{_ORIGIN}{branch}")
    if tip is None:
        hint = "git branch --list    # names those that are here"
        raise CannotRun(f"there is no branch '{branch}'", detail="nothing was changed", hint=hint)
    return Mainline(branch, "as you say", tip, local=branch in heads)


def branch_with_policy(repo: Repository, branches: list[str]) -> str | None:
    """The first of these branches that has a policy, here or on origin."""
    names = [f"{prefix}{branch}:{POLICY_PATH}" for branch in branches for prefix in (HEADS, _ORIGIN)]
    found = {read.name for read in read_objects(repo, names)}
    return next((branches[place // 2] for place, name in enumerate(names) if name in found), None)


def _branches(repo: Repository) -> tuple[dict[str, Oid], str]:
    """Local branches, and the short name of what origin/HEAD points to."""
    heads, remote = {}, ""
    form = "--format=%(objectname) %(refname) %(symref)"
    for line in repo.git("for-each-ref", form, HEADS, f"{_ORIGIN}HEAD").lines():
        oid, ref, symref = line.split(" ", 2)
        if ref.startswith(HEADS):
            heads[ref.removeprefix(HEADS)] = Oid(oid)
        else:
            remote = symref.removeprefix(_ORIGIN)
    return heads, remote


def _chosen(repo: Repository, current: str, heads: dict[str, Oid], remote: str) -> tuple[str, str]:
    # Before the only branch: a clone of one feature branch would else make that the integration branch.
    if remote:
        return remote, "origin's HEAD"
    if len(heads) == 1:
        return next(iter(heads)), "the only branch"
    configured = repo.config("init.defaultBranch")
    for name in (configured, *_USUAL):
        if name in heads:
            return str(name), "init.defaultBranch" if name == configured else "by its name"
    if not current:
        raise CannotRun(
            "HEAD is detached, and no branch is called main or master",
            detail="nothing was changed",
            hint="git branch --list    # then git switch to the one that work is merged into",
        )
    return current, "checked out"
