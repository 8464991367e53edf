"""Manual evidence: how many people, their average, of which content, under which rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conductor_git.core.planning.plan import Manual, Wave
from conductor_git.core.reporting.board import WaveStatus
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Target
from tests.scene import Scene, plan
from tests.team import CLAIM, Team

STUDY = Target("2", 0)


@pytest.fixture
def scene() -> Scene:
    """A claim of a wave that asks three people for 7 on average, with its run."""
    made = Scene(plan("2", Wave(0, "Study", manual=Manual(3, 7))))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("claim", "start", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0")
    made.branch("main", "root")
    made.branch("b2", "claim")
    made.attest(STUDY, "work")
    return made


def wave(scene: Scene) -> WaveStatus:
    return fold(scene.snapshot(), 10).plans[0].waves[0]


def scored(scene: Scene, *scores: float, tree: str = "work", **changes: Any) -> None:
    scene.attest(STUDY, tree, script="manual", platform="people", scores=scores, **changes)


@pytest.mark.parametrize(
    ("scores", "state", "code"),
    [
        ((8, 7, 6), "complete", None),
        ((8, 7, 5), "claimed", "CG204"),
        ((10, 10), "claimed", "CG208"),
        ((7.0, 7.0, 7.0, 7.0), "complete", None),
    ],
)
def test_enough_people_give_enough_on_average(
    scene: Scene, scores: tuple[float, ...], state: str, code: str | None
) -> None:
    assert wave(scene).awaiting == ("scores of 3 people",)
    scored(scene, *scores)
    found = wave(scene)
    assert (found.state, next((each.code for each in found.findings), None)) == (state, code)


def test_the_newest_scores_count(scene: Scene) -> None:
    scored(scene, 9, 9, 9)
    scored(scene, 1, 1, 1)
    assert wave(scene).state == "claimed"


@pytest.mark.parametrize("changes", [{"tree": "other"}, {"rules": "sha256:" + "0" * 64}, {"repository": "another"}])
def test_scores_of_something_else_are_none(scene: Scene, changes: dict[str, str]) -> None:
    scored(scene, 9, 9, 9, **changes)
    assert wave(scene).awaiting == ("scores of 3 people",)


def test_scores_are_no_run(scene: Scene) -> None:
    scene.events.clear()
    scored(scene, 9, 9, 9)
    assert wave(scene).state == "claimed"


def test_scores_are_recorded_for_what_was_claimed(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "main")
    path = team.root / ".conductor/plans/2.md"
    path.write_text(path.read_text().replace("0: {title: A}", "0: {title: A, manual: {people: 2, at-least: 7}}"))
    team.git(team.root, "commit", "-q", "-am", "ask people", env={"CONDUCTOR_WRITER": "conductor"})
    team.git(team.root, "checkout", "-q", "b2")
    team.prove()
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert code == 0, said
    assert "conductor-git attest 2.0 --manual --scores 8,7,9" in team.run("conductor-git", "status")[1]
    assert team.run("conductor-git", "attest", "2.0", "--manual", "--scores", "8")[0] == 1
    for recorded in (True, False):
        code, said = team.run("conductor-git", "attest", "2.0", "--manual", "--scores", "8,7", "--json")
        shown = json.loads(said)
        assert (code, shown["met"], shown["recorded"], shown["average"]) == (0, True, recorded, 7.5)
    assert "2.0  complete" in team.run("conductor-git", "status")[1]


@pytest.mark.parametrize("scores", ["", "8,x", "nan,8", "8,,9"])
def test_what_are_no_scores_is_one_clear_error(team: Team, scores: str) -> None:
    code, said = team.run("conductor-git", "attest", "2.0", "--manual", "--scores", scores)
    assert (code, "is no list of scores like 8,7,9" in said) == (2, True)
