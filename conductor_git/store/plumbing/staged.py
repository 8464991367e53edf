"""What `git commit` would commit now, and what it would leave out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.snapshot import Touch
from conductor_git.core.targets import Oid
from conductor_git.core.tree import CONTROL_FOLDER, strip_control
from conductor_git.store.plumbing.git import GitFailed, run
from conductor_git.store.plumbing.loose import read_object
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository

_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
"""Under these git sees what an outer git is about to commit."""
_CONTROL = f"{CONTROL_FOLDER.decode('ascii')}/"


class Product(msgspec.Struct, frozen=True):
    """A product tree: its oid, its object, and the tree of a commit that it is a part of."""

    oid: Oid
    raw: bytes
    whole: Oid


class Beside(msgspec.Struct, frozen=True):
    """Paths of a worktree that its next commit would not have as they are; without the control folder's."""

    unstaged: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()


def index_tree(repo: Repository) -> Oid:
    """The tree of the commit that `git commit` would make in this worktree.

    Written from a copy of the index: git keeps what it computes in the index it is given, under index.lock, and an
    agent may be working. Raises CannotRun on a conflict that is not resolved, and without a worktree.
    """
    if repo.worktree is None:
        raise CannotRun(
            "there is no worktree here whose index could be validated",
            hint="conductor-git validate PLAN.WAVE --commit COMMIT",
        )
    folder = tempfile.mkdtemp(prefix="conductor-git-index-")
    try:
        copy = os.path.join(folder, "index")
        with suppress(FileNotFoundError):
            shutil.copy2(os.path.join(repo.git_dir, "index"), copy)
        return Oid(repo.in_worktree("write-tree", env={"GIT_INDEX_FILE": copy}, writes=True).text())
    except GitFailed as error:
        raise CannotRun(
            "the index cannot be committed as it is",
            hint="git status",
            detail=f"{error.said.splitlines()[0] if error.said else 'git write-tree failed'}; nothing was run",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def staged_touches(parents: Iterable[Oid], patterns: Iterable[str]) -> list[Touch]:
    """What the index of the outer git has otherwise within these patterns than each of the parents."""
    specs = [f":(top,glob){pattern}" for pattern in patterns]
    found: dict[str, tuple[str, list[Oid]]] = {}
    args = ("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=none")
    for parent in parents:
        fields = iter(run([*args, parent, "--", *specs], inherit=_INHERITED).fields())
        for entry in fields:
            blob = entry.split(" ")[3]
            there = blob if blob.strip("0") else ""
            found.setdefault(next(fields), (there, []))[1].append(parent)
    return [Touch(path, blob, tuple(differs)) for path, (blob, differs) in found.items()]


def product_of(repo: Repository, tree: Oid) -> Product:
    """The product of a tree. Raises CannotRun when the tree is not here."""
    body = read_object(repo, "tree", tree)
    if body is None:
        body = next((found.body for found in read_objects(repo, [tree]) if found.kind == "tree"), None)
    if body is None:
        raise CannotRun(f"tree '{tree[:7]}' is not in this repository", detail="nothing was run")
    raw = strip_control(body, repo.object_format)
    return Product(repo.hash("tree", raw), raw, tree)


def beside_index(repo: Repository) -> Beside:
    """What is in the worktree and not in the index."""
    # --no-renames: one path a record. The monitor's word is not asked for, it could lie.
    fields = repo.in_worktree(
        *("-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
    ).fields()
    told = [(field[:2], field[3:]) for field in fields if field and not field[3:].startswith(_CONTROL)]
    return Beside(
        tuple(path for state, path in told if state != "??" and state[1] != " "),
        tuple(path for state, path in told if state == "??"),
    )
