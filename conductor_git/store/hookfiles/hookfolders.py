"""Where git looks for hooks, for each worktree: `core.hooksPath` is obeyed wherever it is set, and never changed."""

from __future__ import annotations

import os
import re
from typing import Literal

import msgspec

from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import list_worktrees


class HookFolder(msgspec.Struct, frozen=True):
    """One folder that git takes hooks from."""

    path: str
    kind: Literal["own", "tree", "shared"]
    """own: in the git directory; tree: in a working tree, so maybe part of what is committed; shared: elsewhere, so
    maybe other repositories look there too."""
    worktrees: tuple[str, ...]
    """Roots of the working trees whose git looks there; the git directory itself in a bare repository."""
    scope: str = ""
    """Which configuration sets `core.hooksPath` (`local`, `worktree`, `global`, …); empty is git's default."""


def working_trees(repo: Repository) -> tuple[str, ...]:
    """The roots of all worktrees that are there; the git directory of a bare repository that has none."""
    # With a git directory elsewhere (a submodule's, --separate-git-dir) git lists that one as the main worktree.
    listed = [found.path for found in list_worktrees(repo) if not found.bare and found.path != repo.common_dir]
    here = [repo.worktree] if repo.worktree and repo.worktree not in listed else []
    return tuple(path for path in (*here, *listed) if os.path.isdir(path)) or (repo.common_dir,)


def find_folders(repo: Repository) -> tuple[HookFolder, ...]:
    """Every folder that some worktree's git takes hooks from, in the order of the worktrees."""
    trees = working_trees(repo)
    looked: dict[str, list[str]] = {}
    for tree in trees:
        path = run(["rev-parse", "--path-format=absolute", "--git-path", "hooks"], cwd=tree).text()
        looked.setdefault(path, []).append(tree)
    return tuple(
        HookFolder(path, _kind(repo, path, trees), tuple(users), _scope(repo, path, users[0]))
        for path, users in looked.items()
    )


def _kind(repo: Repository, path: str, trees: tuple[str, ...]) -> Literal["own", "tree", "shared"]:
    if _inside(path, repo.common_dir):
        return "own"
    return "tree" if any(_inside(path, tree) for tree in trees) else "shared"


def _inside(path: str, folder: str) -> bool:
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _scope(repo: Repository, path: str, tree: str) -> str:
    if path == os.path.join(repo.common_dir, "hooks"):
        return ""
    said = run(["config", "--show-scope", "--get", "core.hooksPath"], cwd=tree, ok=(0, 1)).text()
    return said.partition("\t")[0]


def is_tracked(folder: HookFolder, path: str) -> bool:
    """Whether a file of a hooks folder is part of what that working tree commits."""
    if folder.kind != "tree":
        return False
    return run(["ls-files", "--error-unmatch", "--", path], cwd=folder.worktrees[0], ok=(0, 1, 128)).code == 0


def hide(repo: Repository, folder: HookFolder, path: str) -> None:
    """Keep `git add -A` from sweeping up a hook file that we put into a working tree."""
    seen = run(["ls-files", "--others", "--exclude-standard", "--", path], cwd=folder.worktrees[0], ok=(0, 128)).out
    if seen:
        lines = _excluded(repo)
        _write_excluded(repo, [*lines, _pattern(folder.worktrees[0], path)])


def reveal(repo: Repository, path: str) -> None:
    """Undo `hide`."""
    lines = _excluded(repo)
    kept = [line for line in lines if line not in {_pattern(tree, path) for tree in working_trees(repo)}]
    if kept != lines:
        _write_excluded(repo, kept)


def _pattern(tree: str, path: str) -> str:
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(tree))
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", relative)


def _exclude_file(repo: Repository) -> str:
    return os.path.join(repo.common_dir, "info", "exclude")


def _excluded(repo: Repository) -> list[str]:
    try:
        with open(_exclude_file(repo), encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def _write_excluded(repo: Repository, lines: list[str]) -> None:
    path = _exclude_file(repo)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.conductor", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("".join(f"{line}\n" for line in lines))
    os.replace(f"{path}.conductor", path)
