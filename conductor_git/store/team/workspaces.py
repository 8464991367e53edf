"""Where a plan's worktree may stand."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.store.plumbing.repository import Repository


def default_workspace(repo: Repository, branch: str) -> str:
    """`<repository>.worktrees/<branch-slug>` beside the repository's folder, absolute.

    The repository's folder is the main worktree's root, a bare `shop.git` itself, or what holds a bare `.bare`.
    """
    folder = repo.root
    bare = os.path.basename(repo.common_dir)
    if repo.root == os.path.dirname(repo.common_dir) and not bare.startswith("."):
        folder = os.path.join(repo.root, bare.removesuffix(".git"))
    slug = re.sub(r"[^\w.-]+", "-", branch).strip("-.") or "plan"
    return os.path.join(f"{folder}.worktrees", slug)


def resolve_workspace(repo: Repository, workspace: str, branch: str) -> str:
    """The absolute path of a plan's workspace; empty is the default form.

    Raises CannotRun for a place inside a git directory: git would take it for a folder of its own.
    """
    path = os.path.realpath(os.path.join(repo.root, workspace) if workspace else default_workspace(repo, branch))
    folder = path
    while folder != os.path.dirname(folder):
        if os.path.basename(folder) == ".git" or _is_git_dir(folder):
            raise CannotRun(
                f"workspace '{path}' is inside the git directory '{folder}'",
                detail="nothing was changed",
                hint="conductor-git plan commit    # once 'workspace:' in the plan names another place",
            )
        folder = os.path.dirname(folder)
    return path


def check_free(path: str) -> None:
    """Raise CannotRun unless a worktree can be put at `path`: nothing there, or an empty folder."""
    try:
        taken = os.path.lexists(path) and (not os.path.isdir(path) or bool(os.listdir(path)))
    except OSError as error:
        raise CannotRun(f"workspace '{path}' cannot be read: {error.strerror}") from error
    if taken:
        raise CannotRun(f"workspace '{path}' exists and is not empty", detail="nothing there was touched")


def exclude(repo: Repository, path: str, worktrees: Iterable[str]) -> None:
    """Let git ignore `path` in those worktrees that it lies in."""
    # Otherwise `git add -A` in the outer worktree stages the inner one as a gitlink.
    outer = [os.path.realpath(folder) for folder in worktrees]
    inside = [os.path.relpath(path, root) for root in outer if path.startswith(root.rstrip(os.sep) + os.sep)]
    wanted = [f"/{_pattern(relative)}/" for relative in inside]
    file = os.path.join(repo.common_dir, "info", "exclude")
    had = ""
    with suppress(FileNotFoundError), open(file, encoding="utf-8", errors="surrogateescape") as opened:
        had = opened.read()
    missing = [line for line in wanted if line not in had.split("\n")]
    if missing:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "a", encoding="utf-8", errors="surrogateescape") as opened:
            opened.write(("\n" if had and not had.endswith("\n") else "") + "".join(f"{line}\n" for line in missing))


def _pattern(relative: str) -> str:
    return re.sub(r"([\\*?\[ ])", r"\\\1", relative)


def _is_git_dir(folder: str) -> bool:
    return all(os.path.exists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs"))
