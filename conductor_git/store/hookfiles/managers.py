"""Other tools that manage hooks: their files, our entries in them.

Each manager rewrites its own hook files whenever it likes, so a door beside one goes in as that manager's entry.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from conductor_git.core.errors import CannotRun
from conductor_git.core.hooktext import lefthookfile, precommitfile
from conductor_git.core.hooktext.yamltext import CannotEdit
from conductor_git.store.files.textfiles import read_text, write_text
from conductor_git.store.hookfiles.shellhooks import Husky


class Manager(Protocol):
    """One tool. `worktree` is the root of a working tree; paths are returned relative to it, `/`-separated."""

    name: str

    def detect(self, worktree: str) -> bool:
        """Whether this working tree is set up for the tool."""

    def missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        """The doors that have no working entry of ours."""

    def add(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        """Add our entries; the files that changed. Raises CannotRun where that takes a person."""

    def remove(self, worktree: str, doors: Sequence[str], *, write: bool = True) -> tuple[str, ...]:
        """Take our entries out; the files that changed, or without `write` would. Raises CannotRun where that takes a
        person."""


class PreCommit:
    """pre-commit, and prek, which obeys the same file and keeps a hook that was there before in the same way."""

    def __init__(self, name: str) -> None:
        self.name = name

    def detect(self, worktree: str) -> bool:
        return os.path.isfile(_config(worktree))

    def missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        return _read_with(_config(worktree), lambda text: precommitfile.entries_missing(text, doors), tuple(doors))

    def by_address(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        """The doors that the tool runs from a copy of its own, not by PATH."""
        return _read_with(_config(worktree), lambda text: precommitfile.entries_by_address(text, doors), ())

    def types_missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        """The doors that a plain `pre-commit install` in a new clone would not install."""
        return _read_with(_config(worktree), lambda text: precommitfile.types_missing(text, doors), tuple(doors))

    def add(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        if not self.detect(worktree):
            write_text(_config(worktree), precommitfile.new_config(doors))
            return (precommitfile.PRE_COMMIT_CONFIG,)
        return _edit(worktree, precommitfile.PRE_COMMIT_CONFIG, lambda text: precommitfile.add_entries(text, doors))

    def remove(self, worktree: str, doors: Sequence[str], *, write: bool = True) -> tuple[str, ...]:
        return _take_out(worktree, precommitfile.PRE_COMMIT_CONFIG, precommitfile.remove_entries, write=write)


class Lefthook:
    """lefthook: commands in its YAML configuration."""

    name = "lefthook"

    _FILES = ("lefthook.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook.yaml", ".config/lefthook.yml")
    _LOCAL = ("lefthook-local.yml", "lefthook-local.yaml", ".lefthook-local.yml")

    def detect(self, worktree: str) -> bool:
        return bool(self._file(worktree))

    def missing(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        lacking = tuple(doors)
        for name in (*self._FILES, *self._LOCAL):
            path = os.path.join(worktree, name)
            lacking = _read_with(path, lambda text: lefthookfile.commands_missing(text, lacking), lacking)  # noqa: B023
        return lacking

    def add(self, worktree: str, doors: Sequence[str]) -> tuple[str, ...]:
        name = self._file(worktree)
        if not name:
            raise CannotRun(
                f"lefthook runs the hooks of '{worktree}', and there is no lefthook.yml to add the doors to",
                detail="nothing was changed",
            )
        return _edit(worktree, name, lambda text: lefthookfile.add_commands(text, self.missing(worktree, doors)))

    def remove(self, worktree: str, doors: Sequence[str], *, write: bool = True) -> tuple[str, ...]:
        changed: tuple[str, ...] = ()
        for name in (*self._FILES, *self._LOCAL):
            changed += _take_out(worktree, name, lambda text: lefthookfile.remove_commands(text, doors), write=write)
        return changed

    def _file(self, worktree: str) -> str:
        names = (*self._FILES, *self._LOCAL)
        return next((name for name in names if os.path.isfile(os.path.join(worktree, name))), "")


PRE_COMMIT = PreCommit("pre-commit")
PREK = PreCommit("prek")
LEFTHOOK = Lefthook()
HUSKY = Husky()
MANAGERS: tuple[Manager, ...] = (PRE_COMMIT, PREK, LEFTHOOK, HUSKY)

_OURS = "conductor"
"""What every entry of ours has in it."""

_SHIMS: tuple[tuple[re.Pattern[bytes], Manager], ...] = (
    (re.compile(rb"^# File generated by pre-commit: ", re.MULTILINE), PRE_COMMIT),
    (re.compile(rb"^# File generated by prek: ", re.MULTILINE), PREK),
    (re.compile(rb"^call_lefthook run ", re.MULTILINE), LEFTHOOK),
)


def named(name: str) -> Manager:
    """The manager of that name."""
    return next(manager for manager in MANAGERS if manager.name == name)


def shim_of(path: str, content: bytes) -> Manager | None:
    """The manager that wrote the hook file at `path`; None where it is nobody's that we know."""
    if os.path.dirname(path).endswith(os.path.join(".husky", "_")) and b'/h"' in content:
        return HUSKY
    return next((manager for mark, manager in _SHIMS if mark.search(content)), None)


def _config(worktree: str) -> str:
    return os.path.join(worktree, precommitfile.PRE_COMMIT_CONFIG)


def _read_with(path: str, ask: Callable[[str], tuple[str, ...]], otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """What the file answers; `otherwise` where it is missing or unreadable."""
    text = read_text(path)
    if text is not None:
        with suppress(CannotEdit):
            return ask(text)
    return otherwise


def _take_out(worktree: str, name: str, change: Callable[[str], str], *, write: bool) -> tuple[str, ...]:
    # What is broken and has nothing of ours in it is nobody's business here.
    ours = _OURS in (read_text(os.path.join(worktree, *name.split("/"))) or "")
    return _edit(worktree, name, change, write=write) if ours else ()


def _edit(worktree: str, name: str, change: Callable[[str], str], *, write: bool = True) -> tuple[str, ...]:
    path = os.path.join(worktree, *name.split("/"))
    text = read_text(path)
    if text is None:
        return ()
    try:
        after = change(text)
    except CannotEdit as error:
        raise CannotRun(f"the entries in '{path}' cannot be changed: {error}", detail="it was left as it is") from error
    if after == text:
        return ()
    if write:
        write_text(path, after)
    return (name,)
