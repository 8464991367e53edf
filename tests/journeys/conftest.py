"""A repository that has a policy and a plan, and commits made in it as people make them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]

PROJECT = Path(__file__).resolve().parents[2]

POLICY = """\
format = 1
repository = "0123abcd"

[validation]
default = "validate.sh"
"""

PLAN = """\
---
plan: 2
title: Docs
branch: agent-2/docs
scope: ["docs/**", ".husky/**"]
waves:
  1: {title: All}
---
"""


class Consumer:
    """A repository on the branch of its plan 2, whose scope is `docs/`."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root, self.git = root, git

    def run(self, *argv: str) -> str:
        """Run a tool in the repository; it must succeed."""
        done = subprocess.run(argv, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}{done.stdout}"
        return done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self, message: str, *args: str, cwd: Path | None = None) -> tuple[int, str]:
        """Commit; the exit code and everything that was printed."""
        done = subprocess.run(
            ["git", "commit", "--allow-empty", "-m", message, *args],
            cwd=cwd or self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def check_doors(self) -> None:
        """Ordinary work passes; a malformed claim, an unproven claim and a foreign path are refused by us."""
        head = self.git(self.root, "rev-parse", "HEAD")
        for message, code in (("Wave 1 done", "CG102"), ("✅ Wave 1 Complete", "CG201")):
            refused, said = self.commit(message)
            assert (refused, f"[{code}]" in said) == (1, True), said
        self.write("src/main.py", "print()\n")
        self.git(self.root, "add", "src/main.py")
        refused, said = self.commit("add main")
        # 1 of pre-commit; 128 where reference-transaction stands beside it and is left to ask.
        assert (refused in (1, 128), "[CG401]" in said) == (True, True), said
        self.git(self.root, "rm", "-q", "--cached", "src/main.py")
        assert self.git(self.root, "rev-parse", "HEAD") == head
        self.write("docs/a.md", f"after {head}\n")
        self.git(self.root, "add", "docs/a.md")
        accepted, said = self.commit("docs: say what comes after")
        assert accepted == 0, said


@pytest.fixture
def consumer(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    """The repository, with this environment's tools on PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    root = tmp_path / "a consumer"
    git(tmp_path, "init", "-q", str(root))
    made = Consumer(root, git)
    made.write(".conductor/conductor.toml", POLICY)
    made.write(".conductor/plans/2.md", PLAN)
    made.write(".conductor/scripts/validate.sh", "#!/bin/sh\nexit 0\n")
    (root / ".conductor/scripts/validate.sh").chmod(0o755)
    made.write("docs/a.md", "a\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    git(root, "checkout", "-q", "-b", "agent-2/docs")
    return made


@pytest.fixture
def pre_commit_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache of pre-commit, prek and pip for all tests of this run, so that environments are built once."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "tool-caches"
    for name, folder in (("PRE_COMMIT_HOME", "pre-commit"), ("PREK_HOME", "prek"), ("PIP_CACHE_DIR", "pip")):
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(home / folder))
    return home


@pytest.fixture
def node_tool() -> Callable[[str], str]:
    """The path of a tool from npm; the test is skipped where CONDUCTOR_TEST_NODE_MODULES does not have it."""

    def find(name: str) -> str:
        folder = NODE_MODULES
        path = Path(folder, ".bin", name)
        if not folder or not path.exists():
            pytest.skip(f"no {name}: CONDUCTOR_TEST_NODE_MODULES names no folder that has it")
        return str(path)

    return find


# Read before the hermetic fixture takes every CONDUCTOR_* away.
NODE_MODULES = os.environ.get("CONDUCTOR_TEST_NODE_MODULES", "")
