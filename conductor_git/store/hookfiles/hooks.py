"""Putting doors where git will look for them, and taking them away again without a trace."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.store.control.control import Control
from conductor_git.store.files.locks import hold
from conductor_git.store.files.refused import cannot
from conductor_git.store.hookfiles import managers
from conductor_git.store.hookfiles.doorfiles import ALONE, DOORS, HUB_DOOR, compose, python_of, this_python, version_of
from conductor_git.store.hookfiles.guards import guards_folder, remove_guards, write_guards
from conductor_git.store.hookfiles.hookfolders import HookFolder, find_folders, hide, is_tracked, reveal
from conductor_git.store.hookfiles.managers import Manager
from conductor_git.store.hookfiles.shellhooks import TrackedHooks
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import worktree_of

KEPT = ".kept-by-conductor"

_LOCK = "hooks"

_BENEATH = ".legacy"
"""What pre-commit and prek rename a hook to that was there before them; they run it first."""
_ASIDE = (_BENEATH, ".old")
"""Where managers put a hook of ours when they take its place (`.old`: lefthook, which does not run it)."""


class Place(msgspec.Struct, frozen=True):
    """Where a door stands or would stand, and what is there now."""

    door: str
    path: str
    holds: Literal["nothing", "ours", "another's", "a manager's"]
    content: bytes = b""
    executable: bool = False
    manager: str = ""
    """The tool whose hook file git runs here; with `holds` "ours" it runs ours as the hook that was there before."""

    @property
    def version(self) -> str:
        """Which conductor-git wrote what is there; empty where it is not ours."""
        return version_of(self.content) or ""

    @property
    def python(self) -> str:
        """The interpreter that the hook file starts."""
        return python_of(self.content)


class Installed(msgspec.Struct, frozen=True):
    """What an installation did. Each `done` is one line for people."""

    done: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Files of this working tree that now differ, relative to its root: to be committed by whoever wants that."""
    findings: tuple[Finding, ...] = ()
    """Doors that could not be put in place."""


def install_doors(repo: Repository, control: Control | None) -> Installed:
    """Put every door where git looks for it, for all worktrees, and write the guards of this control commit.

    Doing it again brings everything up to date and changes nothing else. Raises CannotRun where the repository's own
    folders cannot be written.
    """
    if control is not None:
        write_guards(repo, control, anew=True)
    with hold(repo, _LOCK, doing="install the doors"):
        return _joined([_install(repo, folder, door) for folder in find_folders(repo) for door in DOORS])


def install_new(repo: Repository, ref: str) -> Installed:
    """Put every door where git looks for it in the worktree of this branch, made just now, if they stand elsewhere.

    A hooks folder that lies in the working tree (`core.hooksPath` is relative; husky) is not there in a new one.
    """
    if repo.config("core.hooksPath") is None or not os.path.isdir(guards_folder(repo)):
        return Installed()
    with hold(repo, _LOCK, doing="install the doors"):
        made = worktree_of(repo, ref)
        folders = [found for found in find_folders(repo) if made and made.path in found.worktrees]
        return _joined([_install(repo, folder, door) for folder in folders for door in DOORS])


def remove_doors(repo: Repository) -> Installed:
    """Take away what `install_doors` put there and bring back what it kept; once more does no harm.

    Raises CannotRun, before anything is changed, where entries of ours cannot be told from those of others.
    """
    for manager in managers.MANAGERS if repo.worktree else ():
        manager.remove(repo.worktree or "", DOORS, write=False)
    with hold(repo, _LOCK, doing="take the doors away"):
        removed = _remove(repo)
    remove_guards(repo)
    return removed


def install_hub_door(repo: Repository) -> Installed:
    """Put the door of a hub into its own hooks folder; done again, it changes nothing."""
    with hold(repo, _LOCK, doing="install the hub's door"):
        return _install(repo, _own_folder(repo), HUB_DOOR)


def remove_hub_door(repo: Repository) -> Installed:
    """Take the door of a hub away, and bring back what stood there."""
    with hold(repo, _LOCK, doing="take the hub's door away"):
        return Installed(tuple(_take_away(repo, _own_folder(repo).path, HUB_DOOR)))


def hub_place(repo: Repository) -> Place:
    """Where the door of a hub stands or would stand, and what is there now."""
    return place_of(_own_folder(repo), HUB_DOOR)


def _own_folder(repo: Repository) -> HookFolder:
    # Forges write `hooks/pre-receive` themselves, again at each upgrade, or let git look elsewhere; what is to stay has
    # its place beside: GitLab's `custom_hooks` first, which is there only where somebody made it, then Gitea's.
    beside = (os.path.join("custom_hooks", f"{HUB_DOOR}.d"), os.path.join("hooks", f"{HUB_DOOR}.d"))
    forges = [each for each in beside if os.path.isdir(os.path.join(repo.common_dir, each))]
    return HookFolder(os.path.join(repo.common_dir, *forges[:1] or ["hooks"]), "own", (repo.common_dir,))


def place_of(folder: HookFolder, door: str) -> Place:
    """What is where git looks for this hook, or beneath the manager's file that stands there."""
    above = _place(door, os.path.join(folder.path, door))
    if above.manager in (managers.PRE_COMMIT.name, managers.PREK.name):
        beneath = _place(door, above.path + _BENEATH)
        if not beneath.manager:
            return msgspec.structs.replace(beneath, manager=above.manager)
    return above


def _place(door: str, path: str) -> Place:
    if not os.path.lexists(path):
        return Place(door, path, "nothing")
    content = _content(path)
    executable = os.access(path, os.X_OK)
    if version_of(content) is not None:
        return Place(door, path, "ours", content, executable)
    manager = managers.shim_of(path, content)
    if manager is not None:
        return Place(door, path, "a manager's", content, executable, manager.name)
    return Place(door, path, "another's", content, executable)


