"""The judge: what each door is told about what is about to happen."""

from __future__ import annotations

import msgspec
import pytest

from conductor_git.core.judgement.boundaries import Merging, Staged, judge_merge, judge_staged
from conductor_git.core.judgement.history import Pairs
from conductor_git.core.judgement.judge import Ruling, Saying, judge_saying
from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.planning.policy import LandingPolicy, Policy, ValidationPolicy
from conductor_git.core.targets import Oid, Target
from tests.scene import REPOSITORY, Scene, oid, plan

PLATFORM = "linux-x86_64"


@pytest.fixture
def scene() -> Scene:
    """main: root; plan 2 (waves 0, 1) begun on b2, plan 3 declared."""
    made = Scene(plan("2", Wave(0), Wave(1)), plan("3", Wave(0)))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("work", "start")
    made.branch("main", "root")
    made.branch("b2", "work")
    return made


def saying(
    line: str, *, tree: str = "work", branch: str | None = "b2", parent: str = "work", **changes: object
) -> Saying:
    made = Saying(line + "\n", (), branch, ((oid(parent),),), oid(f"t:{tree}"), PLATFORM)
    return msgspec.structs.replace(made, **changes)


def rule(scene: Scene, line: str, **changes: object) -> Ruling:
    return judge_saying(saying(line, **changes), scene.snapshot())  # type: ignore[arg-type]


def codes(ruling: Ruling) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in ruling.findings]


def test_ordinary_messages_are_nobodys_business(scene: Scene) -> None:
    assert rule(scene, "fix the parser") == Ruling()


def test_a_malformed_claim_gets_the_line_to_write(scene: Scene) -> None:
    ruling = rule(scene, "Wave 0 done")
    assert codes(ruling) == [("CG102", "error")]
    assert ruling.findings[0].hint == "conductor-git claim .0"
    assert "the line to write is '✅ Wave 0 Complete'" in ruling.findings[0].detail
    assert "'done' instead of 'Complete'" in ruling.findings[0].message


def test_an_unproven_claim_is_refused_with_the_command_that_helps(scene: Scene) -> None:
    ruling = rule(scene, "✅ Wave 0 Complete")
    assert codes(ruling) == [("CG201", "error")]
    assert ruling.findings[0].hint == "conductor-git claim 2.0"


def test_a_proven_claim_gets_its_trailers(scene: Scene) -> None:
    proof = scene.attest(Target("2", 0), "work")
    ruling = rule(scene, "✅ Wave 0 Complete - audited")
    assert codes(ruling) == []
    assert ruling.target == Target("2", 0)
    assert ruling.line == "✅ Wave 0 Complete - audited"
    assert dict(ruling.trailers) == {
        "Conductor-Plan": "2",
        "Conductor-Wave": "0",
        "Conductor-Proof": proof.digest,
        "Conductor-Rules": scene.rules(Target("2", 0)).digest,
    }


def test_a_shortcode_is_written_as_the_tick(scene: Scene) -> None:
    scene.attest(Target("2", 0), "work")
    assert rule(scene, ":white_check_mark: Wave 0 Complete").line == "✅ Wave 0 Complete"


def test_a_proof_of_the_tree_before_the_last_edit_does_not_count(scene: Scene) -> None:
    scene.attest(Target("2", 0), "work")
    assert codes(rule(scene, "✅ Wave 0 Complete", tree="edited")) == [("CG201", "error")]


def test_waves_go_in_order(scene: Scene) -> None:
    scene.attest(Target("2", 1), "work")
    assert codes(rule(scene, "✅ Wave 1 Complete")) == [("CG301", "error")]


def test_a_plan_claim_names_the_waves_that_are_missing(scene: Scene) -> None:
    scene.attest(Target("2"), "work")
    ruling = rule(scene, "✅ PLAN 2 COMPLETE")
    assert codes(ruling) == [("CG304", "error"), ("CG304", "error")]
    assert [finding.message.split(",")[0] for finding in ruling.findings] == ["2 needs 2.0", "2 needs 2.1"]


