"""The environment of a validation: nothing in it leads back to a worktree of the repository."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence

from conductor_git.store.validation.cache import is_inside

# What picks another Python or Node than the room's; VIRTUAL_ENV's own programs go with it.
_DROPPED = frozenset({"VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONPATH", "PYTHONHOME", "NODE_PATH", "OLDPWD"})
_PREFIXES = ("GIT_", "CONDUCTOR_")


def run_environment(base: Mapping[str, str], worktrees: Sequence[str], own: Mapping[str, str]) -> dict[str, str]:
    """`base` for a run: without git's and our variables, without paths into `worktrees`, and with `own` added.

    A shared virtual environment with an editable install tests the main worktree whatever folder the run starts in
    (measured), so its programs leave PATH too.
    """
    env: dict[str, str] = {}
    for name, value in base.items():
        if name in _DROPPED or name.startswith(_PREFIXES):
            continue
        kept = value if name == "HOME" else _without(value, worktrees)
        if kept or not value:
            env[name] = kept
    active = base.get("VIRTUAL_ENV", "")
    env["PATH"] = (
        os.pathsep.join(
            entry
            for entry in env.get("PATH", "").split(os.pathsep)
            # A relative entry would be looked up in the room, where the tree under test could name a file `ls`.
            if os.path.isabs(entry) and not _is_of(entry, active) and not leads_back(entry, worktrees)
        )
        or os.defpath
    )
    return env | dict(own)


def leads_back(programs: str, worktrees: Iterable[str]) -> bool:
    """Whether a PATH entry belongs to a virtual environment that has an editable install of one of the worktrees."""
    home = os.path.dirname(programs.rstrip(os.sep))
    if not os.path.isfile(os.path.join(home, "pyvenv.cfg")):
        return False
    pattern = os.path.join(glob.escape(home), "[Ll]ib*", "**", "site-packages")
    for packages in glob.glob(pattern, recursive=True):
        for hook in (*glob.glob("*.pth", root_dir=packages), *glob.glob("__editable__*", root_dir=packages)):
            if _mentions(os.path.join(packages, hook), worktrees):
                return True
    return False


def _without(value: str, worktrees: Sequence[str]) -> str:
    """A path, or a list of paths, without those into a worktree; any other text as it is."""
    parts = value.split(os.pathsep)
    kept = [part for part in parts if not (os.path.isabs(part) and is_inside(part, worktrees))]
    return value if len(kept) == len(parts) else os.pathsep.join(kept)


def _is_of(entry: str, environment: str) -> bool:
    return bool(environment) and os.path.realpath(os.path.dirname(entry)) == os.path.realpath(environment)


def _mentions(path: str, worktrees: Iterable[str]) -> bool:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(1_000_000)
    except OSError:
        return False
    return any(place in text for worktree in worktrees for place in (worktree, os.path.realpath(worktree)))
