"""Whether the doors stand: for each working tree and each door, what is there and whether it answers."""

from __future__ import annotations

import os
from typing import Literal

import msgspec

import conductor_git
from conductor_git.store.hookfiles import managers
from conductor_git.store.hookfiles.doorfiles import DOORS, HUB_DOOR
from conductor_git.store.hookfiles.hookfolders import HookFolder, find_folders, is_tracked
from conductor_git.store.hookfiles.hooks import Place, hub_place, place_of
from conductor_git.store.hookfiles.managers import Manager, PreCommit
from conductor_git.store.hookfiles.probe import Answer, fire, fire_entry
from conductor_git.store.hookfiles.shellhooks import TrackedHooks
from conductor_git.store.plumbing.repository import Repository

State = Literal["stands", "missing", "not executable", "outdated", "no interpreter", "not added", "silent"]
"""not added: another tool runs this hook, and its file has no entry of ours; silent: it is there and does not judge."""


class Standing(msgspec.Struct, frozen=True):
    """One door in one working tree. `by` is the tool that runs it; empty is git itself."""

    worktree: str
    door: str
    state: State
    path: str
    by: str = ""
    detail: str = ""
    scope: str = ""
    """The configuration that sets `core.hooksPath`; empty is git's default."""


def look_at_doors(repo: Repository) -> tuple[Standing, ...]:
    """Look at every door of every working tree, and fire those that seem to stand."""
    return tuple(
        _standing(folder, door, worktree)
        for folder in find_folders(repo)
        for worktree in folder.worktrees
        for door in DOORS
    )


def look_at_hub_door(repo: Repository) -> Standing:
    """Look at the door of a hub, and fire it if it seems to stand."""
    place = hub_place(repo)
    where = repo.common_dir
    if place.holds != "ours":
        return Standing(where, place.door, "missing", place.path, detail=_why_missing(place, where))
    state, _, detail = _state_of_ours(place, where)
    return Standing(where, place.door, state, place.path, detail=detail)


def _standing(folder: HookFolder, door: str, worktree: str) -> Standing:
    place = place_of(folder, door)
    state, by, detail = _state(folder, place, worktree)
    return Standing(worktree, door, state, place.path, by, detail, folder.scope)


def _state(folder: HookFolder, place: Place, worktree: str) -> tuple[State, str, str]:
    if place.holds == "ours":
        return _state_of_ours(place, worktree)
    manager = _manager(folder, place)
    if manager is None:
        return "missing", "", _why_missing(place, worktree)
    if manager.missing(worktree, [place.door]):
        return "not added", manager.name, ""
    if isinstance(manager, PreCommit) and manager.by_address(worktree, [place.door]):
        # The tool has a copy of its own, and only running the tool would fire it: with its stash, on work under way.
        return "stands", manager.name, "not fired: it runs from a copy of the tool's own"
    return _answered(manager.name, fire_entry(place.door, worktree))


def _state_of_ours(place: Place, worktree: str) -> tuple[State, str, str]:
    by = place.manager
    if not place.executable:
        return "not executable", by, ""
    if place.version != conductor_git.__version__:
        return "outdated", by, f"conductor-git {place.version} wrote it"
    if place.python and not os.access(place.python, os.X_OK):
        return "no interpreter", by, f"'{place.python}' is gone"
    if place.door != HUB_DOOR and not os.path.lexists(os.path.join(worktree, ".git")):
        # A bare repository without worktrees: nobody commits in it.
        return "stands", by, ""
    return _answered(by, fire(place, worktree))


def _answered(by: str, answer: Answer) -> tuple[State, str, str]:
    if answer.well:
        return "stands", by, ""
    lines = [line for line in answer.said.splitlines() if line and not line.startswith("conductor-git: ")]
    if "Traceback (most recent call last):" in lines:
        lines = lines[-1:]
    return "silent", by, lines[0] if lines else f"it ended with code {answer.code}"


def _manager(folder: HookFolder, place: Place) -> Manager | None:
    if place.manager:
        return managers.named(place.manager)
    return TrackedHooks(folder.path) if is_tracked(folder, place.path) else None


def _why_missing(place: Place, worktree: str) -> str:
    if place.holds == "another's":
        return "another hook is there"
    if managers.PRE_COMMIT.detect(worktree) and not managers.PRE_COMMIT.missing(worktree, [place.door]):
        return f"its entry is in .pre-commit-config.yaml, and 'pre-commit install' left hook type {place.door} out"
    return ""
