"""What weakens a set-up beside missing doors: git's version, its configuration, and locks that nobody holds."""

from __future__ import annotations

import os
import re
import time

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.store.hookfiles.hookfolders import working_trees
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository

OLDEST_GIT = (2, 38)

_LOCK_AGE = 600
"""Seconds; no git command holds a lock that long without somebody watching it."""
_NOTES = "refs/notes/conductor"


class Lock(msgspec.Struct, frozen=True):
    """A lock file of git's, and its age in seconds."""

    path: str
    age: int


def git_version() -> tuple[str, tuple[int, ...]]:
    """As git prints it, and as numbers."""
    text = run(["version"]).text().removeprefix("git version ")
    return text, tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def judge_version(text: str, numbers: tuple[int, ...]) -> list[Finding]:
    """Whether this git is too old."""
    if numbers[:2] >= OLDEST_GIT:
        return []
    oldest = ".".join(map(str, OLDEST_GIT))
    return [Finding("CG714", "error", "git", f"git is '{text}', and conductor-git needs {oldest} or newer")]


def old_locks(repo: Repository, *, now: float | None = None) -> list[Lock]:
    """git's lock files that are older than any command that is still running is likely to be."""
    now = time.time() if now is None else now
    found = []
    for folder, names in _lock_folders(repo):
        found += [os.path.join(folder, name) for name in names if name.endswith(".lock")]
    locks = [Lock(path, int(now - age)) for path in sorted(set(found)) if (age := _modified(path)) is not None]
    return [lock for lock in locks if lock.age >= _LOCK_AGE]


def judge_locks(locks: list[Lock]) -> list[Finding]:
    """What to do about locks that were left behind: never deleted by us, whoever holds one would lose work."""
    return [
        Finding(
            "CG713",
            "warning",
            lock.path,
            f"'{lock.path}' is {lock.age // 60} minutes old: git refuses to work here while it is there",
            detail="where no git command is running any more, delete the file",
        )
        for lock in locks
    ]


def judge_config(repo: Repository) -> list[Finding]:
    """Configuration that opens a door or lets a plain git command write on the ledger."""
    findings = []
    for tree in working_trees(repo):
        for scope, key, value in _config(tree):
            text = _weakens(scope, key, value)
            if text:
                findings.append(Finding("CG712", "warning", key, text, _show(key), f"set in {scope} configuration"))
    return list(dict.fromkeys(findings))


def _weakens(scope: str, key: str, value: str) -> str:
    if key == "core.hookspath" and scope == "worktree":
        return f"one worktree takes its hooks from elsewhere: core.hooksPath = '{value}'"
    if key in ("notes.rewriteref", "notes.displayref") and _covers_ledger(value):
        return f"'{key} = {value}' lets amend and rebase write other writers' ledgers"
    if re.fullmatch(r"remote\..*\.fetch", key) and _covers_ledger(value.partition(":")[2]):
        return f"'{key} = {value}' fetches onto our own ledger: what is not pushed yet would be lost"
    return ""


def _covers_ledger(pattern: str) -> bool:
    head = pattern.partition("*")[0]
    return pattern.startswith(f"{_NOTES}/") or ("*" in pattern and f"{_NOTES}/".startswith(head) and bool(head))


def _config(tree: str) -> list[tuple[str, str, str]]:
    fields = run(["config", "--list", "--show-scope", "-z"], cwd=tree).fields()
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return [(scope, *_split(entry)) for scope, entry in pairs]


def _split(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition("\n")
    return key, value


def _show(key: str) -> str:
    return f"git config --show-origin --get-all {key}"


def _lock_folders(repo: Repository) -> list[tuple[str, list[str]]]:
    folders = [(repo.common_dir, _names(repo.common_dir))]
    worktrees = os.path.join(repo.common_dir, "worktrees")
    folders += [
        (path, _names(path)) for name in _names(worktrees) if os.path.isdir(path := os.path.join(worktrees, name))
    ]
    for root in (os.path.join(repo.common_dir, "refs", "heads"), os.path.join(repo.common_dir, *_NOTES.split("/"))):
        folders += [(folder, names) for folder, _, names in os.walk(root)]
    return folders


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _modified(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return None
