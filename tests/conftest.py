"""Hermetic git for every test: no user's configuration, a home that is not there, a fixed identity."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# `make soak` chooses it.
settings.register_profile("soak", max_examples=100, stateful_step_count=50, deadline=None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: most tests wait for git's processes and for the disk."""
    return (os.cpu_count() or 1) + 1


IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take the user's home, configuration and every GIT_* away; give the cache a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "CONDUCTOR_", "XDG_")):
            monkeypatch.delenv(name)
    # `.venv/bin/pytest` finds its interpreter, and its neighbours are the commands under test.
    monkeypatch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CONDUCTOR_CACHE", str(home / "cache"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    (home / "gitconfig").write_text(
        '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n'
    )
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    return home


Git = Callable[..., str]


@pytest.fixture
def git() -> Git:
    """Run plain git in a folder and return its standard output; fails the test when git fails."""

    def run_git(folder: Path | str, *args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", *args],
            cwd=folder,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}{done.stdout}"
        return done.stdout.rstrip("\n")

    return run_git


@pytest.fixture
def repo_dir(tmp_path: Path, git: Git) -> Path:
    """A new repository with one commit on main."""
    folder = tmp_path / "repo"
    git(tmp_path, "init", "-q", str(folder))
    (folder / "README").write_text("hello\n")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "first")
    return folder


pytest_plugins = ["tests.team", "tests.forced", "tests.landings", "tests.murder"]
