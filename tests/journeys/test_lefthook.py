"""lefthook: commands in its configuration, for it renames every hook of others away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.doorfiles import MANAGED
from conductor_git.store.hookfiles.hooks import Installed, install_doors
from conductor_git.store.hookfiles.managers import LEFTHOOK
from conductor_git.store.plumbing.repository import discover
from tests.journeys.conftest import Consumer

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

CONFIG = """\
# hooks
pre-commit:
  jobs:
    - run: echo lefthook ran
commit-msg:
  commands:
    lint:
      run: test -s {1}
"""


def test_commands_beside_those_of_others(consumer: Consumer, node_tool: Callable[[str], str]) -> None:
    tool = node_tool("lefthook")
    consumer.write("lefthook.yml", CONFIG.replace("{1}", '"{1}"'))
    consumer.git(consumer.root, "add", "lefthook.yml")
    consumer.git(consumer.root, "commit", "-q", "-m", "set lefthook up")
    repo = discover(str(consumer.root))
    install_doors(repo, read_control(repo))
    consumer.run(tool, "install")
    assert (consumer.root / ".git/hooks/commit-msg.old").exists(), "ours is put aside, and not run"
    assert consumer.commit("Wave 1 done")[0] == 0
    installed = install_doors(repo, read_control(repo))
    assert (installed.changed, installed.findings) == (("lefthook.yml",), ())
    assert LEFTHOOK.missing(str(consumer.root), ("pre-commit", "commit-msg")) == ()
    consumer.check_doors()
    consumer.run(tool, "install")
    consumer.check_doors()
    assert install_doors(repo, read_control(repo)) == Installed()


def test_a_commit_that_only_deletes_is_judged(consumer: Consumer, node_tool: Callable[[str], str]) -> None:
    tool = node_tool("lefthook")
    consumer.write("lefthook.yml", "")
    assert LEFTHOOK.add(str(consumer.root), MANAGED) == ("lefthook.yml",)
    consumer.write("src/old.py", "print()\n")
    consumer.git(consumer.root, "add", "lefthook.yml", "src/old.py")
    consumer.git(consumer.root, "commit", "-q", "-m", "set lefthook up")
    consumer.run(tool, "install")
    consumer.git(consumer.root, "rm", "-q", "src/old.py")
    refused, said = consumer.commit("drop it")
    assert (refused, "[CG401]" in said) == (1, True), said
