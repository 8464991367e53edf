"""A repository with policy, plans, a script and the doors, built once and copied for every test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git

CLAIM = "✅ Wave 0 Complete"
PLANS = {
    "2": "---\nplan: 2\ntitle: Two\nagent: agent-2\nbranch: b2\nwaves:\n  0: {title: A}\n  1: {title: B}\n---\n",
    "3": "---\nplan: 3\ntitle: Three\nagent: agent-3\nbranch: b3\nscope: ['docs/**']\nwaves:\n  0: {title: All}\n---\n",
}


class Team:
    """A repository with policy, two plans, a script and the doors; the branch b2 of plan 2 is checked out."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root = root
        self.git = git

    def run(
        self, *args: str, env: dict[str, str] | None = None, stdin: str = "", at: Path | None = None
    ) -> tuple[int, str]:
        done = subprocess.run(
            list(args),
            cwd=at or self.root,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **(env or {})},
            check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def commit(
        self, *args: str, env: dict[str, str] | None = None, stdin: str = "", at: Path | None = None
    ) -> tuple[int, str]:
        return self.run("git", "commit", *args, env=env, stdin=stdin, at=at)

    def prove(self, target: str = "2.0", at: Path | None = None) -> None:
        code, said = self.run("conductor-git", "validate", target, at=at)
        assert code == 0, said

    def message(self, rev: str = "HEAD") -> str:
        return self.git(self.root, "log", "-1", "--format=%B", rev)

    def trailers(self, rev: str = "HEAD") -> dict[str, str]:
        lines = self.git(self.root, "log", "-1", "--format=%(trailers:only,unfold)", rev).splitlines()
        return {key: value for key, _, value in (line.partition(": ") for line in lines if line)}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once and copied: the same files for every test."""
    root = tmp_path_factory.mktemp("template") / "shop"
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    (root / ".conductor" / "plans").mkdir(parents=True)
    (root / ".conductor" / "scripts").mkdir()
    (root / ".conductor" / "conductor.toml").write_text(
        'format = 1\nrepository = "0123456789abcdef"\nlanding = {waves = true}\n[validation]\ndefault = "verify.sh"\n'
    )
    for name, text in PLANS.items():
        (root / ".conductor" / "plans" / f"{name}.md").write_text(text)
    script = root / ".conductor" / "scripts" / "verify.sh"
    script.write_text("#!/bin/sh\ngrep -q good state\n")
    script.chmod(0o755)
    (root / "state").write_text("good\n")
    for args in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["commit", "-q", "-m", "begin"],
        ["checkout", "-q", "-b", "b2"],
    ):
        subprocess.run(["git", *args], cwd=root, env=env, check=True)
    return root


@pytest.fixture
def team(template: Path, tmp_path: Path, git: Git) -> Team:
    root = tmp_path / "shop"
    shutil.copytree(template, root, symlinks=True)
    repo = discover(str(root))
    install_doors(repo, read_control(repo))
    # Most tests make states that this door would not let come, to see what is said of them.
    (root / ".git/hooks/reference-transaction").unlink()
    return Team(root, git)


@pytest.fixture
def armed(team: Team) -> Team:
    """The team's repository with every door."""
    repo = discover(str(team.root))
    install_doors(repo, read_control(repo))
    return team