@pytest.mark.parametrize(
    ("line", "branch", "parent", "code"),
    [
        ("✅ Wave 7 Complete", "b2", "work", "CG101"),
        ("✅ PLAN 3 COMPLETE", "b2", "work", "CG103"),
        ("✅ Wave 0 Complete", "main", "root", "CG105"),
        ("✅ Wave 0 Complete", None, "root", "CG105"),
        ("✅ Wave 0 Complete", "somebody/else", "root", "CG105"),
    ],
)
def test_a_claim_is_of_the_branch_it_stands_on(
    scene: Scene, line: str, branch: str | None, parent: str, code: str
) -> None:
    assert codes(rule(scene, line, branch=branch, parent=parent)) == [(code, "error")]


@pytest.mark.parametrize("branch", ["executor/part", None])
def test_a_claim_beside_the_plans_branch_would_not_count_and_is_refused(scene: Scene, branch: str | None) -> None:
    scene.attest(Target("2", 0), "work")
    ruling = rule(scene, "✅ Wave 0 Complete", branch=branch)
    assert codes(ruling) == [("CG103", "error")]
    assert "plan 2 is claimed on its own branch 'b2'" in ruling.findings[0].message


def test_a_plan_that_is_complete_is_not_claimed_again_for_the_same_content(scene: Scene) -> None:
    whole = landable(scene)
    assert codes(rule(scene, "✅ PLAN 2 COMPLETE", parent="whole")) == [("CG106", "info")]
    scene.attest(Target("2"), "more")
    assert codes(rule(scene, "✅ PLAN 2 COMPLETE", parent="whole", tree="more")) == []
    assert whole == oid("whole")


def test_a_plan_that_has_landed_is_not_claimed_again(scene: Scene) -> None:
    landable(scene)
    scene.commit("landing", "root", "whole", tree="landed")
    scene.branch("main", "landing")
    scene.commit("taken in", "whole", "landing", tree="landed")
    scene.branch("b2", "taken in")
    scene.attest(Target("2"), "landed")
    assert codes(rule(scene, "✅ PLAN 2 COMPLETE", parent="taken in", tree="landed")) == [("CG106", "info")]


@pytest.mark.parametrize(
    ("trailers", "code"),
    [
        ((("Conductor-Plan", "3"),), "CG104"),
        ((("Conductor-Wave", "1"),), "CG104"),
        ((("Conductor-Plan", "2"), ("Conductor-Plan", "2")), "CG104"),
        ((("Conductor-Proof", "nonsense"),), "CG104"),
    ],
)
def test_trailers_written_by_hand_must_be_right(scene: Scene, trailers: Pairs, code: str) -> None:
    scene.attest(Target("2", 0), "work")
    assert codes(rule(scene, "✅ Wave 0 Complete", trailers=trailers)) == [(code, "error")]


def test_the_trailers_of_an_amended_claim_are_written_anew(scene: Scene) -> None:
    scene.attest(Target("2", 0), "work")
    old = (("Conductor-Plan", "2"), ("Conductor-Wave", "0"), ("Conductor-Proof", "sha256:" + "0" * 64))
    assert codes(rule(scene, "✅ Wave 0 Complete", trailers=old)) == []


def test_an_amend_of_a_claim_is_judged_in_its_place() -> None:
    scene = Scene(plan("2", Wave(0)), plan("3", Wave(0, needs=(Target("2", 0),))))
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", plan="2")
    scene.commit("c0", "start", line="✅ Wave 0 Complete", tree="start", plan="2", wave="0")
    scene.branch("main", "root")
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "start")
    made = saying("✅ Wave 0 Complete - reworded", tree="start", parents=((oid("c0"),), (oid("start"),)))
    assert not any(finding.refuses for finding in judge_saying(made, scene.snapshot()).findings)


