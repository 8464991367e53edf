"""Evidence from other machines: two clones over one remote, the second one standing in for another platform."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.validation.platform import platform_tag
from tests.conftest import Git
from tests.team import Team

THERE, UNAME = ("macos-arm64", ("Darwin", "arm64"))
if platform_tag() == THERE:
    THERE, UNAME = ("linux-riscv64", ("Linux", "riscv64"))
# The product itself, on a system that calls itself otherwise: everything else is as on this machine.
ELSEWHERE = f"""\
import os, sys
os.uname = lambda: os.uname_result(({UNAME[0]!r}, 'there', '1', '1', {UNAME[1]!r}))
from conductor_git.cli import main
sys.exit(main(sys.argv[1:]))
"""
PLAN = f"""\
---
plan: 2
title: Two
agent: agent-2
branch: b2
criteria:
  - {{metric: size, at-most: 1, of: baseline, waivable: false}}
waves:
  0: {{title: Measure, records-baseline: true}}
  1: {{title: Go on, platforms: [{platform_tag()}, {THERE}]}}
---
"""
SCRIPT = '#!/bin/sh\nprintf \'{"size": %s}\' "$(cat size)" >"$CONDUCTOR_RESULTS/metrics.json"\n'


class Two:
    """The plan's agent here, and a runner on the other platform."""

    def __init__(self, here: Team, there: Path) -> None:
        self.here = here
        self.there = there

    def elsewhere(self, *args: str) -> tuple[int, str]:
        env = {"CONDUCTOR_WRITER": f"runner-{THERE}"}
        return self.here.run(sys.executable, "-c", ELSEWHERE, *args, env=env, at=self.there)

    def wave(self, number: int) -> dict[str, Any]:
        code, said = self.here.run("conductor-git", "log-status", "2", "--json")
        assert code == 0, said
        (plan,) = json.loads(said)["plans"]
        found: dict[str, Any] = plan["waves"][number]
        return found

    def claim(self, target: str) -> str:
        code, said = self.here.run("conductor-git", "claim", target)
        assert code == 0, said
        return self.here.git(self.here.root, "rev-parse", "HEAD")

    def sync(self) -> None:
        for done in (self.elsewhere("sync"), self.here.run("conductor-git", "sync")):
            assert done[0] == 0, done[1]


@pytest.fixture
def two(team: Team, git: Git, tmp_path: Path) -> Two:
    """Two clones of one remote; in the first one the plan's branch is checked out."""
    root = team.root
    git(root, "checkout", "-q", "main")
    (root / ".conductor/plans/2.md").write_text(PLAN)
    (root / ".conductor/scripts/verify.sh").write_text(SCRIPT)
    (root / "size").write_text("10\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--no-verify", "-m", "measure")
    git(root, "checkout", "-q", "-B", "b2", "main")
    install_doors(discover(str(root)), read_control(discover(str(root))))
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "team.git")
    git(root, "remote", "add", "origin", str(tmp_path / "team.git"))
    git(root, "push", "-q", "origin", "main", "b2", env={"CONDUCTOR_WRITER": "conductor"})
    git(tmp_path, "clone", "-q", "team.git", "there")
    return Two(team, tmp_path / "there")


def test_a_claim_completes_by_itself_when_the_other_platform_has_spoken(two: Two) -> None:
    measured = two.claim("2.0")
    assert two.wave(0)["state"] == "complete"
    claimed = two.claim("2.1")
    assert (two.wave(1)["state"], two.wave(1)["awaiting"]) == ("claimed", [THERE])
    assert two.here.run("conductor-git", "sync")[0] == 0
    assert two.elsewhere("sync")[0] == 0

    # What it is compared with was measured here only; which run is missing is said with its command.
    code, said = two.elsewhere("validate", "2.1", "--commit", claimed)
    mend = f"conductor-git validate 2.0 --commit {measured[:12]}"
    assert code == 1
    assert f"size at most 1 of baseline: 2.0 has no baseline of {THERE}; run there: {mend}" in said
    code, said = two.elsewhere(*mend.split()[1:])
    assert code == 0, said
    code, said = two.elsewhere("validate", "2.1", "--commit", claimed)
    assert code == 0, said
    assert two.wave(1)["state"] == "claimed", "nothing of it is here yet"
    two.sync()
    done = two.wave(1)
    assert (done["state"], done["awaiting"], done["commit"]) == ("complete", [], claimed)
    assert sorted(proof["platform"] for proof in done["attestations"]) == sorted([platform_tag(), THERE])


def test_a_baseline_that_is_not_met_is_nobody_s_to_waive(two: Two) -> None:
    two.claim("2.0")
    (two.here.root / "size").write_text("20\n")
    two.here.git(two.here.root, "add", "size")
    code, said = two.here.run("conductor-git", "claim", "2.1")
    assert (code, "size at most 1 of baseline: 'size' is 2" in said) == (1, True), said
    env = {"CONDUCTOR_WRITER": "conductor"}
    for rule in ("size", "CG204"):
        code, said = two.here.run("conductor-git", "waive", rule, "2.1", "--reason", "why not", env=env)
        assert (code, "[CG805]" in said) == (1, True), said
