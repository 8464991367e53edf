"""Firing a door for real, without anything being committed: in a working tree, as git fires it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping

import msgspec

from conductor_git.store.hookfiles.doorfiles import HUB_DOOR
from conductor_git.store.hookfiles.hooks import Place
from conductor_git.store.plumbing.git import environment
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository, discover

PROBE = "CONDUCTOR_PROBE"
"""Where it is set, a hook file runs its own part only and adds 80 to its verdict: no commit can pass with it."""

_VERDICT = 80
_PASSED, _REFUSED = _VERDICT, _VERDICT + 1
_SECONDS = 120
_GUARDED = ".conductor/doctor"
_MALFORMED = "Wave 1 done\n"


class Answer(msgspec.Struct, frozen=True):
    """How a door answered: `well` when it judged; `said` is what it printed."""

    well: bool
    code: int
    said: str


def fire(place: Place, worktree: str) -> Answer:
    """Fire one door in one working tree with something that it must have judged."""
    repo = discover(worktree)
    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        args, env = _bait(repo, place.door, folder)
        if place.door in _LINES:
            # git-hook has no lines to give it before 2.54.
            return _judged(place.door, *_run([place.path, *args], worktree, env, _LINES[place.door](repo)))
        # Not through a manager: that would run everybody's hooks, and stash what is being worked on.
        argv = [place.path, *args] if place.manager else ["git", "hook", "run", place.door, "--", *args]
        return _judged(place.door, *_run(argv, worktree, env))


def fire_entry(door: str, worktree: str) -> Answer:
    """Fire a door as a manager's entry does: by `conductor-git-hook` on PATH."""
    command = shutil.which("conductor-git-hook")
    if command is None:
        return Answer(False, 127, "'conductor-git-hook' is not on PATH")
    repo = discover(worktree)
    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        args, env = _bait(repo, door, folder)
        code, said = _run([command, door, *args], worktree, env)
        return _judged(door, code + _VERDICT, f"{said}\nconductor-git: {door} asks")


def _bait(repo: Repository, door: str, folder: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment that make the door judge: a malformed claim, a guarded path, a merge."""
    if door == "commit-msg":
        message = os.path.join(folder, "COMMIT_EDITMSG")
        with open(message, "w", encoding="utf-8") as file:
            file.write(_MALFORMED)
        return [message], {}
    if door == "pre-commit":
        return [], {"GIT_INDEX_FILE": _index_with_guarded_path(repo, folder)}
    if door == "reference-transaction":
        return ["prepared"], {}
    if door == "pre-push":
        return [".", "."], {}
    if door == HUB_DOOR:
        return [], {"GIT_DIR": "."}
    head = repo.resolve("HEAD")
    return [], {f"GITHEAD_{head}": "doctor"} if head else {}


def _deletions(repo: Repository) -> bytes:
    """Every branch gone, integration among them: where the hook is called by hand, that is only said."""
    listed = repo.git("for-each-ref", "--format=%(refname)", HEADS).lines()
    return "".join(f"{repo.zero} {repo.zero} {ref}\n" for ref in listed).encode("utf-8", "surrogateescape")


def _nothing(repo: Repository) -> bytes:
    return b""


def _reserved(repo: Repository) -> bytes:
    """A ref that nobody pushes, whoever it is."""
    return f"{repo.zero} {repo.hash('blob', b'')} refs/conductor/doctor\n".encode("ascii")


_LINES = {"reference-transaction": _deletions, "pre-push": _nothing, HUB_DOOR: _reserved}
"""What is said to doors that read lines."""


def _index_with_guarded_path(repo: Repository, folder: str) -> str:
    index = os.path.join(folder, "index")
    own = os.path.join(repo.git_dir, "index")
    if os.path.exists(own):
        shutil.copyfile(own, index)
    entry = f"100644,{repo.hash('blob', b'')},{_GUARDED}"
    repo.git("update-index", "--add", "--replace", "--cacheinfo", entry, env={"GIT_INDEX_FILE": index}, writes=True)
    return index


def _run(argv: list[str], worktree: str, env: Mapping[str, str], lines: bytes = b"") -> tuple[int, str]:
    surroundings = {**environment(os.environ), **env, PROBE: "doctor"}
    try:
        done = subprocess.run(
            argv,
            cwd=worktree,
            env=surroundings,
            input=lines,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"it did not answer within {_SECONDS} s"
    except OSError as error:
        return -1, f"it cannot be started: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def _judged(door: str, code: int, said: str) -> Answer:
    asked = f"conductor-git: {door} asks" in said
    refused = code == _REFUSED and re.search(r"\[CG\d{3}\]", said) is not None
    if door == "commit-msg":
        well = refused and "[CG102]" in said
    elif door == HUB_DOOR:
        well = asked and refused
    elif door in ("pre-commit", "reference-transaction", "pre-push"):
        well = asked and (refused or code == _PASSED)
    else:
        # On a branch of no plan nothing is asked.
        well = refused or code == _PASSED
    return Answer(well, code, said)