def test_a_repeated_claim_is_told_and_not_refused(scene: Scene) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0")
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work")
    assert codes(rule(scene, "✅ Wave 0 Complete", parent="c0")) == [("CG106", "info")]


def test_what_only_others_can_prove_is_awaited() -> None:
    scene = Scene(plan("2", Wave(0, platforms=("macos-arm64",))))
    scene.commit("root")
    scene.branch("b2", "root")
    ruling = rule(scene, "✅ Wave 0 Complete", tree="root", parent="root")
    assert codes(ruling) == [("CG208", "info")]
    assert "Conductor-Proof" not in dict(ruling.trailers)


def test_what_can_be_proven_here_must_be() -> None:
    scene = Scene(plan("2", Wave(0, platforms=("macos-arm64", PLATFORM))))
    scene.commit("root")
    scene.branch("b2", "root")
    assert codes(rule(scene, "✅ Wave 0 Complete", tree="root", parent="root")) == [("CG201", "error")]
    scene.attest(Target("2", 0), "root", platform="macos-arm64")
    assert codes(rule(scene, "✅ Wave 0 Complete", tree="root", parent="root")) == [("CG201", "error")]
    scene.attest(Target("2", 0), "root")
    assert codes(rule(scene, "✅ Wave 0 Complete", tree="root", parent="root")) == []


def test_a_runner_is_awaited_where_its_word_is_asked_for() -> None:
    policy = Policy(repository=REPOSITORY, validation=ValidationPolicy(attested_by="runner"))
    scene = Scene(plan("2", Wave(0)), policy=policy)
    scene.commit("root")
    scene.branch("b2", "root")
    assert codes(rule(scene, "✅ Wave 0 Complete", tree="root", parent="root")) == [("CG208", "info")]


SCOPED = (plan("2", Wave(0), scope=("src/**",)), plan("3", Wave(0), scope=("docs/**",)), plan("4", Wave(0)))


@pytest.mark.parametrize(
    ("path", "branch", "writer", "expected"),
    [
        ("src/parser.py", "b2", "agent-2", []),
        ("lib/other.py", "b2", "agent-2", ["CG401"]),
        ("docs/guide.md", "b2", "agent-2", ["CG402"]),
        ("src/tests/test_a.py", "b2", "agent-2", ["CG404"]),
        (".conductor/plans/2.md", "b2", "agent-2", ["CG403"]),
        (".conductor/plans/2.md", "b2", "conductor", []),
        (".conductor/plans/2.md", "main", "user-1", ["CG403"]),
        (".conductor/plans/2.md", "main", "conductor", []),
        ("lib/other.py", "b4", "agent-4", []),
        ("docs/guide.md", "b4", "agent-4", ["CG402"]),
        ("docs/guide.md", "main", "user-1", []),
        (".conductorx/file", "b4", "agent-4", []),
    ],
)
def test_paths_stay_inside_their_boundaries(path: str, branch: str, writer: str, expected: list[str]) -> None:
    policy = Policy(repository=REPOSITORY, protect=("src/tests/**",))
    plans: tuple[Plan, ...] = SCOPED
    found = judge_staged(Staged((path,), branch, writer), policy, plans)
    assert [finding.code for finding in found] == expected


