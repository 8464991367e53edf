"""Worktrees: where they are, and making one that is locked, complete and nobody else's."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.files.locks import hold
from conductor_git.store.plumbing.git import GitFailed, run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.workspaces import check_free, exclude

_LOCK = "worktrees"
_GRACE = 2.0
"""Seconds given to a git whose caller was killed; it goes on alone and ends what it began."""


class Worktree(msgspec.Struct, frozen=True):
    """One entry of `git worktree list`; the main one (or the bare repository) comes first."""

    path: str
    head: Oid | None = None
    branch: str | None = None
    """Full ref name; None when detached."""
    bare: bool = False
    locked: str | None = None
    """The reason, maybe empty; None when not locked."""
    prunable: bool = False


class Place(msgspec.Struct, frozen=True):
    """A worktree that stands, and what had to be done for it."""

    path: str
    did: Literal["added", "kept", "repaired"]


def parse_worktrees(fields: list[str]) -> tuple[Worktree, ...]:
    """Read the fields of `git worktree list --porcelain -z`: `label[ value]` each, an empty one ends an entry."""
    found, entry = [], dict[str, str]()
    for field in (*fields, ""):
        if field:
            label, _, value = field.partition(" ")
            entry[label] = value
        elif entry:
            found.append(_worktree(entry))
            entry = {}
    return tuple(found)


def list_worktrees(repo: Repository) -> tuple[Worktree, ...]:
    """Every worktree that is registered, also those whose folder is gone."""
    first, *linked = parse_worktrees(repo.git("worktree", "list", "--porcelain", "-z").fields())
    if not first.bare and _same(first.path, repo.common_dir):
        first = _told_from_inside(repo, first)
    return (first, *linked)


def worktree_of(repo: Repository, ref: str) -> Worktree | None:
    """The worktree that has this branch (full ref name) checked out."""
    return next((found for found in list_worktrees(repo) if found.branch == ref), None)


def add_worktree(repo: Repository, path: str, branch: str, *, reason: str, doing: str) -> Place:
    """Have the existing local branch (short name) checked out at `path`, locked with `reason`.

    What is already right is kept; a folder that was deleted and a checkout that was interrupted are made whole, and
    nothing that anybody else wrote is touched. Raises CannotRun where the place or the branch is taken.
    """
    with hold(repo, _LOCK, doing=doing):
        _forget_unborn(repo, path)
        at, elsewhere = _registered(repo, path, f"refs/heads/{branch}")
        if elsewhere is not None:
            raise CannotRun(f"branch '{branch}' is checked out in '{elsewhere.path}'", hint="git worktree list")
        if at is None:
            check_free(path)
            exclude(repo, path, [item.path for item in list_worktrees(repo) if not item.bare])
            # No --no-track: the branch exists, so git sets up no tracking (and refuses the option). The checkout is
            # a step of its own because an interrupted one can then be told and repeated.
            _git(repo, "worktree", "add", "--quiet", "--no-checkout", "--", path, branch)
        did = "added" if at is None else _mend(repo, path)
        _complete(path, _admin(repo, path))
        _lock(repo, path, reason)
        return Place(path, did)


def lock_worktree(repo: Repository, path: str, reason: str) -> None:
    """Lock a linked worktree, with a new reason where it is locked already; the main one cannot be."""
    with hold(repo, _LOCK, doing="lock a worktree"):
        _lock(repo, path, reason)


def remove_worktree(repo: Repository, path: str) -> None:
    """Unlock and remove a worktree. Raises CannotRun, and leaves it locked as it was, while it holds changes."""
    with hold(repo, _LOCK, doing="remove a worktree"):
        found = next((item for item in list_worktrees(repo) if _same(item.path, path)), None)
        if found is None:
            return
        if found.locked is not None:
            _git(repo, "worktree", "unlock", "--", path)
        try:
            _git(repo, "worktree", "remove", "--", path)
        except CannotRun:
            if found.locked is not None:
                _lock(repo, path, found.locked)
            raise


def prune_worktrees(repo: Repository) -> None:
    """Forget worktrees whose folders are gone and that are not locked."""
    with hold(repo, _LOCK, doing="prune worktrees"):
        _git(repo, "worktree", "prune")


def _told_from_inside(repo: Repository, first: Worktree) -> Worktree:
    """The first entry as it is, where git calls the git directory itself a worktree.

    From a linked worktree, git 2.39 does not read the bare repository's own configuration, which has `core.bare` under
    extensions.worktreeConfig. And where git directory and working tree lie apart (a submodule), it names the first.
    """
    asked = ["--git-dir", repo.common_dir, "rev-parse", "--is-bare-repository"]
    if run(asked, cwd=repo.common_dir).text() == "true":
        return Worktree(first.path, bare=True)
    if repo.worktree is not None and repo.git_dir == repo.common_dir:
        return msgspec.structs.replace(first, path=repo.worktree)
    return first


def _worktree(entry: dict[str, str]) -> Worktree:
    return Worktree(
        path=entry["worktree"],
        head=Oid(entry["HEAD"]) if entry.get("HEAD", "0").strip("0") else None,
        branch=entry.get("branch"),
        bare="bare" in entry,
        locked=entry.get("locked"),
        prunable="prunable" in entry,
    )


def _registered(repo: Repository, path: str, ref: str) -> tuple[Worktree | None, Worktree | None]:
    listed = list_worktrees(repo)
    at = next((found for found in listed if _same(found.path, path)), None)
    if at is not None and at.branch not in (ref, None):
        raise CannotRun(
            f"workspace '{path}' is the worktree of another branch, '{at.branch}'", hint="git worktree list"
        )
    elsewhere = next((found for found in listed if found.branch == ref and found is not at), None)
    return at, elsewhere


def _admin(repo: Repository, path: str) -> str | None:
    # `git worktree list` does not say which folder under worktrees/ an entry comes from.
    folder = os.path.join(repo.common_dir, "worktrees")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        admin = os.path.join(folder, name)
        link = _said(os.path.join(admin, "gitdir"))
        if link and _same(os.path.dirname(os.path.join(admin, link)), path):
            return admin
    return None


def _forget_unborn(repo: Repository, path: str) -> None:
    # A `worktree add` that was killed before it was done leaves git's own lock with this word.
    admin = _admin(repo, path)
    if admin is None:
        return
    ends = time.monotonic() + _GRACE
    while _said(os.path.join(admin, "locked")) == "initializing":
        if time.monotonic() > ends:
            shutil.rmtree(admin)
            with suppress(OSError):
                os.unlink(os.path.join(path, ".git"))
            return
        time.sleep(0.05)


def _mend(repo: Repository, path: str) -> Literal["kept", "repaired"]:
    admin = _admin(repo, path)
    link = os.path.join(path, ".git")
    if admin is None or os.path.lexists(link):
        return "kept"
    # The administrative folder outlives the deleted one and has the index, the reflog and any half-done merge:
    # giving it a folder again loses less than a new worktree would.
    empty = not os.path.isdir(path) or not os.listdir(path)
    os.makedirs(path, exist_ok=True)
    with open(link, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(f"gitdir: {admin}\n")
    if empty and os.path.exists(os.path.join(admin, "index")):
        run(["checkout-index", "--all", "--index", "--quiet"], cwd=path, writes=True, timeout=None)
    return "repaired"


def _complete(path: str, admin: str | None) -> None:
    if admin is None or os.path.exists(os.path.join(admin, "index")):
        return
    # git writes the index last: without one the checkout never ended, and nobody has worked here.
    lock = os.path.join(admin, "index.lock")
    ends = time.monotonic() + _GRACE
    while os.path.exists(lock):
        if time.monotonic() > ends:
            with suppress(FileNotFoundError):
                os.unlink(lock)
        time.sleep(0.05)
    if os.path.exists(os.path.join(admin, "index")):
        return
    try:
        run(["checkout", "--quiet", "--force"], cwd=path, writes=True, timeout=None)
    except GitFailed as error:
        raise CannotRun(f"workspace '{path}' could not be checked out", detail=error.said) from error


def _lock(repo: Repository, path: str, reason: str) -> None:
    found = next((item for item in list_worktrees(repo)[1:] if _same(item.path, path)), None)
    if found is None or found.locked == reason:
        return
    if found.locked is not None:
        _git(repo, "worktree", "unlock", "--", path)
    _git(repo, "worktree", "lock", "--reason", reason, "--", path)


def _git(repo: Repository, *args: str) -> None:
    try:
        repo.git(*args, writes=True, timeout=None)
    except GitFailed as error:
        raise CannotRun(f"git worktree {args[1]} failed", detail=error.said) from error


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _said(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().removesuffix("\n")
    except OSError:
        return ""
