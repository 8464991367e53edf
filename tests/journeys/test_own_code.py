"""A journey on real code: this project's own history, proven by a part of its own test suite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Git

ROOT = Path(__file__).parent.parent.parent
# PYTHONPATH first: an editable install of the checkout we run from would be tested instead of the room.
VALIDATE = (
    f"PYTHONPATH=. {sys.executable} -m pytest -n 0 -p no:cacheprovider -p no:randomly "
    '--junitxml="$CONDUCTOR_RESULTS/junit.xml" tests/test_globs.py tests/test_refnames.py'
)
PLAN = """---
plan: 1
title: Match paths faster
agent: agent-1
scope: ["conductor_git/**", "tests/**"]
criteria:
  - {metric: tests.passed, at-least: 20}
waves:
  1: {title: Make it faster}
---
## Wave 1: Make it faster
- [ ] keep every test green
"""


def conductor(where: Path, *args: str) -> tuple[int, str]:
    while True:
        done = subprocess.run(
            ["conductor-git", *args], cwd=where, capture_output=True, text=True, env=os.environ, check=False
        )
        # 4: the run goes on, and the same command attaches to it, as an agent on a busy machine does.
        if done.returncode != 4:
            return done.returncode, done.stdout + done.stderr


@pytest.mark.journey
def test_delegated_broken_refused_mended_proven_claimed_reported(tmp_path: Path, git: Git) -> None:
    clone = tmp_path / "conductor git"
    git(tmp_path, "clone", "-q", str(ROOT), str(clone))
    # What is delegated and proven here is nothing to push into the checkout that is tested.
    git(clone, "remote", "remove", "origin")
    git(clone, "checkout", "-q", "-B", "main")
    code, said = conductor(clone, "init", "--validate", VALIDATE)
    assert code == 0, said
    (clone / ".conductor" / "plans" / "1.md").write_text(PLAN)
    code, said = conductor(clone, "plan", "commit")
    assert code == 0, said
    code, brief = conductor(clone, "delegate", "1")
    assert code == 0, brief
    assert "keep every test green" in brief
    work = next(path for path in (tmp_path / "conductor git.worktrees").iterdir())

    globs = work / "conductor_git" / "core" / "planning" / "globs.py"
    right = globs.read_text()
    globs.write_text(right.replace("fullmatch(_bytewise(path)) is not None", "fullmatch(_bytewise(path)) is None"))
    assert globs.read_text() != right
    git(work, "commit", "-q", "-a", "-m", "globs: match faster")
    code, said = conductor(work, "claim")
    assert code == 1
    assert "tests failed" in said
    assert "nothing was committed" in said

    globs.write_text(right + "\n# faster\n")
    git(work, "commit", "-q", "-a", "-m", "globs: match right again")
    code, said = conductor(work, "claim", "-m", "as fast as before")
    assert code == 0, said
    code, said = conductor(work, "claim", "1")
    assert code == 0, said

    board = json.loads(conductor(clone, "log-status", "--json")[1])
    (plan,) = [plan for plan in board["plans"] if plan["plan"] == "1"]
    assert plan["state"] == "complete"
    assert plan["waves"][0]["basis"] == "self"
    assert board["findings"] == []
    assert [step["who"] for step in board["next"]] == ["conductor"]
    landing = board["next"][0]["command"]
    assert subprocess.run(["sh", "-c", landing], cwd=clone, env=os.environ, check=False).returncode == 0
    board = json.loads(conductor(clone, "log-status", "--json")[1])
    assert board["plans"][0]["state"] == "merged"
    assert board["findings"] == []
