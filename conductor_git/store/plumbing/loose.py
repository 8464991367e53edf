"""git's own files, without starting git: loose refs and objects.

Reading is a short cut and never the last word: None says nothing, as the ref or object may be packed, in an alternate
or in a reftable; then git is asked.
"""

from __future__ import annotations

import os
import stat
import time
import zlib

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.repository import Repository

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FASTEST = 1
"""The compression that git uses for loose objects by itself (core.looseCompression)."""


def read_ref(repo: Repository, ref: str) -> Oid | None:
    """What a loose ref points to. Source of the format: gitrepository-layout, "refs"."""
    try:
        with open(os.path.join(repo.common_dir, ref), "rb") as file:
            said = file.read().decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # A symbolic ref names another one.
    return None if said.startswith("ref:") else Oid(said)


def read_object(repo: Repository, kind: str, oid: Oid) -> bytes | None:
    """The content of a loose object of that kind."""
    try:
        with open(_path(repo, oid), "rb") as file:
            head, _, body = zlib.decompress(file.read()).partition(b"\0")
    except (OSError, zlib.error):
        return None
    return body if head.startswith(kind.encode("ascii") + b" ") else None


def read_tree_of(repo: Repository, commit: Oid) -> Oid | None:
    """The tree of a loose commit. Source of the format: git-commit-tree; its first line is always the tree."""
    body = read_object(repo, "commit", commit)
    return None if body is None else Oid(body.partition(b"\n")[0].removeprefix(b"tree ").decode("ascii"))


def write_object(repo: Repository, kind: str, body: bytes) -> Oid:
    """Write an object as `git hash-object -w` does; it is there whole or not at all. Raises OSError.

    Source of the format: gitformat-loose. Nobody but a ref makes it live: `git gc` prunes what nothing points to.
    """
    oid = repo.hash(kind, body)
    path = _path(repo, oid)
    try:
        # One that is there already is made young, as git does, so that a gc of this moment does not prune it.
        os.utime(path)
    except OSError:
        _write(path, zlib.compress(b"%s %d\0" % (kind.encode("ascii"), len(body)) + body, _FASTEST))
    return oid


def _write(path: str, content: bytes) -> None:
    folder = os.path.dirname(path)
    # Access is taken from the objects folder, which git made as core.sharedRepository says.
    mode = os.stat(os.path.dirname(folder)).st_mode
    # The prefix by which git's gc knows what the dead have left.
    draft = f"{folder}/tmp_obj_{os.getpid()}_{time.monotonic_ns()}"  # noqa: S108
    try:
        fd = os.open(draft, _CREATE, mode & 0o444)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, mode & 0o7777)
        fd = os.open(draft, _CREATE, mode & 0o444)
    try:
        _fill(fd, content)
        if mode & stat.S_IWGRP:
            # A shared repository, whatever this user's umask takes away.
            os.chmod(draft, mode & 0o444)
        os.replace(draft, path)
    except OSError:
        os.unlink(draft)
        raise


def _fill(fd: int, content: bytes) -> None:
    try:
        while content:
            content = content[os.write(fd, content) :]
    finally:
        os.close(fd)


def _path(repo: Repository, oid: Oid) -> str:
    return os.path.join(repo.common_dir, "objects", oid[:2], oid[2:])
