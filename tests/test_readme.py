"""The README's commands do what it says they do."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Git

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_five_minute_start(tmp_path: Path, git: Git) -> None:
    where = tmp_path / "shop"
    git(tmp_path, "init", "-q", str(where))
    (where / "tests").mkdir()
    (where / "tests" / "test_shop.py").write_text(
        "import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(1, 1)\n"
    )
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "a shop")
    said = {}
    for line in commands():
        if line.startswith("cd "):
            where = (where / line.removeprefix("cd ").split("#")[0].strip()).resolve()
            assert where.is_dir(), line
            continue
        done = subprocess.run(
            ["sh", "-c", line], cwd=where, capture_output=True, text=True, env=os.environ, check=False
        )
        said[line] = done.stdout + done.stderr
        assert (done.returncode != 0) == ("# refused" in line), f"{line}\n{said[line]}"
        for code in re.findall(r"\[(CG\d{3})\]", line):
            assert code in said[line]
    board = next(said[line] for line in said if line.startswith("conductor-git log-status"))
    assert "1 complete" in board
    assert "conductor-git merge 1" in board
    done = subprocess.run(
        ["conductor-git", "log-status", "--check"], cwd=where, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "1 merged" in done.stdout) == (0, True)


def test_make_has_the_two_targets() -> None:
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_pre_commit_entries_are_hooks_that_exist() -> None:
    offered = set(re.findall(r"^- id: (\S+)", (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"^ +- id: (conductor-\S+)", README, re.MULTILINE)
    assert named
    assert set(named) <= offered


@pytest.mark.parametrize("path", re.findall(r"\]\(([^):]+)\)", README))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 150
