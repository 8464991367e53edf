"""The user's cache folder, where rooms and runs live: outside of the git directory and of every worktree."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import list_worktrees

VARIABLE = "CONDUCTOR_CACHE"
_NAME = "conductor-git"


def cache_root(repo: Repository, roots: Iterable[str] | None = None) -> str:
    """The first folder that can be used: CONDUCTOR_CACHE alone where it is set, else the user's cache, else TMPDIR.

    `roots` are the `worktree_roots`, where the caller has asked for them. Raises CannotRun when none can: jest and
    black find nothing under `.git`, and a folder inside a worktree is picked up by the tools of that worktree.
    """
    roots = worktree_roots(repo) if roots is None else roots
    taken = _identities([repo.common_dir, repo.git_dir, *roots])
    refused = []
    for folder in _candidates():
        why = _unusable(folder, taken, given=bool(os.environ.get(VARIABLE)))
        if not why:
            return os.path.realpath(folder)
        refused.append(f"'{folder}' {why}")
    raise CannotRun(
        f"there is no place for a clean checkout: {refused[0]}",
        detail="; ".join([*refused[1:], "nothing was run"]),
        hint=f'export {VARIABLE}="$(mktemp -d)"    # or any folder outside of the repository that you can write',
    )


def worktree_roots(repo: Repository) -> tuple[str, ...]:
    """The root of every worktree that git knows, the main one first where there is one."""
    found = dict.fromkeys(entry.path for entry in list_worktrees(repo) if not entry.bare)
    if repo.worktree is not None:
        found[repo.worktree] = None
    return tuple(found)


def is_inside(path: str, folders: Iterable[str]) -> bool:
    """Whether the path is one of the folders or below one, by identity: names of one folder can differ in case."""
    taken = _identities(folders)
    return any(identity in taken for identity in _ancestry(os.path.realpath(path)))


def remove(folder: str) -> None:
    """Remove a folder and all below it, read-only folders too; what cannot be removed is left for the next sweep."""
    for _ in range(3):
        # Once is not enough where a dying process still writes.
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        _open_up(folder)


def _open_up(folder: str) -> None:
    with suppress(OSError):
        os.chmod(folder, stat.S_IRWXU)
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                with suppress(OSError):
                    os.chmod(path, stat.S_IRWXU)


def _candidates() -> Iterator[str]:
    given = os.environ.get(VARIABLE)
    if given:
        yield os.path.abspath(given)
        return
    home = os.path.expanduser("~")
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):
        # The XDG base directory specification has relative values ignored.
        yield os.path.join(xdg, _NAME)
    elif sys.platform == "darwin":
        yield os.path.join(home, "Library", "Caches", _NAME)
    elif os.path.isabs(home):
        yield os.path.join(home, ".cache", _NAME)
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    yield os.path.join(tempfile.gettempdir(), f"{_NAME}-{user}")


def _unusable(folder: str, taken: dict[tuple[int, int], str], *, given: bool) -> str:
    for identity in _ancestry(os.path.realpath(folder)):
        if identity in taken:
            return f"is inside '{taken[identity]}'"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.stat(folder)
    except OSError as error:
        return f"cannot be made: {error.strerror}"
    if not given and hasattr(os, "getuid") and found.st_uid != os.getuid():
        # Whoever owns the folder could put another script under a run: anybody can make folders in /tmp.
        return "belongs to another user"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "cannot be written"


def _identities(folders: Iterable[str]) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    for folder in folders:
        try:
            seen = os.stat(folder)
        except OSError:
            continue
        found[seen.st_dev, seen.st_ino] = folder
    return found


def _ancestry(path: str) -> Iterator[tuple[int, int]]:
    while True:
        try:
            seen = os.stat(path)
        except OSError:
            pass
        else:
            yield seen.st_dev, seen.st_ino
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent
