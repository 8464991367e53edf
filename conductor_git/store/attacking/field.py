"""The scratch repository that attacks are tried in: the set-up of the user's own, and nothing of it is touched.

It has the rules (policy, who may sign), the hooks, the hook manager's files and the configuration that decides about
hooks; of history it has one commit, one plan with a proven claim, and a ledger of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.store.attacking import traces
from conductor_git.store.attacking.ground import Ground, lay_ground
from conductor_git.store.attacking.scratchhub import ScratchHub
from conductor_git.store.control.control import Control
from conductor_git.store.plumbing.git import environment
from conductor_git.store.plumbing.repository import Repository

_SECONDS = 300


class Attempt(msgspec.Struct, frozen=True):
    """What came of one try."""

    code: int
    said: str
    hooks: tuple[str, ...] = ()
    """The hooks that refused, in the order in which git ran them."""


class Field:
    """The scratch repository, put back to its beginning before each attack."""

    def __init__(self, folder: str, ground: Ground, *, with_hub: bool) -> None:
        self.ground = ground
        self.root = ground.root
        self._folder = folder
        self._pristine = os.path.join(folder, "pristine")
        self._checkpoint = os.path.join(folder, "checkpoint")
        shutil.copytree(self._git_dir, self._pristine, symlinks=True)
        self._known = self._found(update=True)
        if self._known:
            codes = ", ".join(sorted({code for code, _ in self._known}))
            raise CannotRun(f"the scratch clone is not clean before any attack: {codes}", detail="nothing was attacked")
        self._begun = _content(self._checkpoint)
        self._hub = ScratchHub(folder, ground, surroundings()) if with_hub else None

    @property
    def _git_dir(self) -> str:
        return os.path.join(self.root, ".git")

    def reset(self) -> None:
        """Put everything back."""
        shutil.rmtree(self._git_dir)
        shutil.copytree(self._pristine, self._git_dir, symlinks=True)
        self.quiet("reset", "-q", "--hard")
        self.quiet("clean", "-q", "-fd")
        with open(self._checkpoint, "wb") as file:
            file.write(self._begun)
        if self._hub:
            self._hub.reset()

    def quiet(self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """Prepare something with plain git and no hooks. Raises CannotRun where git fails."""
        argv = ["git", "-c", f"core.hooksPath={os.devnull}", *args]
        done = self._run(argv, stdin, env or {})
        if done.returncode:
            raise CannotRun(f"git {args[0]} failed in the scratch clone", detail=done.stderr.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def attempt(self, *argv: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Attempt:
        """Try something as an agent would, with every hook there."""
        trace = os.path.join(self._folder, "trace")
        done = self._run(argv, stdin, {"GIT_TRACE2_EVENT": trace, **(env or {})})
        said = (done.stderr + done.stdout).decode("utf-8", "replace")
        return Attempt(done.returncode, said, traces.take_refusals(trace))

    def found(self) -> list[str]:
        """The codes of all that an audit finds now and did not find before."""
        return [code for code, _ in self._found(update=False) - self._known]

    def refused_by_hub(self) -> str:
        """What the hub says to a push of all that is here; empty where it takes it, or there is none."""
        return self._hub.refuses() if self._hub else ""

    def remember(self) -> None:
        """Let the next audits, and the hub, compare with how things are now."""
        self._found(update=True)
        if self._hub:
            self._hub.take_in()

    def _found(self, *, update: bool) -> set[tuple[str, str]]:
        argv = [sys.executable, "-P", "-m", "conductor_git", "audit", "--json", "--checkpoint", self._checkpoint]
        done = self._run([*argv, *([] if update else ["--no-update"])], "", {})
        return traces.read_audit(done.stdout, done.stderr)

    def _run(self, argv: Sequence[str], stdin: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            argv,
            cwd=self.root,
            env={**surroundings(), **env},
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise CannotRun("the audit of the scratch clone wrote no checkpoint") from error


def surroundings() -> dict[str, str]:
    """The environment of whoever attacks: the user's, with nothing of ours and of an outer git."""
    env = environment(os.environ, writes=True)
    del env["GIT_NO_REPLACE_OBJECTS"]
    kept = {name: value for name, value in env.items() if not name.startswith("CONDUCTOR_")}
    who = {f"GIT_{role}_{what}": "drill" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**kept, **who, "GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0"}


@contextmanager
def open_field(repo: Repository, control: Control, now: int, *, with_hub: bool) -> Iterator[Field]:
    """A scratch clone of this set-up, and a hub for it where asked for, removed afterwards.

    Raises CannotRun where none can be made.
    """
    with tempfile.TemporaryDirectory(prefix="conductor-attack-") as folder:
        place = os.path.realpath(folder)
        yield Field(place, lay_ground(repo, control, os.path.join(place, "scratch"), now), with_hub=with_hub)
