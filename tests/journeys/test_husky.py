"""husky: lines in its hooks, and doors of our own in worktrees where its folder does not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors, remove_doors
from conductor_git.store.plumbing.repository import discover
from tests.journeys.conftest import Consumer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


@pytest.fixture
def husky(consumer: Consumer, node_tool: Callable[[str], str]) -> Consumer:
    """The consumer with husky set up and a hook of its own."""
    tool = node_tool("husky")
    consumer.run(tool)
    consumer.write(".husky/pre-commit", "echo 'husky ran'\n")
    consumer.git(consumer.root, "add", ".husky/pre-commit")
    consumer.git(consumer.root, "commit", "-q", "-m", "set husky up")
    consumer.write("husky.path", tool)
    return consumer


def test_lines_in_its_hooks(husky: Consumer) -> None:
    repo = discover(str(husky.root))
    config = husky.git(husky.root, "config", "--list", "--local")
    changed = install_doors(repo, read_control(repo)).changed
    assert changed == (".husky/pre-commit", ".husky/commit-msg", ".husky/pre-merge-commit", ".husky/pre-push")
    husky.check_doors()
    husky.run((husky.root / "husky.path").read_text())
    husky.check_doors()
    assert "husky ran" in husky.commit("ordinary")[1]
    assert husky.git(husky.root, "config", "--list", "--local") == config
    remove_doors(repo)
    assert husky.git(husky.root, "status", "--porcelain") == "?? husky.path\n?? src/"


def test_a_worktree_without_its_folder(husky: Consumer, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    husky.git(husky.root, "checkout", "-q", "main")
    husky.git(husky.root, "worktree", "add", "-q", str(tree), "agent-2/docs")
    assert not (tree / ".husky/_").exists()
    assert husky.commit("Wave 1 done", cwd=tree)[0] == 0, "husky's hooks do not exist in this worktree"
    repo = discover(str(tree))
    install_doors(repo, read_control(repo))
    refused, said = husky.commit("Wave 1 done", cwd=tree)
    assert (refused, "[CG102]" in said) == (1, True), said
    assert husky.git(tree, "status", "--porcelain") == ""
