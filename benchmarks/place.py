"""Where the benchmarks run: a throw-away folder, git without the user's configuration, the tools to compare."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from pairs import NotThere

HERE = Path(__file__).resolve().parent


class Place:
    """A throw-away folder and the environment of everything that is run in it."""

    def __init__(self, work: Path, peers: Path) -> None:
        self.work = work
        self.peers = peers / "bin"
        self.conductor = str(Path(sys.executable).parent / "conductor-git")
        home = work / "home"
        home.mkdir()
        (home / "gitconfig").write_text(
            "[init]\n\tdefaultBranch = main\n[user]\n\tname = Ada\n\temail = ada@example.org\n[gc]\n\tauto = 0\n"
        )
        # Where Python may not keep what it has compiled (PYTHONDONTWRITEBYTECODE, as containers set it), what runs from
        # a working tree is compiled anew at each start, and what pip installed is not.
        ours = ("GIT_", "CONDUCTOR_", "XDG_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = {
            **kept,
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "CONDUCTOR_CACHE": str(work / "cache"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(self.peers), os.environ["PATH"]]),
        }

    def time(self, *argv: str, cwd: Path) -> float:
        """The seconds that a command takes from start to end; it must succeed."""
        began = time.perf_counter()
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
        )
        code = process.wait()
        seconds = time.perf_counter() - began
        if code:
            self.run(*argv, cwd=cwd)
            raise RuntimeError(f"{' '.join(argv)} failed once with exit code {code}")
        return seconds

    def run(self, *argv: str, cwd: Path, stdin: bytes | None = None) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(argv, cwd=cwd, env=self.environment, input=stdin, capture_output=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(argv)} in {cwd}: exit code {done.returncode}\n{said}")
        return done.stdout.decode("utf-8", "replace").strip()

    def git(self, cwd: Path, *args: str) -> str:
        """What git prints."""
        return self.run("git", *args, cwd=cwd)

    def ours(self, cwd: Path, *args: str) -> str:
        """What conductor-git prints. Raises NotThere for a command that does not exist yet."""
        done = subprocess.run(
            [self.conductor, *args],
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode == 2 and "there is no command" in done.stderr:
            raise NotThere(f"not there yet: `conductor-git {args[0]}`")
        if done.returncode:
            raise NotThere(
                f"`conductor-git {' '.join(args)}` ended with {done.returncode}: {done.stderr.strip()[:300]}"
            )
        return done.stdout.strip()

    def peer(self, tool: str) -> str:
        """The path of another tool. Raises NotThere where it is not installed."""
        path = self.peers / tool
        if not path.exists():
            raise NotThere(f"`{tool}` is not installed in {self.peers.parent}")
        return str(path)

    def new_repository(self, name: str) -> Path:
        """A repository with one commit on main that holds `src/a`."""
        folder = self.work / name
        self.git(self.work, "init", "-q", str(folder))
        (folder / "src").mkdir()
        (folder / "src" / "a").write_text("0\n")
        self.git(folder, "add", "src")
        self.git(folder, "commit", "-q", "-m", "Begin")
        return folder


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def install_peers(folder: Path) -> Path:
    """A virtual environment with the tools of requirements.txt, made where it is missing."""
    wanted = (HERE / "requirements.txt").read_text()
    done = folder / "installed.txt"
    if not done.exists() or done.read_text() != wanted:
        print(f"installing the tools to compare with into {folder}", flush=True)
        venv.create(folder, with_pip=True)
        pip: Sequence[str] = (
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
        )
        subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
        done.write_text(wanted)
    return folder
