"""Waivers: whose, of what, for how long, and what nobody can waive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conductor_git.core.durations import utc
from conductor_git.core.judgement.boundaries import Staged, excuse, judge_staged
from conductor_git.core.judgement.waiving import Waivers, why_not
from conductor_git.core.planning.plan import Criterion, Wave
from conductor_git.core.planning.policy import Policy
from conductor_git.core.reporting.board import WaveStatus
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Target
from tests.scene import REPOSITORY, Scene, oid, plan
from tests.team import CLAIM, Team

FAST = Criterion("speed", at_least=9)
SAFE = Criterion("safety", at_least=9, waivable=False)
WAVE = Target("2", 0)


@pytest.fixture
def scene() -> Scene:
    """A claim whose run passed and fell short of one criterion that may be waived."""
    made = Scene(plan("2", Wave(0, criteria=(FAST, SAFE))), policy=Policy(REPOSITORY, protect=("tests/**",)))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("claim", "start", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0")
    made.branch("main", "root")
    made.branch("b2", "claim")
    return made


def fell_short(scene: Scene, *unmet: str) -> None:
    scene.attest(WAVE, "work", passed=False, outcome="criteria", unmet=unmet)


def waive(scene: Scene, rule: str, until: int, writer: str = "conductor", target: Target = WAVE) -> None:
    scene.event("waiver", target, writer, rule=rule, until=until, reason="known")


def wave(scene: Scene) -> WaveStatus:
    return fold(scene.snapshot(), 10).plans[0].waves[0]


SHORT, UNSAFE = f"{FAST}: 'speed' is 8", f"{SAFE}: 'safety' is 8"
FEWER = "5 tests passed, 6 on integration"


@pytest.mark.parametrize(
    ("rule", "unmet", "state"),
    [
        ("CG204", [SHORT], "complete"),
        ("speed", [SHORT], "complete"),
        ("CG206", [FEWER], "complete"),
        ("CG204", [SHORT, FEWER], "claimed"),
        ("CG204", [UNSAFE], "claimed"),
        ("safety", [UNSAFE], "claimed"),
        ("CG204", [FEWER], "claimed"),
        ("CG204", ["'metrics.json' is not JSON: no"], "claimed"),
        ("CG202", [SHORT], "claimed"),
    ],
)
def test_what_is_waived_refuses_nothing_and_stays_in_sight(
    scene: Scene, rule: str, unmet: list[str], state: str
) -> None:
    fell_short(scene, *unmet)
    assert wave(scene).state == "claimed"
    waive(scene, rule, until=10**6)
    assert wave(scene).state == state
    if state == "complete":
        (finding,) = wave(scene).findings
        assert (finding.severity, finding.message) == (
            "info",
            f"{unmet[0]}; waived until 1970-01-12 13:46 UTC: known",
        )


def test_it_is_tested_against_the_time_of_the_claim(scene: Scene) -> None:
    fell_short(scene, SHORT)
    made = scene.snapshot().history.time(scene.tips["b2"].oid)
    waive(scene, "CG204", until=made)
    assert wave(scene).state == "claimed"
    waive(scene, "CG204", until=made + 1)
    assert wave(scene).state == "complete"


def test_a_claim_that_was_dated_back_is_not_waived(scene: Scene) -> None:
    made = scene.snapshot().history.time(scene.tips["b2"].oid)
    fell_short(scene, SHORT)
    waive(scene, "CG204", until=made)
    for name, when in (("claim", 0), ("start", 0)):
        parents, tree, _ = scene.nodes[oid(name)]
        scene.nodes[oid(name)] = (parents, tree, when)
    assert wave(scene).state == "complete", "its time and that of its parents is their author's to say"
    scene.nodes[oid("root")] = (*scene.nodes[oid("root")][:2], made)
    assert wave(scene).state == "claimed", "it stands on what was made later"
    scene.nodes[oid("root")] = (*scene.nodes[oid("root")][:2], 10**9)
    assert wave(scene).state == "complete", "a clock that runs ahead is not asked"


def test_a_claim_is_not_older_than_the_first_result_of_its_content(scene: Scene) -> None:
    scene.attest(WAVE, "work", passed=False, outcome="criteria", unmet=(SHORT,), ended=500)
    scene.attest(WAVE, "work", passed=False, outcome="criteria", unmet=(SHORT,), ended=900)
    waive(scene, "CG204", until=500)
    assert wave(scene).state == "claimed"
    waive(scene, "CG204", until=501)
    assert wave(scene).state == "complete"


@pytest.mark.parametrize("writer", ["agent-2", "runner-linux"])
def test_only_the_conductors_word_waives(scene: Scene, writer: str) -> None:
    fell_short(scene, SHORT)
    waive(scene, "CG204", until=10**6, writer=writer)
    found = fold(scene.snapshot(), 10)
    assert (found.plans[0].waves[0].state, found.waivers) == ("claimed", ())
    assert [finding.code for finding in found.findings] == ["CG802"]


@pytest.mark.parametrize("data", [{}, {"rule": "CG204", "until": 99}, {"rule": 7, "until": 99, "reason": "x"},
                                  {"rule": "CG204", "until": True, "reason": "x"}])  # fmt: skip
def test_a_waiver_without_rule_reason_or_end_is_none(scene: Scene, data: dict[str, Any]) -> None:
    fell_short(scene, SHORT)
    scene.event("waiver", WAVE, "conductor", **data)
    assert wave(scene).state == "claimed"


def test_a_waiver_is_for_its_own_target(scene: Scene) -> None:
    fell_short(scene, SHORT)
    waive(scene, "CG204", until=10**6, target=Target("2"))
    assert wave(scene).state == "claimed"


def test_what_failed_is_never_waived(scene: Scene) -> None:
    scene.attest(WAVE, "work", passed=False)
    for rule in ("CG202", "CG204"):
        waive(scene, rule, until=10**6)
    assert wave(scene).state == "claimed"


@pytest.mark.parametrize(("now", "severity"), [(99, "info"), (100, "error")])
def test_a_protected_path_may_be_changed_while_it_is_waived(scene: Scene, now: int, severity: str) -> None:
    waive(scene, "CG404", until=100)
    findings = judge_staged(Staged(("tests/a.py",), "b2", "agent-2"), scene.policy, scene.plans)
    (finding,) = excuse(findings, "2", Waivers(scene.events, lambda _: now))
    assert (finding.code, finding.severity) == ("CG404", severity)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("CG204", ""),
        ("speed", ""),
        ("safety", "the plan says of 'safety' that it is not waivable"),
        ("CG305", "'CG305' cannot be waived; what can: CG204"),
        ("sped", "'sped' cannot be waived; what can: CG204"),
    ],
)
def test_what_cannot_be_waived_says_why(scene: Scene, rule: str, why: str) -> None:
    assert why_not(rule, scene.rules(WAVE)).startswith(why)
    assert bool(why_not(rule, scene.rules(WAVE))) == bool(why)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1970-01-01 00:00 UTC"), (951_782_399, "2000-02-28 23:59 UTC"), (951_782_400, "2000-02-29 00:00 UTC"),
     (1_800_000_000, "2027-01-15 08:00 UTC"), (4_107_542_400, "2100-03-01 00:00 UTC")],
)  # fmt: skip
def test_points_of_time(seconds: int, text: str) -> None:
    assert utc(seconds) == text


def said(team: Team, *args: str, writer: str = "conductor", code: int = 0) -> Any:
    done, out = team.run("conductor-git", *args, "--json", env={"CONDUCTOR_WRITER": writer})
    assert done == code, out
    return json.loads(out[out.index("{") :])


def test_a_claim_under_a_waiver(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "main")
    path = team.root / ".conductor/plans/2.md"
    path.write_text(path.read_text().replace("waves:", "criteria: [{metric: speed, at-least: 9}]\nwaves:"))
    script = team.root / ".conductor/scripts/verify.sh"
    script.write_text('#!/bin/sh\necho \'{"speed": 8}\' >"$CONDUCTOR_RESULTS/metrics.json"\n')
    team.git(team.root, "commit", "-q", "-am", "ask for speed", env={"CONDUCTOR_WRITER": "conductor"})
    team.git(team.root, "checkout", "-q", "b2")
    said(team, "claim", "2.0", writer="agent-2", code=1)
    refused = said(team, "waive", "speed", "2.0", "--reason", "later", writer="agent-2", code=1)
    assert [finding["code"] for finding in refused["findings"]] == ["CG802"]
    assert [f["code"] for f in said(team, "waive", "CG305", "2.0", "--reason", "x", code=1)["findings"]] == ["CG805"]
    assert said(team, "waive", "speed", "2.0", "--reason", "later", "--for", "2h")["recorded"] is True
    assert said(team, "waive", "speed", "2.0", "--reason", "later", "--for", "2h")["recorded"] is False
    assert said(team, "claim", "2.0", writer="agent-2")["outcome"] == "claimed"
    shown = team.run("conductor-git", "status")[1]
    assert "2.0  complete" in shown
    assert "waived: speed on 2.0 until 2" in shown
    assert team.message().startswith(CLAIM)


def test_a_path_outside_the_scope_is_committed_under_a_waiver(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    (team.root / "state").write_text("better\n")
    assert "[CG401]" in team.commit("-aqm", "reach out")[1]
    said(team, "waive", "CG401", "3", "--reason", "one line", "--for", "1h")
    code, out = team.commit("-aqm", "reach out")
    assert (code, "note: 'state' is outside the scope of plan 3; waived until 2" in out) == (0, True), out
