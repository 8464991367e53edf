"""Decisions on the record: who may make them, what they change, and that saying them twice is safe."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.conftest import Git
from tests.team import CLAIM, Team


def decide(team: Team, *args: str, writer: str = "conductor", code: int = 0) -> Any:
    done, said = team.run("conductor-git", *args, "--json", env={"CONDUCTOR_WRITER": writer})
    assert done == code, said
    return json.loads(said[said.index("{") :])


def state(team: Team, wave: int = 0) -> str:
    shown = decide(team, "status")
    return str(next(plan for plan in shown["plans"] if plan["plan"] == "2")["waves"][wave]["state"])


@pytest.mark.parametrize("writer", ["conductor", "agent-2"])
def test_a_claim_is_taken_back_and_made_again(team: Team, git: Git, writer: str) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    refused = decide(team, "reopen", "2.0", "--reason", "not mine", writer="agent-3", code=1)
    assert [finding["code"] for finding in refused["findings"]] == ["CG802"]
    assert state(team) == "complete"
    found = decide(team, "reopen", "2.0", "--reason", "it leaks", writer=writer)
    assert (found["recorded"], found["commits"]) == (True, [git(team.root, "rev-parse", "HEAD")])
    assert state(team) == "active"
    assert decide(team, "reopen", "2.0", "--reason", "it leaks", writer=writer)["recorded"] is False
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    assert state(team) == "complete"


def test_what_was_reopened_does_not_come_back_when_its_newest_claim_is_rewound(team: Team, git: Git) -> None:
    team.prove()
    for _ in range(2):
        assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    both = git(team.root, "rev-list", "--reverse", "-2", "HEAD").split()
    assert decide(team, "reopen", "2.0", "--reason", "it leaks", writer="conductor")["commits"] == both
    git(team.root, "reset", "-q", "--hard", both[0])
    assert state(team) == "active"
    shutil.rmtree(team.root / ".git/conductor/cache")
    assert state(team) == "active"


def alarms(team: Team) -> list[str]:
    return [found["code"] for found in decide(team, "status")["findings"] if found["severity"] == "alarm"]


def forward(team: Team, git: Git) -> str:
    """Integration, moved onto a plan's claim by hand and past every hook."""
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    git(team.root, "-c", "core.hooksPath=/dev/null", "update-ref", "refs/heads/main", "b2")
    return git(team.root, "rev-parse", "b2")


def test_an_alarm_is_settled_by_the_conductor_once_the_content_passed(team: Team, git: Git) -> None:
    step = forward(team, git)
    assert alarms(team) == ["CG502"]
    assert f"hint: conductor-git accept {step[:12]} --reason 'WHY'" in team.run("conductor-git", "status")[1]
    assert decide(team, "accept", step, "--reason", "trust me", writer="agent-2", code=1)["recorded"] is False
    assert decide(team, "accept", step[:12], "--reason", "read by two")["recorded"] is True
    assert alarms(team) == []
    assert decide(team, "accept", "main", "--reason", "read by two")["recorded"] is False


def test_what_does_not_pass_is_not_accepted(team: Team, git: Git) -> None:
    git(team.root, "checkout", "-q", "main")
    (team.root / "state").write_text("bad\n")
    git(team.root, "commit", "-q", "-a", "-m", "break it", env={"CONDUCTOR_WRITER": "conductor"})
    refused = decide(team, "accept", "main", "--reason", "it is late", code=1)
    assert [finding["code"] for finding in refused["findings"]] == ["CG202"]
    assert refused["recorded"] is False


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["reopen", "2.0", "--reason", " "], "error: a decision goes on the record: it needs a reason"),
        (["reopen", "2.7", "--reason", "x"], "error: plan '2' declares no wave 7"),
        (["accept", "nothing", "--reason", "x"], "error: 'nothing' is no commit in this repository"),
        (["accept", "main"], "error: missing option '--reason'"),
    ],
)
def test_bad_input_is_one_clear_error(team: Team, args: list[str], what: str) -> None:
    code, said = team.run("conductor-git", *args)
    assert (code, said.startswith(what)) == (2, True), said
