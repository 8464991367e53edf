"""Making a bare repository a hub: its door, its configuration, and the ref by which clones know it."""

from __future__ import annotations

import os

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.store.control.control import Control, NoPolicy, read_control
from conductor_git.store.control.controltree import BrokenRules
from conductor_git.store.hookfiles.doorfiles import HUB_DOOR, compose, this_python
from conductor_git.store.hookfiles.hooks import hub_place, install_hub_door, remove_hub_door
from conductor_git.store.hub.gate import CONTROL, FOUNDER, IDENTITY, Hub, hub_of, read_stands
from conductor_git.store.plumbing.config import add_shared, remove_shared, set_shared
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.refs import HEADS, HUB_MARK
from conductor_git.store.plumbing.repository import Repository, discover

_MARK = b'{"door":"pre-receive","format":1}\n'
_SET = "conductor.set"
"""The keys whose value is ours, each as `<key> <value>`: what `uninstall` takes back."""

_FIXED = (
    # Objects that are no objects, or fool a client that checks them out, do not come in.
    ("receive.fsckObjects", "true"),
    # git itself takes no replace refs then, and shows none.
    ("transfer.hideRefs", "refs/replace"),
    # What a branch loses stays for those whose ledger speaks of it.
    ("gc.pruneExpire", "never"),
)


class Settled(msgspec.Struct, frozen=True):
    """What was done, a line each, and what could not be."""

    done: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def make_bare(path: str) -> Repository:
    """A new bare repository, or the one that is there. Raises CannotRun where something else is there."""
    place = os.path.abspath(path)
    if os.path.isdir(place) and os.listdir(place):
        return check_bare(discover(place))
    run(["init", "--quiet", "--bare", "--", place], writes=True)
    return discover(place)


def check_bare(repo: Repository) -> Repository:
    """The same, where it is bare. Raises CannotRun where it is not: pushing to what is checked out harms that."""
    if not repo.bare:
        hint = "git clone --bare . ../HUB.git && conductor-git -C ../HUB.git hub install"
        raise CannotRun(f"'{repo.worktree or repo.git_dir}' is no bare repository", hint=hint)
    return repo


def settle(repo: Repository, *, identity: str, founder: str) -> Settled:
    """Make it a hub; what is so already stays. Empty values leave what was set, else are the usual ones."""
    hub = hub_of(repo)
    wanted = [
        (FOUNDER, founder or hub.founder or "conductor"),
        *([(IDENTITY, identity)] if identity else []),
        (CONTROL, hub.control or _control(hub)),
        ("core.hooksPath", hooks_path(repo)),
        *_FIXED,
    ]
    _check_path(repo)
    installed = install_hub_door(repo)
    changed = [key for key, value in wanted if value and _set(repo, key, value)]
    done = list(installed.done)
    if changed:
        done.append(f"set in its configuration: {', '.join(changed)}")
    if not is_marked(repo):
        mark = repo.git("hash-object", "-w", "--stdin", stdin=_MARK, writes=True).text()
        repo.git("update-ref", HUB_MARK, mark, writes=True)
        done.append(f"'{HUB_MARK}' says to clones that this is a hub")
    return Settled(tuple(done), installed.findings)


def unsettle(repo: Repository) -> Settled:
    """Make it an ordinary bare repository again: what `settle` did is taken back, and nothing else."""
    removed = remove_hub_door(repo)
    done = list(removed.done)
    ours = repo.git("config", "--local", "-z", "--get-all", _SET, ok=(0, 1)).fields()
    for entry in ours:
        key, _, value = entry.partition(" ")
        remove_shared(repo, key, value)
        remove_shared(repo, _SET, entry)
    if ours:
        done.append(f"out of its configuration: {', '.join(entry.partition(' ')[0] for entry in ours)}")
    if is_marked(repo):
        repo.git("update-ref", "-d", HUB_MARK, writes=True)
        done.append(f"'{HUB_MARK}' removed")
    return Settled(tuple(done))


def is_hub(repo: Repository) -> bool:
    """Whether it says that it is a hub, or is set up as one."""
    return repo.bare and (bool(hub_of(repo).founder) or is_marked(repo))


def missing_settings(repo: Repository) -> list[str]:
    """The settings that a hub must have and this one has not, as `key = value`."""
    wanted = (("core.hooksPath", hooks_path(repo)), *_FIXED)
    return [f"{key} = {value}" for key, value in wanted if value not in _values(repo, key)]


def enforces(repo: Repository) -> bool:
    """Whether it is a hub whose door git runs for each push."""
    place = hub_place(repo)
    return is_hub(repo) and place.holds == "ours" and place.executable and not missing_settings(repo)


def is_marked(repo: Repository) -> bool:
    """Whether clones can tell that it is a hub."""
    return repo.resolve(HUB_MARK, kind="blob") is not None


def drift(repo: Repository) -> str:
    """How the hook file differs from what would be written now; empty where it does not, or is not ours."""
    place = hub_place(repo)
    if place.holds != "ours" or place.content == compose(HUB_DOOR, this_python()):
        return ""
    return "it was changed, or is of another installation"


def read_rules(hub: Hub) -> Control | CannotRun:
    """The rules that pushes are judged by now, or why there are none."""
    try:
        return read_control(hub.repository, refs=read_stands(hub).over(), use_cache=False)
    except (NoPolicy, BrokenRules) as error:
        return error


def hooks_path(repo: Repository) -> str:
    """The value of `core.hooksPath` that makes git run the hub's own hooks, whatever the one who pushes has configured.

    A relative one is found wherever the hub is moved to; from a worktree of it, it would be looked for in that.
    """
    linked = os.path.isdir(os.path.join(repo.common_dir, "worktrees"))
    return os.path.join(repo.common_dir, "hooks") if linked else "hooks"


def _control(hub: Hub) -> str:
    """The control branch, pinned so that a branch that comes later cannot take its place; empty while there is none."""
    rules = read_rules(hub)
    return rules.ref.removeprefix(HEADS) if isinstance(rules, Control) else ""


def _check_path(repo: Repository) -> None:
    other = [value for value in _values(repo, "core.hooksPath") if value not in ("hooks", hooks_path(repo))]
    if other:
        raise CannotRun(
            f"this repository takes its hooks from '{other[-1]}'",
            detail="whoever set core.hooksPath there must say what shall run; nothing was changed",
            hint="git config --local --unset core.hooksPath",
        )


def _values(repo: Repository, key: str) -> list[str]:
    return repo.git("config", "--local", "-z", "--get-all", key, ok=(0, 1)).fields()


def _set(repo: Repository, key: str, value: str) -> bool:
    had = _values(repo, key)
    if value in had:
        return False
    if key.startswith("transfer."):
        add_shared(repo, key, value)
    else:
        set_shared(repo, key, value)
    for entry in _values(repo, _SET):
        if entry.partition(" ")[0] == key:
            remove_shared(repo, _SET, entry)
    add_shared(repo, _SET, f"{key} {value}")
    return True
