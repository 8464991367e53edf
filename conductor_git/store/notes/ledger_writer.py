"""One ledger commit: written as objects, then made live by one compare-and-swap of the ref, then read back."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.notetree import folder_of, note_path, with_folder, with_note
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing import loose
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import LEDGER
from conductor_git.store.plumbing.repository import Repository

_DEAD_LOCK = 10.0
"""Seconds after which the lock of a ref that only we write is a dead process's: a live one has it for milliseconds."""

_MOVED = re.compile("but expected|reference already exists|File exists")


class Commit(msgspec.Struct, frozen=True):
    """What a ledger commit shall be. Notes are lines by the oid of their own blob."""

    ref: str
    subject: str
    notes: Mapping[Oid, bytes]
    parents: Sequence[Oid]
    """More commits that live and travel with the ledger."""
    time: int


class Prepared(msgspec.Struct, frozen=True):
    """A commit whose objects are written; nothing points to them yet."""

    oid: Oid
    tip: Oid | None
    """What its ref pointed to; None where it did not exist."""


def prepare(repo: Repository, commit: Commit) -> Prepared:
    """Write the objects of a commit on top of its ref. Raises CannotRun where one cannot be written."""
    try:
        _check_parents(repo, commit)
        tip = _tip(repo, commit.ref)
        return Prepared(_make(repo, commit, tip), tip)
    except (OSError, ValueError) as error:
        raise _not_written(commit.ref, getattr(error, "strerror", None) or str(error)) from error


def publish(repo: Repository, commit: Commit, made: Prepared) -> bool:
    """Move the ref and read back; False where it has moved or is locked. Raises CannotRun: nothing was recorded."""
    try:
        _move(repo, commit.ref, made)
    except GitFailed as error:
        # A git that was killed may have moved the ref before it died.
        if not _git_has(repo, commit):
            if _MOVED.search(error.said):
                _drop_dead_lock(repo, commit.ref)
                return False
            raise _not_written(commit.ref, error.said or f"git was killed by signal {-error.code}") from error
    if not (_disk_has(repo, commit, made.oid) or _git_has(repo, commit)):
        raise CannotRun(f"'{commit.ref}' does not hold what was just written to it", hint="git fsck")
    return True


def _tip(repo: Repository, ref: str) -> Oid | None:
    said = loose.read_ref(repo, ref) or repo.git("for-each-ref", "--format=%(objectname)", ref).text()
    return Oid(said) if said else None


def _make(repo: Repository, commit: Commit, tip: Oid | None) -> Oid:
    names = sorted({id[:2] for id in commit.notes})
    root, folders = _trees(repo, tip, names)
    for id, line in commit.notes.items():
        loose.write_object(repo, "blob", line)
        folders[id[:2]] = with_note(folders[id[:2]], id)
    for name in names:
        root = with_folder(root, name, loose.write_object(repo, "tree", folders[name]))
    parents = [tip or _beginning(repo, commit)] if tip or commit.parents else []
    parents += dict.fromkeys(commit.parents)
    return _write_commit(repo, commit, loose.write_object(repo, "tree", root), parents, commit.subject)


def _check_parents(repo: Repository, commit: Commit) -> None:
    # git would move the ref all the same, and the ledger would have a hole.
    packed = [parent for parent in commit.parents if loose.read_object(repo, "commit", parent) is None]
    there = {found.oid for found in read_objects(repo, packed) if found.kind == "commit"}
    missing = [parent for parent in packed if parent not in there]
    if missing:
        raise ValueError(f"there is no commit '{missing[0]}'")


def _beginning(repo: Repository, commit: Commit) -> Oid:
    # The first parent is always the ledger's own, so that a walk along first parents never leaves the ledger.
    return _write_commit(repo, commit, loose.write_object(repo, "tree", b""), [], "conductor: clock 0 known 0")


def _write_commit(repo: Repository, commit: Commit, tree: Oid, parents: Sequence[Oid], subject: str) -> Oid:
    writer, email = _identity(commit.ref)
    who = f"{writer} <{email}> {commit.time} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    return loose.write_object(repo, "commit", "\n".join([*lines, "", subject, ""]).encode("ascii"))


def _identity(ref: str) -> tuple[str, str]:
    """Whose name ledger commits bear: the writer's, so that no user's identity has to be configured."""
    name = ref.removeprefix(LEDGER)
    return name.partition(".")[0], f"{name}@conductor-git"


def _trees(repo: Repository, tip: Oid | None, names: Sequence[str]) -> tuple[bytes, dict[str, bytes]]:
    """The raw root tree of a tip, and of its folders of these names; empty where there is none."""
    if tip is None:
        return b"", dict.fromkeys(names, b"")
    found = _loose_trees(repo, tip, names)
    if found is None:
        # Packed, after a gc or a fetch.
        top = f"{tip}^{{tree}}"
        asked = [top, *(f"{tip}:{name}" for name in names)]
        bodies = {read.name: read.body for read in read_objects(repo, asked) if read.kind == "tree"}
        if top not in bodies:
            raise ValueError(f"'{tip}' is no ledger")
        found = bodies[top], {name: bodies.get(f"{tip}:{name}", b"") for name in names}
    return found


def _loose_trees(repo: Repository, tip: Oid, names: Sequence[str]) -> tuple[bytes, dict[str, bytes]] | None:
    top = loose.read_tree_of(repo, tip)
    root = None if top is None else loose.read_object(repo, "tree", top)
    if root is None:
        return None
    folders = {}
    for name in names:
        tree = folder_of(root, name, len(tip) // 2)
        body = b"" if tree is None else loose.read_object(repo, "tree", tree)
        if body is None:
            return None
        folders[name] = body
    return root, folders


def _move(repo: Repository, ref: str, made: Prepared) -> None:
    writer, email = _identity(ref)
    repo.git(
        # No hook is asked: our own reference-transaction hook would start Python to judge what was just judged here.
        *("-c", f"core.hooksPath={os.devnull}", "update-ref", "--no-deref", "-m", "conductor-git: append"),
        *(ref, made.oid, made.tip or repo.zero),
        env={"GIT_COMMITTER_NAME": writer, "GIT_COMMITTER_EMAIL": email},
        writes=True,
        timeout=120,
    )


def _disk_has(repo: Repository, commit: Commit, made: Oid) -> bool:
    """Whether ref and notes stand in git's files as loose ones; saves the process that asks git."""
    notes = commit.notes.items()
    return loose.read_ref(repo, commit.ref) == made and all(
        loose.read_object(repo, "blob", id) == line for id, line in notes
    )


def _git_has(repo: Repository, commit: Commit) -> bool:
    names = {f"{commit.ref}:{note_path(id)}": line for id, line in commit.notes.items()}
    return {found.name: found.body for found in read_objects(repo, names)} == names


def _drop_dead_lock(repo: Repository, ref: str) -> None:
    """Take away what a git that was killed while it moved the ref has left; nobody else ever would."""
    path = os.path.join(repo.common_dir, f"{ref}.lock")
    with suppress(OSError):
        if time.time() - os.stat(path).st_mtime > _DEAD_LOCK:
            os.unlink(path)


def _not_written(ref: str, why: str) -> CannotRun:
    why = why.splitlines()[0].removeprefix("fatal: ")
    return CannotRun(f"'{ref}' could not be written", detail=f"{why}; nothing was recorded")
