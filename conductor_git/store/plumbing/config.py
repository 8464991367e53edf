"""Writing git's configuration: shared, of one worktree, and the extension that the second needs."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.git import GitFailed, Result, run
from conductor_git.store.plumbing.repository import Repository

_TRIES = 40
_PAUSE = 0.05
"""Seconds between tries: git never waits for config.lock by itself, it fails."""


def set_shared(repo: Repository, key: str, value: str) -> bool:
    """Set one value for all worktrees; False where it was so already."""
    return _set(repo, ["--local"], key, value)


def set_in_worktree(repo: Repository, worktree: str, key: str, value: str) -> bool:
    """Set one value for one worktree only; False where it was so already."""
    enable_worktree_config(repo)
    return _set(repo, ["--worktree"], key, value, folder=worktree)


def add_shared(repo: Repository, key: str, value: str) -> None:
    """Add one value to those of a key, for all worktrees; git's own writer keeps comments and quoting as they are."""
    _retried(["--git-dir", repo.git_dir, "config", "--local", "--add", key, value], cwd=repo.git_dir)


def remove_shared(repo: Repository, key: str, value: str) -> None:
    """Remove exactly this value of a key, for all worktrees; one that is not there is no error."""
    command = ["config", "--local", "--fixed-value", "--unset-all", key, value]
    _retried(["--git-dir", repo.git_dir, *command], cwd=repo.git_dir, ok=(0, 5))


def enable_worktree_config(repo: Repository) -> bool:
    """Let each worktree have configuration of its own; False where it could before.

    git-worktree's manual, "Configuration file": with the extension, `core.bare = true` and `core.worktree` count for
    every worktree, so both move into the main worktree's own file in the same step.
    """
    shared = os.path.join(repo.common_dir, "config")
    if _file_value(shared, "extensions.worktreeConfig", kind="bool") == "true":
        return False
    moves = {
        key: value
        for key, value in (
            ("core.bare", _file_value(shared, "core.bare", kind="bool")),
            ("core.worktree", _file_value(shared, "core.worktree")),
        )
        if value is not None and value != "false"
    }
    if not moves:
        return _set(repo, ["--local"], "extensions.worktreeConfig", "true")
    own = os.path.join(repo.common_dir, "config.worktree")
    for key, value in moves.items():
        _retried(["config", "--file", own, key, value])
    _rewrite(shared, moves)
    return True


def _set(repo: Repository, scope: list[str], key: str, value: str, *, folder: str | None = None) -> bool:
    where = [] if folder else ["--git-dir", repo.git_dir]
    cwd = folder or repo.git_dir
    had = run([*where, "config", *scope, "--get", key], cwd=cwd, ok=(0, 1, 2))
    if had.code == 0 and had.text() == value:
        return False
    _retried([*where, "config", *scope, "--replace-all", key, value], cwd=cwd)
    return True


def _retried(args: list[str], *, cwd: str | None = None, ok: tuple[int, ...] = (0,)) -> Result:
    for tries_left in reversed(range(_TRIES)):
        try:
            return run(args, cwd=cwd, ok=ok, writes=True)
        except GitFailed as error:
            if "could not lock config file" not in error.said or "File exists" not in error.said or not tries_left:
                raise CannotRun("git's configuration could not be written", detail=error.said) from error
            time.sleep(_PAUSE)
    raise AssertionError("unreachable")


def _file_value(path: str, key: str, *, kind: str = "") -> str | None:
    typed = [f"--type={kind}"] if kind else []
    result = run(["config", "--file", path, *typed, "--get", key], ok=(0, 1))
    return None if result.code else result.text()


def _rewrite(shared: str, moves: dict[str, str]) -> None:
    # One rename under git's own lock file: with only one of the two changes made, a linked worktree of a bare
    # repository would be bare, or the bare repository would not.
    path = os.path.realpath(shared)
    lock, draft = f"{path}.lock", f"{path}.conductor"
    _take(lock)
    try:
        shutil.copy(path, draft)
        for key in moves:
            run(["config", "--file", draft, "--unset-all", key], writes=True)
        run(["config", "--file", draft, "extensions.worktreeConfig", "true"], writes=True)
        os.replace(draft, path)
    finally:
        for left in (draft, lock):
            with suppress(OSError):
                os.unlink(left)


def _take(lock: str) -> None:
    for _ in range(_TRIES):
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            time.sleep(_PAUSE)
        except OSError as error:
            raise CannotRun(f"git's configuration cannot be written: {error.strerror}") from error
        else:
            return
    raise CannotRun(f"git's configuration is locked by '{lock}'", detail="nothing was changed")
