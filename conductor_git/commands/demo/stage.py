"""The demo's stage: a repository, and everybody's shell in their own worktree."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import msgspec

from conductor_git.commands.demo.play import FILES, Turn
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.board import Board

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_GITCONFIG = "[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"


class Played(msgspec.Struct, frozen=True):
    """What a turn was answered; `wrong` says how that differs from what was wanted, and is empty where it does not."""

    answer: str
    wrong: str = ""


class Stage:
    """A throw-away repository below `folder`, with a home, a git configuration and a cache of its own."""

    def __init__(self, folder: str, *, color: bool, width: int) -> None:
        self.folder = folder
        self.look = {"FORCE_COLOR" if color else "NO_COLOR": "1", "COLUMNS": str(width)}
        self.repo = os.path.join(folder, "mathlib")
        _write(os.path.join(folder, "home", "gitconfig"), _GITCONFIG)
        for name, text in FILES.items():
            _write(os.path.join(self.repo, name), text)

    def play(self, turn: Turn) -> Played:
        """Let somebody type a line into their shell, and compare the answer with what the turn says it must be."""
        done = self._shell(turn.who, turn.types)
        answer = done.stdout.rstrip()
        bare = _STYLE.sub("", answer)
        missing = [said for said in turn.says if said not in bare]
        if done.returncode != turn.code:
            return Played(answer, f"exit code {done.returncode}, and it should be {turn.code}")
        return Played(answer, f"the answer should have {', '.join(map(repr, missing))}" if missing else "")

    def states(self) -> dict[str, str]:
        """The state of every plan, as the report's JSON has it."""
        done = self._shell("conductor", "conductor-git log-status --json")
        board = msgspec.json.decode(done.stdout.encode(), type=Board)
        return {status.plan: status.state for status in board.plans}

    def _shell(self, who: str, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self._place(who),
            env=self._surroundings(who),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=120,
            check=False,
        )

    def _place(self, who: str) -> str:
        """The worktree that has the agent's branch; everybody else sits in the conductor's."""
        listed = subprocess.run(
            ["git", "worktree", "list", "--porcelain"],
            cwd=self.repo,
            env=self._surroundings(who),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        for entry in listed.stdout.split("\n\n"):
            path, _, rest = entry.removeprefix("worktree ").partition("\n")
            if f"branch refs/heads/{who}/" in rest:
                return path
        return self.repo

    def _surroundings(self, who: str) -> dict[str, str]:
        ours = ("GIT_", "CONDUCTOR_", "NO_COLOR", "FORCE_COLOR", _NO_BYTECODE)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        person = {"NAME": who, "EMAIL": f"{who}@example.org"}
        return {
            **kept,
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()},
            "GIT_CONFIG_GLOBAL": self._of("home/gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": self._of("home"),
            "CONDUCTOR_CACHE": self._of("cache"),
            "EXAMPLES": examples(),
            **self.look,
            **self._bytecode(),
            "PATH": f"{commands()}{os.pathsep}{kept.get('PATH', os.defpath)}",
        }

    def _bytecode(self) -> dict[str, str]:
        # Images often forbid Python to write any; compiling the same files again takes a third of every command.
        return {"PYTHONPYCACHEPREFIX": self._of("cache/python")} if os.environ.get(_NO_BYTECODE) else {}

    def _of(self, name: str) -> str:
        return os.path.join(self.folder, name)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def commands() -> str:
    """The folder of the installed commands: beside this Python, or where PATH has them."""
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    for folder in (os.path.dirname(sys.executable), beside):
        if os.access(os.path.join(folder, "conductor-git"), os.X_OK):
            return folder
    found = shutil.which("conductor-git")
    if found is None:
        raise CannotRun("the command 'conductor-git' is not installed", hint="pip install conductor-git")
    return os.path.dirname(found)


def typed() -> str:
    """`conductor-git` as whoever watches can type it: with its folder where PATH does not lead there."""
    here = os.path.join(commands(), "conductor-git")
    found = shutil.which("conductor-git")
    return "conductor-git" if found and os.path.samefile(found, here) else shlex.quote(here)


def examples() -> str:
    """The folder with the example plans: inside the package in a wheel, beside it in a checkout."""
    for folder in (_PACKAGE, os.path.dirname(_PACKAGE)):
        if os.path.isdir(os.path.join(folder, "examples", "plans")):
            return os.path.join(folder, "examples")
    raise CannotRun("the example plans are missing from this installation of conductor-git")
