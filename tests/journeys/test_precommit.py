"""pre-commit: our hooks by address and revision, as local entries, and beneath its own hook file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.doorfiles import MANAGED
from conductor_git.store.hookfiles.hooks import Installed, install_doors, remove_doors
from conductor_git.store.hookfiles.managers import PRE_COMMIT
from conductor_git.store.plumbing.repository import discover
from tests.journeys.conftest import PROJECT, Consumer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
Git = Callable[..., str]

STAGES = [flag for door in MANAGED for flag in ("--hook-type", door)]

CONFIG = """\
repos:
  - repo: {url}
    rev: {rev}
    hooks:
      - id: conductor-pre-commit
      - id: conductor-commit-msg
      - id: conductor-pre-merge-commit
"""


def share(consumer: Consumer, *paths: str) -> None:
    """Commit configuration on main and on the plan's branch, past the doors: before they are installed."""
    consumer.git(consumer.root, "add", *paths)
    consumer.git(consumer.root, "commit", "-q", "-m", "configure hooks")


def test_hooks_by_address_and_revision(consumer: Consumer, git: Git, tmp_path: Path, pre_commit_home: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(PROJECT), "conductor.git")
    rev = git(tmp_path / "conductor.git", "rev-parse", "HEAD")
    consumer.write(".pre-commit-config.yaml", CONFIG.format(url=tmp_path / "conductor.git", rev=rev))
    share(consumer, ".pre-commit-config.yaml")
    consumer.run("pre-commit", "install", *STAGES)
    consumer.check_doors()
    consumer.run("pre-commit", "install", *STAGES)
    consumer.check_doors()
    assert PRE_COMMIT.missing(str(consumer.root), MANAGED) == ()


def test_local_entries(consumer: Consumer, pre_commit_home: Path) -> None:
    consumer.write(".pre-commit-config.yaml", "exclude: .*   # nothing of ours may be skipped by this\nrepos: []\n")
    assert PRE_COMMIT.add(str(consumer.root), MANAGED) == (".pre-commit-config.yaml",)
    share(consumer, ".pre-commit-config.yaml")
    consumer.run("pre-commit", "install")
    consumer.check_doors()


def test_our_hook_files_beneath_a_later_pre_commit_install(consumer: Consumer, pre_commit_home: Path) -> None:
    consumer.write(".pre-commit-config.yaml", "repos: []\n")
    share(consumer, ".pre-commit-config.yaml")
    repo = discover(str(consumer.root))
    install_doors(repo, read_control(repo))
    consumer.check_doors()
    consumer.run("pre-commit", "install", *STAGES)
    consumer.check_doors()
    consumer.run("pre-commit", "install", *STAGES)
    assert install_doors(repo, read_control(repo)) == Installed()
    consumer.check_doors()
    consumer.run("pre-commit", "uninstall", *STAGES)
    consumer.check_doors()


def test_our_hook_files_beneath_an_earlier_pre_commit_install(consumer: Consumer, pre_commit_home: Path) -> None:
    consumer.write(".pre-commit-config.yaml", "repos: []\n")
    share(consumer, ".pre-commit-config.yaml")
    consumer.run("pre-commit", "install", *STAGES)
    repo = discover(str(consumer.root))
    install_doors(repo, read_control(repo))
    consumer.check_doors()
    remove_doors(repo)
    assert consumer.commit("Wave 1 done")[0] == 0
