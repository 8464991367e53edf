"""Rooms: clean checkouts that validations run in, outside of the repository and gone afterwards."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.policy import ValidationPolicy
from conductor_git.core.targets import Oid
from conductor_git.store.files.flock import Held, take, wait_for
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.validation.cache import cache_root, remove
from conductor_git.store.validation.checkout import Checkout
from conductor_git.store.validation.fill import Filled, fill
from conductor_git.store.validation.warm import Warm

UNUSED_FOR = 14 * 86_400
"""Seconds after which kept folders and the logs of runs are swept away."""


class Room:
    """A product tree in `work`, scripts beside it in `scripts`, an empty folder for `results`."""

    def __init__(self, folder: str, filled: Filled, warm: Warm) -> None:
        self.folder = folder
        self.work = os.path.join(folder, "work")
        self.scripts = os.path.join(folder, "scripts")
        self.results = os.path.join(folder, "results")
        self._filled = filled
        self._warm = warm

    @property
    def submodules(self) -> str:
        """`none`, `left` or `filled`, as the attestation has it."""
        return self._filled.submodules

    @property
    def lfs(self) -> str:
        """`none`, `left` or `filled`, as the attestation has it."""
        return self._filled.lfs

    @property
    def is_warm(self) -> bool:
        """Whether folders of an earlier room were moved in."""
        return bool(self._warm.moved_in)

    def changed(self) -> list[str]:
        """Tracked files that are not as they were checked out, sorted; those in filled submodules too."""
        return [prefix + path for prefix, checkout in self._filled.checkouts for path in checkout.changed(self.folder)]

    def put_back(self) -> None:
        """Keep what the policy keeps for the next room: for a run that ended by itself."""
        self._warm.put_back()


@contextmanager
def open_room(
    repo: Repository,
    tree: Oid,
    *,
    policy: ValidationPolicy,
    raw: bytes | None = None,
    scripts: Mapping[str, tuple[str, bytes]] | None = None,
    warm_key: str = "",
    landing: bool = False,
    roots: Iterable[str] | None = None,
) -> Iterator[Room]:
    """A room for the product tree, removed at the end of the `with` block.

    `raw` is the tree object, needed where the repository does not have it; `scripts` gives mode (git's octal text)
    and content by name; `warm_key` says whose kept folders to use, and a landing uses none; `roots` are the
    `worktree_roots`, where the caller has asked for them. Raises CannotRun where no room can be made or the tree points
    to what the policy refuses.
    """
    root = cache_root(repo, roots)
    with _folder(root) as folder:
        try:
            checkout = _checkout(repo, os.path.join(folder, "work"), tree, raw)
            filled = fill(checkout, policy, folder)
            os.mkdir(os.path.join(folder, "results"))
            _write_scripts(os.path.join(folder, "scripts"), scripts or {})
            warm = Warm(root, warm_key, checkout.work, () if landing or not warm_key else policy.keep)
        except OSError as error:
            raise CannotRun(f"the room could not be filled: {error.strerror}", detail="nothing was run") from error
        try:
            yield Room(folder, filled, warm)
        finally:
            warm.release()


def sweep(parent: str, *, older_than: float = 0) -> None:
    """Remove the folders below `parent` whose `lock` nobody holds and that are older than so many seconds."""
    for path, held in _stale(parent, time.time() - older_than):
        with held:
            remove(path)


def _stale(parent: str, born_before: float) -> Iterator[tuple[str, Held]]:
    for entry in os.scandir(parent) if os.path.isdir(parent) else ():
        held = _left(entry, born_before)
        if held is not None:
            yield entry.path, held


def _left(entry: os.DirEntry[str], born_before: float) -> Held | None:
    try:
        if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime <= born_before:
            return take(os.path.join(entry.path, "lock"))
    except FileNotFoundError:
        # Whoever was in it, or another process that found it stale, has just removed it.
        pass
    return None


@contextmanager
def _folder(root: str) -> Iterator[str]:
    rooms = os.path.join(root, "rooms")
    try:
        os.makedirs(rooms, mode=0o700, exist_ok=True)
        folder, held = _new_folder(rooms)
    except OSError as error:
        raise CannotRun(f"no room can be made in '{rooms}': {error.strerror}", detail="nothing was run") from error
    try:
        yield folder
    finally:
        remove(folder)
        held.release()


def _new_folder(rooms: str) -> tuple[str, Held]:
    # A room is made and locked under one lock with the search for stale ones, which would else find it unlocked.
    with wait_for(os.path.join(rooms, "lock")):
        stale = list(_stale(rooms, time.time()))
        folder = tempfile.mkdtemp(prefix="room-", dir=rooms)
        held = wait_for(os.path.join(folder, "lock"))
    for path, left in stale:
        with left:
            remove(path)
    return folder, held


def _checkout(repo: Repository, work: str, tree: Oid, raw: bytes | None) -> Checkout:
    try:
        return Checkout(repo, work, tree, raw)
    except GitFailed as error:
        raise CannotRun(
            f"tree '{tree[:7]}' could not be checked out", detail=f"{error.said}; nothing was run"
        ) from error


def _write_scripts(folder: str, scripts: Mapping[str, tuple[str, bytes]]) -> None:
    os.mkdir(folder)
    for name, (mode, content) in scripts.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if mode == "120000":
            os.symlink(content, os.fsencode(path))
            continue
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755 if mode == "100755" else 0o644)