def landable(scene: Scene) -> Oid:
    for number, parent in ((0, "work"), (1, "c0")):
        scene.commit(f"c{number}", parent, line=f"✅ Wave {number} Complete", tree="work", plan="2", wave=str(number))
        scene.attest(Target("2", number), "work")
    whole = scene.commit("whole", "c1", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.branch("b2", "whole")
    scene.attest(Target("2"), "work")
    return whole


def test_only_the_conductor_merges_into_integration(scene: Scene) -> None:
    whole = landable(scene)
    found = judge_merge(Merging("main", (whole,), "agent-2"), scene.snapshot())
    assert [finding.code for finding in found] == ["CG501"]
    assert judge_merge(Merging("main", (whole,), "conductor"), scene.snapshot()) == []
    assert judge_merge(Merging("b2", (whole,), "agent-2"), scene.snapshot()) == []


def test_the_conductor_lands_proven_claims_only(scene: Scene) -> None:
    found = judge_merge(Merging("main", (oid("work"),), "conductor"), scene.snapshot())
    assert [finding.code for finding in found] == ["CG503"]


def test_a_branch_without_a_start_commit_is_its_plans_all_the_same() -> None:
    scene = Scene(plan("2", Wave(0)))
    scene.commit("root")
    by_hand = scene.commit("by hand", "root")
    scene.branch("main", "root")
    scene.branch("b2", "by hand")
    found = judge_merge(Merging("main", (by_hand,), "conductor"), scene.snapshot())
    assert [finding.code for finding in found] == ["CG503"]


def test_another_plans_unproven_work_does_not_come_along(scene: Scene) -> None:
    scene.commit("start3", "root", line="▶ PLAN 3 START - agent-3", tree="root", plan="3")
    scene.commit("takes it in", "start3", "work")
    scene.commit("c3", "takes it in", line="✅ Wave 0 Complete", tree="both", plan="3", wave="0")
    scene.branch("b3", "c3")
    scene.attest(Target("3", 0), "both")
    scene.policy = msgspec.structs.replace(scene.policy, landing=LandingPolicy(waves=True))
    found = judge_merge(Merging("main", (oid("c3"),), "conductor"), scene.snapshot())
    assert [(finding.code, finding.subject) for finding in found] == [("CG503", "2")]


def test_what_the_upstreams_integration_has_is_followed(scene: Scene) -> None:
    scene.commit("landing", "root", "work")
    scene.branch("main", "landing")
    assert judge_merge(Merging("main", (oid("landing"),), "conductor"), scene.snapshot()) == []


def test_a_branch_of_no_plan_may_be_merged_by_the_conductor(scene: Scene) -> None:
    fix = scene.commit("fix", "root")
    assert judge_merge(Merging("main", (fix,), "conductor"), scene.snapshot()) == []


@pytest.mark.parametrize("target", [Target("2"), Target("2", 0)])
def test_an_open_blocker_stops_claims_and_landings(scene: Scene, target: Target) -> None:
    scene.attest(Target("2", 0), "work")
    scene.event("blocker", target, "agent-3", message="wait\nfor me")
    ruling = rule(scene, "✅ Wave 0 Complete")
    assert codes(ruling) == [("CG305", "error")]
    assert ruling.findings[0].message == f"{target} has an open blocker of agent-3: wait for me"
    whole = landable(scene)
    found = judge_merge(Merging("main", (whole,), "conductor"), scene.snapshot())
    assert [finding.code for finding in found] == ["CG305"]


def test_what_awaits_others_is_not_claimed_twice_and_the_hint_does_not_ask_for_it() -> None:
    scene = Scene(plan("2", Wave(0, platforms=(PLATFORM, "macos-arm64"))))
    scene.commit("root")
    scene.branch("b2", "root")
    scene.attest(Target("2", 0), "root")
    scene.commit("c0", "root", line="✅ Wave 0 Complete", tree="root", plan="2", wave="0")
    scene.branch("b2", "c0")
    again = rule(scene, "✅ Wave 0 Complete", tree="root", parent="c0")
    assert codes(again) == [("CG208", "info"), ("CG106", "info")]
    assert again.findings[-1].message.endswith("and awaits macos-arm64; this claim changes nothing")
    scene.attest(Target("2"), "root")
    whole = next(each for each in rule(scene, "✅ PLAN 2 COMPLETE", tree="root", parent="c0").findings if each.refuses)
    assert whole.message == "2 needs 2.0, which is not complete (claimed, awaits macos-arm64)"
    assert whole.hint == "conductor-git wait 2.0    # others owe the proof"
