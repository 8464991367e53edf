"""Hooks that are shell scripts in the tree (husky, a tracked `core.hooksPath` folder): lines of ours in them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from conductor_git.core.errors import CannotRun
from conductor_git.core.hooktext import hooklines
from conductor_git.store.files.textfiles import read_text, write_text


class Husky:
    """husky: lines of ours in `.husky/<hook>`, which its own `.husky/_/<hook>` runs."""

    name = "husky"

    def detect(self, worktree: str) -> bool:
        return os.path.isdir(os.path.join(worktree, ".husky"))

    def missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        return tuple(door for door in doors if not hooklines.has_lines(read_text(_husky(worktree, door)) or "", door))

    def add(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        changed = []
        for door in self.missing(worktree, doors):
            add_hook_lines(_husky(worktree, door), door)
            changed.append(f".husky/{door}")
        return tuple(changed)

    def remove(self, worktree: str, doors: Sequence[str], *, write: bool = True) -> tuple[str, ...]:
        return tuple(f".husky/{door}" for door in doors if remove_hook_lines(_husky(worktree, door), write=write))


class TrackedHooks:
    """A hooks folder that is part of the tree (`core.hooksPath = .githooks`): lines of ours in its shell scripts."""

    name = "the repository's own hooks folder"

    def __init__(self, folder: str) -> None:
        self._path = folder

    def detect(self, worktree: str) -> bool:
        return os.path.isdir(self._path)

    def missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        return tuple(door for door in doors if not hooklines.has_lines(read_text(self._hook(door)) or "", door))

    def add(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        changed = [door for door in doors if add_hook_lines(self._hook(door), door)]
        return tuple(self._relative(worktree, door) for door in changed)

    def remove(self, worktree: str, doors: Sequence[str], *, write: bool = True) -> tuple[str, ...]:
        changed = [door for door in doors if remove_hook_lines(self._hook(door), write=write)]
        return tuple(self._relative(worktree, door) for door in changed)

    def _hook(self, door: str) -> str:
        return os.path.join(self._path, door)

    def _relative(self, worktree: str, door: str) -> str:
        return os.path.relpath(self._hook(door), worktree).replace(os.sep, "/")


def add_hook_lines(path: str, door: str) -> bool:
    """Put our lines into a shell hook, made where missing; False where they stand.

    Raises CannotRun for a hook in another language.
    """
    text = read_text(path)
    if text is not None and not hooklines.is_shell(text):
        raise CannotRun(
            f"'{path}' is not a shell script, so lines cannot be added to it",
            hint=f'conductor-git-hook {door} "$@"    # what it has to run, refusing when that does',
        )
    if text is not None and hooklines.has_lines(text, door):
        return False
    write_text(path, hooklines.add_lines(text or "", door))
    return True


def remove_hook_lines(path: str, *, write: bool = True) -> bool:
    """Take our lines out of a hook, and the hook away where nothing else was in it; False where none were there."""
    text = read_text(path)
    if text is None or hooklines.remove_lines(text) == text:
        return False
    rest = hooklines.remove_lines(text)
    if not write:
        return True
    if rest.strip():
        write_text(path, rest)
    else:
        os.unlink(path)
    return True


def _husky(worktree: str, door: str) -> str:
    return os.path.join(worktree, ".husky", door)