def _install(repo: Repository, folder: HookFolder, door: str) -> Installed:
    place = place_of(folder, door)
    try:
        if place.door in ALONE and (place.manager or is_tracked(folder, place.path)):
            return Installed(findings=(_shut(door, folder, _in_the_way(place)),))
        if place.holds == "a manager's":
            return _through(repo, folder, door, managers.named(place.manager))
        if place.holds == "another's" and is_tracked(folder, place.path):
            return _through(repo, folder, door, TrackedHooks(folder.path))
        return _write(repo, folder, place)
    except CannotRun as error:
        return Installed(findings=(_shut(door, folder, error),))
    except OSError as error:
        return Installed(findings=(_shut(door, folder, cannot("written", place.path, error)),))


def _in_the_way(place: Place) -> CannotRun:
    whose = f"{place.manager}'s" if place.manager else "part of the tree"
    return CannotRun(f"'{place.path}' is {whose}, and this hook has to be a file of our own")


def _write(repo: Repository, folder: HookFolder, place: Place) -> Installed:
    wanted = compose(place.door, this_python(shared=folder.kind == "shared"))
    if place.holds == "ours" and place.content == wanted and place.executable:
        return Installed()
    os.makedirs(folder.path, exist_ok=True)
    draft = os.path.join(folder.path, f".{place.door}.conductor-{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o777), "wb") as file:
        file.write(wanted)
    done = [f"'{place.path}' {'brought up to date' if place.holds == 'ours' else 'written'}"]
    if place.holds == "another's":
        kept = _keep(place.path, os.path.join(folder.path, place.door + KEPT))
        done.append(f"the hook that was there is kept as '{kept}' and runs first")
    os.replace(draft, place.path)
    if folder.kind == "tree":
        hide(repo, folder, place.path)
    return Installed(tuple(done))


def _keep(path: str, kept: str) -> str:
    if os.path.lexists(kept):
        # Ours was replaced by somebody after it had kept this one: neither may be lost.
        os.rename(kept, next(free for n in range(1, 1000) if not os.path.lexists(free := f"{kept}.{n}")))
    try:
        # A second name first, so that there is no moment without a hook.
        os.link(path, kept, follow_symlinks=False)
    except OSError:
        os.rename(path, kept)
    return kept


def _through(repo: Repository, folder: HookFolder, door: str, manager: Manager) -> Installed:
    """A door as another tool's entry: in this working tree, because that is a file people commit."""
    lacking = [tree for tree in folder.worktrees if manager.missing(tree, [door])]
    changed = manager.add(repo.worktree, [door]) if repo.worktree in lacking and repo.worktree else ()
    done = [f"'{door}' added to '{path}', which {manager.name} runs" for path in changed]
    findings = [
        Finding(
            "CG711",
            "warning",
            door,
            f"'{door}' is missing in '{tree}': {manager.name} runs the hooks there, and its file has no entry of ours",
            "conductor-git install    # in that worktree; or merge the commit that adds the entry",
        )
        for tree in lacking
        if tree != repo.worktree
    ]
    return Installed(tuple(done), changed, tuple(findings))


def _shut(door: str, folder: HookFolder, error: CannotRun) -> Finding:
    where, hint = f"git looks for it in '{folder.path}'", error.hint
    if folder.scope:
        where += f" (core.hooksPath, {folder.scope} configuration)"
        hint = "git config --show-origin --get core.hooksPath"
    return Finding("CG711", "error", door, f"'{door}' cannot be put in place: {error.what}", hint, where)


def _remove(repo: Repository) -> Installed:
    folders = {folder.path for folder in find_folders(repo)} | {os.path.join(repo.common_dir, "hooks")}
    done = [line for folder in sorted(folders) for door in DOORS for line in _take_away(repo, folder, door)]
    changed: list[str] = []
    if repo.worktree:
        for folder in sorted(folders):
            changed += _remove_lines(repo.worktree, folder)
        for manager in managers.MANAGERS:
            changed += manager.remove(repo.worktree, DOORS)
    changed = list(dict.fromkeys(changed))
    done += [f"our entries are out of '{path}'" for path in changed]
    return Installed(tuple(done), tuple(changed))


def _take_away(repo: Repository, folder: str, door: str) -> list[str]:
    done = []
    path, kept = os.path.join(folder, door), os.path.join(folder, door + KEPT)
    for name in (path, *(path + suffix for suffix in _ASIDE)):
        if not os.path.lexists(name) or version_of(_content(name)) is None:
            continue
        if os.path.lexists(kept):
            os.replace(kept, name)
            done.append(f"'{name}' is again the hook that was there before")
        else:
            os.unlink(name)
            done.append(f"'{name}' removed")
        reveal(repo, name)
    if os.path.lexists(kept) and not os.path.lexists(path):
        os.rename(kept, path)
        done.append(f"'{path}' is again the hook that was there before")
    elif os.path.lexists(kept):
        done.append(f"'{kept}' is left: another hook has taken the place of ours")
    return done


def _remove_lines(worktree: str, folder: str) -> list[str]:
    if not os.path.isdir(folder) or not os.path.realpath(folder).startswith(os.path.realpath(worktree) + os.sep):
        return []
    return list(TrackedHooks(folder).remove(worktree, DOORS))


def _content(path: str) -> bytes:
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def _joined(parts: list[Installed]) -> Installed:
    return Installed(
        tuple(dict.fromkeys(line for part in parts for line in part.done)),
        tuple(dict.fromkeys(path for part in parts for path in part.changed)),
        tuple(finding for part in parts for finding in part.findings),
    )
