"""Waves that land before their plan: by one rule at every door and for every reader, as the policy was then."""

from __future__ import annotations

import json

import msgspec
import pytest

from conductor_git.core.judgement.boundaries import Merging, judge_merge
from conductor_git.core.planning.plan import Wave
from conductor_git.core.planning.policy import LandingPolicy
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid, Target
from tests.landings import Yard
from tests.scene import Scene, oid, plan

ALLOWED = LandingPolicy(waves=True)


@pytest.fixture
def scene() -> Scene:
    """Plan 2 with waves 0 and 1, all of it proven; main is at `landing`, which merged wave 0."""
    made = Scene(plan("2", Wave(0), Wave(1)))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("c0", "start", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0")
    made.commit("c1", "c0", line="✅ Wave 1 Complete", tree="work", plan="2", wave="1")
    made.commit("whole", "c1", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    made.branch("b2", "whole")
    for target in (Target("2", 0), Target("2", 1), Target("2")):
        made.attest(target, "work")
    made.commit("landing", "root", "c0", tree="work")
    made.branch("main", "landing")
    return made


def alarms(scene: Scene, **history: object) -> list[tuple[str, str, str]]:
    found = fold(scene.snapshot(**history), 1_000_000).findings
    return [(each.code, each.severity, each.subject) for each in found]


EARLY = [("CG519", "alarm", oid("landing"))]


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        pytest.param(False, None, EARLY, id="not allowed"),
        pytest.param(True, None, [], id="allowed"),
        pytest.param(False, True, [], id="allowed then, and not any more"),
        pytest.param(True, False, EARLY, id="not allowed then, and now it would be"),
    ],
)
def test_the_reader_goes_by_the_policy_of_then(scene: Scene, now: bool, then: bool | None, expected: object) -> None:
    scene.policy = msgspec.structs.replace(scene.policy, landing=LandingPolicy(waves=now))
    assert alarms(scene, waves={} if then is None else {oid("landing"): then}) == expected


def test_a_landing_of_the_whole_plan_settles_it(scene: Scene) -> None:
    scene.commit("second", "landing", "c1", tree="work")
    scene.branch("main", "second")
    assert alarms(scene) == [*EARLY, ("CG519", "alarm", oid("second"))]
    scene.commit("third", "second", "whole", tree="work")
    scene.branch("main", "third")
    assert alarms(scene) == []


def test_a_door_goes_by_the_policy_of_now(scene: Scene) -> None:
    scene.branch("main", "root")
    merging = Merging("main", (oid("c1"),), "conductor")
    assert [found.code for found in judge_merge(merging, scene.snapshot())] == ["CG519"]
    assert judge_merge(Merging("main", (oid("whole"),), "conductor"), scene.snapshot()) == []
    scene.policy = msgspec.structs.replace(scene.policy, landing=ALLOWED)
    assert judge_merge(merging, scene.snapshot()) == []


def audited(yard: Yard) -> list[str]:
    """The codes of what the audit calls an alarm or error."""
    _, said = yard.run("conductor-git", "audit", "--no-update", "--json")
    cases = json.loads(said[said.index("{") :])["cases"]
    found = (found for case in cases for found in case["findings"])
    return [each["code"] for each in found if each["severity"] in ("alarm", "error")]


def read(yard: Yard) -> list[str]:
    return [found["code"] for found in yard.board()["findings"] if found["severity"] == "alarm"]


def by_hand(yard: Yard, claim: str) -> Oid:
    """A merge of a claim into main, as git itself makes it; nothing points to it."""
    tree = yard.git(yard.root, "merge-tree", "--write-tree", "main", claim)
    return Oid(yard.git(yard.root, "commit-tree", "-p", "main", "-p", claim, "-m", "land", tree))


def past(yard: Yard, commit: str) -> None:
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard", commit)


def test_who_lands_a_wave_by_hand_is_refused_and_past_the_doors_seen(yard: Yard) -> None:
    before, wave = yard.tip(), "b2~1"
    code, said = yard.run("git", "merge", "--no-ff", "-m", "land", wave)
    assert (code != 0, "error: wave 2.0 does not land before its plan: " in said) == (True, True), said
    yard.run("git", "merge", "--abort")
    code, said = yard.run("git", "update-ref", "refs/heads/main", by_hand(yard, wave))
    assert (code != 0, "[CG519]" in said) == (True, True), said
    assert yard.tip() == before
    past(yard, by_hand(yard, wave))
    assert (read(yard), audited(yard)) == (["CG519"], ["CG519"])
    # What it asks for is its way out: the plan lands all the same, and settles it.
    assert yard.fates("2") == {"2": "landed"}
    assert (read(yard), audited(yard)) == ([], [])


@pytest.mark.parametrize("then", [True, False])
def test_what_landed_is_judged_by_the_policy_that_stood_below_it(yard: Yard, then: bool) -> None:
    path = yard.root / ".conductor/conductor.toml"
    without = path.read_text()
    waves = f"{without}[landing]\nwaves = true\n"
    if then:
        yard.commit(".conductor/conductor.toml", waves)
        assert yard.fates("2.0") == {"2.0": "landed"}
    else:
        past(yard, by_hand(yard, "b2~1"))
    yard.commit(".conductor/conductor.toml", without if then else waves)
    expected = [] if then else ["CG519"]
    assert (read(yard), audited(yard)) == (expected, expected)


@pytest.mark.parametrize(
    ("direct", "waves", "expected"), [("any", "false", []), ("none", "false", ["CG506"]), ("none", "true", [])]
)
def test_a_squash_of_a_wave_that_may_not_land_is_a_direct_step(
    yard: Yard, direct: str, waves: str, expected: list[str]
) -> None:
    # The plan's own claim has the same content, and would be taken for what was squashed.
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", "update-ref", "refs/heads/b2", "b2~1")
    yard.policy(f"[landing]\nwaves = {waves}\n")
    if direct == "none":
        yard.only_landings()
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", "merge", "-q", "--squash", "b2")
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "the same as wave 0")
    assert (read(yard), audited(yard)) == (expected, expected)
