"""Folders that stay from one room to the next, where the policy names them: build caches, installed packages."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.files.flock import Held, take
from conductor_git.store.validation.cache import remove


class Warm:
    """The kept folders of one repository and script, moved into a room. Of two rooms at once one goes without."""

    def __init__(self, root: str, key: str, work: str, keep: Iterable[str]) -> None:
        """Move what was kept into `work`; `root` is the cache folder. Raises CannotRun on a path that leads outside."""
        self._work = os.path.realpath(work)
        self._shelf = os.path.join(
            root, "warm", hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        )
        self._keep = [_checked(path) for path in keep]
        self._held: Held | None = None
        if self._keep:
            os.makedirs(self._shelf, mode=0o700, exist_ok=True)
            self._held = take(os.path.join(self._shelf, "lock"))
        self.moved_in = [path for path in self._keep if self._held is not None and self._move_in(path)]

    def put_back(self) -> None:
        """Keep the folders as they are now; not for a run that was killed while it wrote them."""
        if self._held is None:
            return
        for path, place in self._real_folders():
            kept = self._kept(path)
            remove(kept)
            with suppress(OSError):
                os.rename(place, kept)
        os.utime(self._shelf)

    def release(self) -> None:
        """Let the next room have them."""
        if self._held is not None:
            self._held.release()

    def _move_in(self, path: str) -> bool:
        place = os.path.join(self._work, path)
        parent = os.path.dirname(place)
        # Not where the tree itself has something, and not through a symbolic link of the tree to a place outside.
        if os.path.lexists(place) or not self._contains(parent) or not os.path.isdir(self._kept(path)):
            return False
        os.makedirs(parent, exist_ok=True)
        os.rename(self._kept(path), place)
        return True

    def _real_folders(self) -> Iterator[tuple[str, str]]:
        for path in self._keep:
            place = os.path.join(self._work, path)
            if self._contains(os.path.dirname(place)) and os.path.isdir(place) and not os.path.islink(place):
                yield path, place

    def _contains(self, place: str) -> bool:
        real = os.path.realpath(place)
        return real == self._work or real.startswith(self._work + os.sep)

    def _kept(self, path: str) -> str:
        return os.path.join(self._shelf, hashlib.sha256(os.fsencode(path)).hexdigest()[:32])


def _checked(path: str) -> str:
    parts = path.strip("/").split("/")
    if os.path.isabs(path) or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise CannotRun(f"keep '{path}' of the policy is no path below the product's root", detail="nothing was run")
    return "/".join(parts)
