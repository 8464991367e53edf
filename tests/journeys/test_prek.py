"""prek: the same configuration as pre-commit's, and the same place beneath its hook file."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.doorfiles import MANAGED
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.hookfiles.managers import PREK
from conductor_git.store.plumbing.repository import discover
from tests.journeys.conftest import Consumer

CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: mine
        name: mine
        entry: "true"
        language: system
        always_run: true
        pass_filenames: false
"""

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def test_local_entries(consumer: Consumer, pre_commit_home: Path) -> None:
    assert PREK.add(str(consumer.root), MANAGED) == (".pre-commit-config.yaml",)
    consumer.git(consumer.root, "add", ".pre-commit-config.yaml")
    consumer.git(consumer.root, "commit", "-q", "-m", "configure hooks")
    consumer.run("prek", "install")
    consumer.check_doors()
    consumer.run("prek", "install")
    consumer.check_doors()


def test_our_hook_files_beneath_prek(consumer: Consumer, pre_commit_home: Path) -> None:
    consumer.write(".pre-commit-config.yaml", CONFIG)
    consumer.git(consumer.root, "add", ".pre-commit-config.yaml")
    consumer.git(consumer.root, "commit", "-q", "-m", "configure hooks")
    repo = discover(str(consumer.root))
    install_doors(repo, read_control(repo))
    consumer.run("prek", "install", "--hook-type", "commit-msg", "--hook-type", "pre-commit")
    assert (consumer.root / ".git/hooks/commit-msg.legacy").exists()
    consumer.check_doors()
