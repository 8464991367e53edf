"""The fold: which state each history and ledger gives (docs/FORMAT.md, "States")."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from conductor_git.core.events.attestation import Counts
from conductor_git.core.events.event import Event
from conductor_git.core.judgement.history import Tip
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Criterion, Manual, Wave
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.rules import Scripts
from conductor_git.core.reporting.board import Board, PlanStatus, WaveStatus
from conductor_git.core.reporting.conflicts import Clash, to_land, with_clashes
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.steps import idle
from conductor_git.core.targets import Oid, Target
from tests.scene import REPOSITORY, Scene, oid, plan

NOW = 1_000_000


def board(scene: Scene, **changes: object) -> Board:
    return fold(scene.snapshot(**changes), NOW)


def status(scene: Scene, name: str = "2", **changes: object) -> PlanStatus:
    found = board(scene, **changes).plan(name)
    assert found is not None
    return found


def wave(scene: Scene, number: int, name: str = "2", **changes: object) -> WaveStatus:
    return next(found for found in status(scene, name, **changes).waves if found.wave == number)


def codes(found: WaveStatus | PlanStatus | Board) -> list[str]:
    return [finding.code for finding in found.findings]


@pytest.fixture
def scene() -> Scene:
    """main: root; plan 2 with waves 0 and 1, begun on b2 with a start commit and one commit of work."""
    made = Scene(plan("2", Wave(0, "Audit"), Wave(1, "Build")))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("work", "start")
    made.branch("main", "root")
    made.branch("b2", "work")
    return made


def claim(scene: Scene, name: str, parent: str, number: int, tree: str) -> None:
    scene.commit(name, parent, line=f"✅ Wave {number} Complete", tree=tree, plan="2", wave=str(number))
    scene.branch("b2", name)


def test_a_plan_nobody_touched_is_ready() -> None:
    scene = Scene(plan("2", Wave(0), Wave(1)))
    scene.commit("root")
    scene.branch("main", "root")
    found = status(scene)
    assert (found.state, [w.state for w in found.waves]) == ("ready", ["ready", "waiting"])


def test_the_lowest_incomplete_wave_of_a_begun_plan_is_active(scene: Scene) -> None:
    found = status(scene)
    assert (found.state, [w.state for w in found.waves]) == ("active", ["active", "waiting"])
    assert found.commits == 1


def test_a_claim_without_proof_is_claimed_and_says_why(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    assert wave(scene, 0).state == "claimed"
    assert codes(wave(scene, 0)) == ["CG201"]


def test_a_proven_claim_is_complete_and_shows_its_basis(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    proof = scene.attest(Target("2", 0), "work")
    found = wave(scene, 0)
    assert (found.state, found.basis, found.commit) == ("complete", "self", oid("c0"))
    assert [shown.digest for shown in found.attestations] == [proof.digest]
    assert [w.state for w in status(scene).waves] == ["complete", "active"]


def test_late_proof_heals(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    claim(scene, "c1", "c0", 1, "work")
    scene.attest(Target("2", 1), "work")
    assert codes(wave(scene, 1)) == ["CG301"]
    scene.attest(Target("2", 0), "work")
    assert [w.state for w in status(scene).waves] == ["complete", "complete"]


@pytest.mark.parametrize(
    ("attested", "changes", "code"),
    [
        ("other", {}, "CG201"),
        ("work", {"passed": False}, "CG202"),
        ("work", {"rules": "sha256:" + "0" * 64}, "CG203"),
        ("work", {"repository": "feedfeedfeedfeed"}, "CG207"),
        ("work", {"counts": {"passed": 0, "failed": 0, "skipped": 3}}, "CG205"),
        ("work", {"passed": False, "outcome": "criteria", "unmet": ("tests.passed at least 5",)}, "CG204"),
    ],
)
def test_what_is_no_proof(scene: Scene, attested: str, changes: dict[str, object], code: str) -> None:
    claim(scene, "c0", "work", 0, "work")
    if "counts" in changes:
        changes = {**changes, "counts": Counts(0, 0, 3)}
    scene.attest(Target("2", 0), attested, **changes)  # type: ignore[arg-type]
    found = wave(scene, 0)
    assert (found.state, codes(found)) == ("claimed", [code])


def test_a_proof_of_another_wave_or_plan_proves_nothing(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 1), "work")
    scene.attest(Target("2"), "work")
    assert codes(wave(scene, 0)) == ["CG201"]


def test_the_newest_run_decides(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.attest(Target("2", 0), "work", passed=False)
    assert codes(wave(scene, 0)) == ["CG202"]


def test_an_attestation_under_a_foreign_name_is_not_believed(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    made = scene.attest(Target("2", 0), "work")
    scene.events[-1] = msgspec.structs.replace(scene.events[-1], writer="mallory")
    assert made.writer == "agent"
    assert wave(scene, 0).state == "claimed"


def test_other_platforms_are_awaited_and_complete_it_by_themselves() -> None:
    scene = Scene(plan("2", Wave(0, platforms=("linux-x86_64", "macos-arm64"))))
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", plan="2")
    scene.branch("main", "root")
    claim(scene, "c0", "start", 0, "start")
    scene.attest(Target("2", 0), "start")
    assert (wave(scene, 0).state, wave(scene, 0).awaiting) == ("claimed", ("macos-arm64",))
    scene.attest(Target("2", 0), "start", platform="macos-arm64")
    assert wave(scene, 0).state == "complete"


def test_a_manual_wave_awaits_people() -> None:
    scene = Scene(plan("2", Wave(0, manual=Manual(3, 7))))
    scene.commit("root")
    scene.branch("main", "root")
    claim(scene, "c0", "root", 0, "root")
    scene.attest(Target("2", 0), "root")
    assert wave(scene, 0).awaiting == ("scores of 3 people",)
    (step,) = board(scene).next
    assert (step.who, step.step) == ("conductor", "record the scores of 3 people for 2.0")


def test_a_runner_is_awaited_where_the_policy_asks_for_one() -> None:
    policy = Policy(repository=REPOSITORY, validation=ValidationPolicy(attested_by="runner"))
    scene = Scene(plan("2", Wave(0)), policy=policy)
    scene.commit("root")
    scene.branch("main", "root")
    claim(scene, "c0", "root", 0, "root")
    scene.attest(Target("2", 0), "root")
    assert wave(scene, 0).awaiting == ("a runner",)
    scene.attest(Target("2", 0), "root", role="runner", writer="agent-2")
    assert (wave(scene, 0).awaiting, wave(scene, 0).basis) == (("a runner",), "self")
    scene.attest(Target("2", 0), "root", role="runner", writer="runner-linux")
    assert (wave(scene, 0).state, wave(scene, 0).basis) == ("complete", "runner")
    scene.attest(Target("2", 0), "root", passed=False)
    assert (wave(scene, 0).state, wave(scene, 0).basis) == ("complete", "runner")


def test_a_fixed_criterion_is_checked_again_by_the_reader() -> None:
    scene = Scene(plan("2", Wave(0), criteria=(Criterion("tests.passed", at_least=5),)))
    scene.commit("root")
    scene.branch("main", "root")
    claim(scene, "c0", "root", 0, "root")
    scene.attest(Target("2", 0), "root", metrics={"tests.passed": 4.0})
    assert codes(wave(scene, 0)) == ["CG204"]


OLD = "sha256:" + "1" * 64


def drifted(scene: Scene, **rules: object) -> Snapshot:
    """The snapshot of a scene that had other rules once."""
    then = msgspec.structs.replace(scene.rules(Target("2", 0)), digest=OLD, **rules)
    return msgspec.structs.replace(scene.snapshot(), past_rules={(Target("2", 0), OLD): then})


def test_drift_is_believed_only_for_rules_that_were_once_in_force(scene: Scene) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0", rules=OLD)
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work", rules=OLD)
    assert codes(wave(scene, 0)) == ["CG203"]
    found = fold(drifted(scene), NOW).plans[0].waves[0]
    assert (found.state, found.drift, codes(found)) == ("complete", True, ["CG209"])


def test_rules_that_another_target_had_are_none_of_its_time(scene: Scene) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0", rules=OLD)
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work", rules=OLD)
    (rules,) = drifted(scene).past_rules.values()
    snapshot = msgspec.structs.replace(scene.snapshot(), past_rules={(Target("2", 1), OLD): rules})
    assert codes(fold(snapshot, NOW).plans[0].waves[0]) == ["CG203"]


@pytest.mark.parametrize(
    "demanded",
    [
        {"platforms": ("linux-x86_64", "macos-arm64")},
        {"attested_by": "runner"},
        {"manual": Manual(3, 7)},
        {"min_tests": 5},
        {"criteria": (Criterion("tests.passed", at_least=5),)},
    ],
    ids=lambda demanded: next(iter(demanded)),
)
def test_what_old_rules_still_awaited_is_not_complete_when_they_change(
    scene: Scene, demanded: dict[str, object]
) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0", rules=OLD)
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work", rules=OLD, counts=Counts(passed=1), metrics={"tests.passed": 1.0})
    found = fold(drifted(scene, **demanded), NOW).plans[0].waves[0]
    assert (found.state, codes(found)) == ("claimed", ["CG203"])


def test_what_was_proven_stays_so_when_its_script_is_gone(scene: Scene) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="0", rules=OLD)
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work", rules=OLD)
    snapshot = msgspec.structs.replace(drifted(scene), scripts=Scripts())
    found = fold(snapshot, NOW).plans[0].waves[0]
    assert (found.state, codes(found)) == ("complete", ["CG209"])


def test_a_clock_that_cannot_be_believed_buys_no_last_word(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work", passed=False)
    scene.events[-1] = msgspec.structs.replace(scene.events[-1], clock=10**9)
    assert codes(wave(scene, 0)) == ["CG202"]
    scene.attest(Target("2", 0), "work")
    assert wave(scene, 0).state == "complete"
    assert codes(board(scene)) == ["CG603"]


def test_a_rebased_claim_is_claimed_rewritten(scene: Scene) -> None:
    proof = scene.attest(Target("2", 0), "work")
    scene.commit("rebased", "root", tree="rebased")
    scene.commit("c0", "rebased", line="✅ Wave 0 Complete", tree="rebased", plan="2", wave="0", proof=proof.digest)
    scene.branch("b2", "c0")
    assert codes(wave(scene, 0)) == ["CG211"]


@pytest.mark.parametrize(
    ("writer", "state"),
    [("conductor", "active"), ("agent-2", "active"), ("agent-3", "complete"), ("user-1", "complete")],
)
def test_a_wave_is_reopened_by_the_conductor_or_who_has_the_plan(scene: Scene, writer: str, state: str) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.event("reopening", Target("2", 0), writer, commit=oid("c0"))
    assert wave(scene, 0).state == state


def delegated(scene: Scene, agent: str, by: str, **more: Any) -> Event:
    said = {"agent": agent, "agent_kind": "", "branch": "b2", "workspace": "", "brief": ""}
    return scene.event("delegation", Target("2"), by, **said, **more)


@pytest.mark.parametrize("begun", [True, False], ids=["start commit", "no start commit"])
@pytest.mark.parametrize(("by", "state"), [("conductor", "active"), ("agent-3", "complete")])
def test_who_takes_a_plan_over_on_his_own_word_reopens_nothing(scene: Scene, by: str, state: str, begun: bool) -> None:
    first = delegated(scene, "agent-2", "conductor")
    if begun:
        scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2", delegation=first.id)
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    delegated(scene, "agent-3", by, supersedes=first.id, reason="mine")
    scene.event("reopening", Target("2", 0), "agent-3", commit=oid("c0"))
    assert (wave(scene, 0).state, status(scene).agent) == (state, "agent-3" if by == "conductor" else "agent-2")
    shown = [(found.code, found.message.partition(" of ")[0]) for found in board(scene).findings]
    assert shown == ([] if by == "conductor" else [("CG802", "delegation"), ("CG802", "reopening")])


def test_without_a_start_commit_nobody_reopens_what_he_says_that_he_has(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    delegated(scene, "agent-3", "agent-3")
    scene.event("reopening", Target("2", 0), "agent-3", commit=oid("c0"))
    assert (wave(scene, 0).state, codes(board(scene))) == ("complete", ["CG802"])


@pytest.mark.parametrize("line", ["✅ Wave 0 Complete", "✅ Wave 0 Complete - again"])
def test_the_proof_survives_amend_reword_and_cherry_pick(scene: Scene, line: str) -> None:
    scene.attest(Target("2", 0), "work")
    scene.commit("amended", "work", line=line, tree="work", plan="2", wave="0")
    scene.branch("b2", "amended")
    assert wave(scene, 0).state == "complete"


def test_a_revert_that_names_the_claim_reopens_the_wave(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.commit("undo", "c0", line='Revert "✅ Wave 0 Complete"', reverts="c0")
    scene.branch("b2", "undo")
    assert wave(scene, 0).state == "active"
    claim(scene, "again", "undo", 0, "work")
    assert (wave(scene, 0).state, wave(scene, 0).commit) == ("complete", oid("again"))


@pytest.mark.parametrize("later", [{}, {"reverts": "c0"}])
def test_every_revert_of_a_claim_counts_not_only_the_last_one_read(scene: Scene, later: dict[str, str]) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.commit("undo", "c0", line='Revert "✅ Wave 0 Complete"', reverts="c0")
    scene.branch("b2", "undo")
    scene.commit("stray", "c0", line="undo it elsewhere", **later)
    for notes in (scene.notes, dict(reversed(scene.notes.items()))):
        assert wave(scene, 0, notes=notes).state == "active"


def test_a_revert_survives_a_rebase_that_gives_the_claim_another_name(scene: Scene) -> None:
    claim(scene, "rebased", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.commit("undo", "rebased", line='Revert "✅ Wave 0 Complete"', tree="work", reverts="before the rebase")
    scene.branch("b2", "undo")
    assert wave(scene, 0).state == "active"


def test_a_revert_of_a_merge_that_only_a_cache_still_has_takes_nothing_back(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.commit("undo", "c0", line='Revert "Merge it"', tree="work", reverts="rewound")
    scene.branch("b2", "undo")
    assert wave(scene, 0).state == "complete"
    scene.commit("rewound", "root", "c0")
    assert wave(scene, 0).state == "complete"


@pytest.mark.parametrize("line", ['Revert "Revert "✅ Wave 0 Complete""', 'Reapply "✅ Wave 0 Complete"'])
def test_a_revert_of_a_revert_brings_no_claim_back(scene: Scene, line: str) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.commit("undo", "c0", line='Revert "✅ Wave 0 Complete"', reverts="c0")
    scene.commit("redo", "undo", line=line, tree="work", reverts="undo")
    scene.branch("b2", "redo")
    assert wave(scene, 0).state == "active"
    claim(scene, "again", "redo", 0, "work")
    assert wave(scene, 0).state == "complete"


def test_a_revert_on_another_plans_branch_takes_nothing_back() -> None:
    scene = needing()
    claim(scene, "c20", "start2", 0, "start2")
    scene.attest(Target("2", 0), "start2")
    scene.commit("take in", "start3", "c20", tree="w3")
    scene.commit("undo", "take in", line='Revert "✅ Wave 0 Complete"', tree="w3", reverts="c20")
    scene.branch("b3", "undo")
    scene.commit("landing", "root", "undo", tree="w3")
    scene.branch("main", "landing")
    assert wave(scene, 0).state == "complete"


def test_a_reopening_at_a_commit_that_only_a_cache_still_has_says_nothing_of_what_is_below(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.event("reopening", Target("2", 0), "conductor", commit=oid("rewound"))
    assert wave(scene, 0).state == "complete"
    scene.commit("rewound", "c0")
    assert wave(scene, 0).state == "complete"


def test_a_reopening_event_reopens_up_to_its_commit(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.event("reopening", Target("2", 0), "conductor", commit=oid("c0"))
    assert wave(scene, 0).state == "active"
    claim(scene, "again", "c0", 0, "work")
    assert wave(scene, 0).state == "complete"


def test_a_repeated_claim_is_inert_and_reported(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    claim(scene, "c0bis", "c0", 0, "unproven")
    assert (wave(scene, 0).state, wave(scene, 0).commit) == ("complete", oid("c0"))
    assert codes(status(scene)) == ["CG106"]


def test_a_plan_claim_needs_every_wave(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.attest(Target("2"), "work")
    scene.commit("whole", "c0", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.branch("b2", "whole")
    found = status(scene)
    assert (found.state, [finding.code for finding in found.claim.findings]) == ("claimed", ["CG304"])


def test_what_lacks_below_a_plan_claim_is_proven_where_it_was_claimed(scene: Scene) -> None:
    """The branch of what has landed is gone: nobody could claim there again."""
    claim(scene, "c0", "work", 0, "work")
    claim(scene, "c1", "c0", 1, "work")
    scene.attest(Target("2", 1), "work")
    scene.attest(Target("2"), "work")
    scene.commit("whole", "c1", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.branch("b2", "whole")
    prove = f"conductor-git validate 2.0 --commit {oid('c0')[:12]}"
    assert status(scene).claim.findings[0].hint == prove
    assert [step.command for step in board(scene).next] == [prove]
    # Of content that failed no other run makes another.
    scene.attest(Target("2", 0), "work", passed=False)
    assert status(scene).claim.findings[0].hint == "conductor-git claim 2.0"


def complete(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    claim(scene, "c1", "c0", 1, "work")
    scene.commit("whole", "c1", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.branch("b2", "whole")
    for target in (Target("2", 0), Target("2", 1), Target("2")):
        scene.attest(target, "work")


def test_a_complete_plan_is_active_again_when_its_product_changes(scene: Scene) -> None:
    complete(scene)
    assert status(scene).state == "complete"
    scene.commit("more", "whole")
    scene.branch("b2", "more")
    found = status(scene)
    assert (found.state, [w.state for w in found.waves]) == ("active", ["complete", "complete"])


def test_a_landed_plan_is_merged_also_when_its_branch_is_gone(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", line="Land plan 2", tree="work")
    scene.branch("main", "landing")
    assert (status(scene).state, codes(board(scene))) == ("merged", [])
    del scene.tips["b2"]
    assert (status(scene).state, codes(board(scene))) == ("merged", [])


def test_a_merged_plan_with_commits_that_integration_lacks_is_not_merged(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    scene.commit("more", "whole")
    scene.branch("b2", "more")
    assert status(scene).state == "active"


def test_a_merge_of_unproven_work_is_an_alarm(scene: Scene) -> None:
    scene.commit("sneaky", "root", "work", tree="work")
    scene.branch("main", "sneaky")
    found = board(scene)
    assert codes(found) == ["CG503"]
    assert found.findings[0].severity == "alarm"
    assert found.next[0].who == "conductor"


def test_a_landing_that_was_never_validated_as_it_stands_is_an_alarm(scene: Scene) -> None:
    complete(scene)
    scene.commit("other", "root")
    scene.commit("landing", "other", "whole", tree="result")
    scene.branch("main", "landing")
    assert codes(board(scene)) == ["CG504"]
    scene.attest(Target("2"), "result")
    assert codes(board(scene)) == []


def test_what_was_never_validated_is_made_good_by_what_passes_on_top_of_it(scene: Scene) -> None:
    complete(scene)
    scene.commit("other", "root")
    scene.commit("landing", "other", "whole", tree="result")
    scene.branch("main", "landing")
    scene.attest(Target("2"), "result", passed=False)
    (alarm,) = board(scene).findings
    assert (alarm.code, alarm.hint) == ("CG504", "conductor-git validate 2 --commit main")
    scene.commit("mended", "landing")
    scene.branch("main", "mended")
    assert codes(board(scene)) == ["CG504"]
    scene.attest(Target("2"), "mended")
    assert codes(board(scene)) == []


def test_an_unproven_landing_is_made_good_by_a_proven_one(scene: Scene) -> None:
    scene.commit("sneaky", "root", "work", tree="work")
    scene.branch("main", "sneaky")
    assert codes(board(scene)) == ["CG503"]
    complete(scene)
    scene.commit("landing", "sneaky", "whole", tree="work")
    scene.branch("main", "landing")
    assert codes(board(scene)) == []


def test_an_evil_merge_is_an_alarm(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    assert codes(board(scene, merged={oid("landing"): oid("t:other")})) == ["CG505"]


def test_a_landing_that_changes_the_control_tree_is_an_alarm(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    controls = {oid("t:root"): "aaa", oid("t:work"): "bbb"}
    assert codes(board(scene, controls=controls)) == ["CG507"]


def test_a_landing_is_validated_for_what_it_lands_and_under_real_rules(scene: Scene) -> None:
    complete(scene)
    scene.commit("other", "root")
    scene.commit("landing", "other", "whole", tree="result")
    scene.branch("main", "landing")
    scene.attest(Target("2", 0), "result")
    scene.attest(Target("2"), "result", repository="feedfeedfeedfeed")
    scene.attest(Target("2"), "result", rules="sha256:" + "0" * 64)
    scene.attest(Target("2"), "result", counts=Counts(0, 0, 3))
    assert codes(board(scene)) == ["CG504"]


LANDED = (
    "nothing",
    "a wave was inserted",
    "the plan needs another now",
    "its file is broken",
    "its script is gone",
    "it failed again",
    "it was reopened",
    "it was reverted",
    "a blocker was raised",
)


@pytest.mark.parametrize("later", LANDED)
def test_what_has_landed_is_no_alarm_whatever_comes_later(later: str) -> None:
    then = plan("2", Wave(0))
    now = plan("2", Wave(0), Wave(1)) if later == LANDED[1] else then
    if later == LANDED[2]:
        now = plan("2", Wave(0), needs=(Target("3"),))
    scene = Scene(then, plan("3", Wave(0)))
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    claim(scene, "c0", "start", 0, "work")
    digest = scene.rules(Target("2")).digest
    scene.commit("whole", "c0", line="✅ PLAN 2 COMPLETE", tree="work", plan="2", rules=digest)
    scene.attest(Target("2", 0), "work")
    scene.attest(Target("2"), "work")
    past = {(target, digest): scene.rules(target) for target in (Target("2", 0), Target("2"))}
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    assert codes(board(scene)) == []
    scene.plans = (scene.plans[1],) if later == LANDED[3] else (now, scene.plans[1])
    if later == LANDED[5]:
        scene.attest(Target("2"), "work", passed=False, rules=digest)
    if later == LANDED[6]:
        scene.event("reopening", Target("2"), "conductor", commit=oid("landing"))
    if later == LANDED[7]:
        scene.commit("undo", "landing", line='Revert "Land plan 2"', tree="root", reverts="landing")
        scene.branch("main", "undo")
    if later == LANDED[8]:
        scene.event("blocker", Target("2"), "agent-9", message="no")
    snapshot = scene.snapshot(declared={oid("landing"): {"2": then}})
    scripts = Scripts() if later == LANDED[4] else snapshot.scripts
    found = fold(msgspec.structs.replace(snapshot, past_rules=past, scripts=scripts), NOW)
    assert [finding.code for finding in found.findings if finding.severity == "alarm"] == []


def test_a_landing_without_a_wave_that_was_declared_then_is_an_alarm(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.commit("whole", "c0", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.attest(Target("2", 0), "work")
    scene.attest(Target("2"), "work")
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    (both,) = scene.plans
    assert codes(board(scene)) == ["CG503"]
    assert codes(board(scene, declared={oid("landing"): {"2": both}})) == ["CG503"]
    assert codes(board(scene, declared={oid("landing"): {"2": plan("2", Wave(0))}})) == []


def test_a_reverted_landing_takes_the_plans_claim_back(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.commit("undo", "landing", line='Revert "Land plan 2"', tree="root", reverts="landing")
    scene.branch("main", "undo")
    found = status(scene)
    assert (found.state, [w.state for w in found.waves]) == ("active", ["complete", "complete"])
    assert [(finding.code, finding.message) for finding in found.findings] == [
        ("CG509", f"the landing of plan 2 was reverted on 'main' by {oid('undo')[:7]}")
    ]
    (step,) = (step for step in board(scene).next if step.who == "agent-2")
    assert step.command.startswith(f"git merge main && git revert --no-edit {oid('undo')[:12]}")
    scene.commit("back", "undo", tree="work")
    scene.commit("again", "back", line="✅ PLAN 2 COMPLETE", tree="work", plan="2")
    scene.branch("b2", "again")
    assert status(scene).state == "complete"
    scene.commit("second", "undo", "again", tree="work")
    scene.branch("main", "second")
    assert (status(scene).state, codes(board(scene))) == ("merged", [])


def test_a_reverted_landing_of_more_than_the_claim_takes_it_back_too(scene: Scene) -> None:
    complete(scene)
    scene.commit("after", "whole", "root", tree="work")
    scene.commit("landing", "root", "after", tree="work")
    scene.branch("main", "landing")
    assert status(scene).state == "merged"
    scene.commit("undo", "landing", line='Revert "Land plan 2"', tree="root", reverts="landing")
    scene.branch("main", "undo")
    assert status(scene).state == "active"


def test_a_landing_that_another_plans_landing_reverts_is_reverted(scene: Scene) -> None:
    complete(scene)
    scene.plans = (*scene.plans, plan("3", Wave(0)))
    scene.commit("landing", "root", "whole", tree="work")
    scene.commit("start of 3", "landing", line="▶ PLAN 3 START - agent-3", tree="work", plan="3")
    scene.commit("undo", "start of 3", line='Revert "Land plan 2"', tree="root", reverts="landing")
    scene.branch("main", "landing")
    scene.branch("b3", "undo")
    assert status(scene).state == "merged"
    scene.commit("second", "landing", "undo", tree="root")
    scene.branch("main", "second")
    assert status(scene).state == "active"


def two_plans() -> Scene:
    """Plans 2 and 3, both complete on their branches; their content does not differ."""
    scene = needing()
    for name in ("2", "3"):
        target = Target(name, 0)
        parents = (f"start{name}",) if name == "2" else ("start3", "c2")
        scene.commit(f"merge{name}", *parents, tree="both")
        scene.commit(f"c{name}", f"merge{name}", line="✅ Wave 0 Complete", tree="both", plan=name, wave="0")
        scene.commit(f"whole{name}", f"c{name}", line=f"✅ PLAN {name} COMPLETE", tree="both", plan=name)
        scene.branch(f"b{name}", f"whole{name}")
        for each in (target, Target(name)):
            scene.attest(each, "both")
    return scene


def test_a_plan_lands_together_with_the_claims_that_it_needed() -> None:
    scene = two_plans()
    scene.commit("landing", "root", "whole3", tree="both")
    scene.branch("main", "landing")
    assert (status(scene, "3").state, codes(board(scene))) == ("merged", [])


def test_unproven_work_of_another_plan_does_not_come_along_with_a_proven_one() -> None:
    scene = two_plans()
    scene.commit("wip", "c2")
    scene.commit("takes wip", "c3", "wip", tree="both")
    scene.commit("whole", "takes wip", line="✅ PLAN 3 COMPLETE", tree="both", plan="3")
    scene.branch("b3", "whole")
    scene.commit("landing", "root", "whole", tree="both")
    scene.branch("main", "landing")
    (alarm,) = [finding for finding in board(scene).findings if finding.severity == "alarm"]
    assert (alarm.code, "brought plan 2 into" in alarm.message) == ("CG503", True)


@pytest.mark.parametrize(("second", "expected"), [("whole3", []), ("wip", ["CG503"]), ("fix", [])])
def test_each_head_of_an_octopus_is_asked_for_its_proof(second: str, expected: list[str]) -> None:
    scene = two_plans()
    scene.commit("wip", "start3")
    scene.commit("fix", "root")
    scene.commit("landing", "root", "whole2", second, tree="both")
    scene.branch("main", "landing")
    assert codes(board(scene)) == expected


def test_what_came_by_pull_is_judged_where_it_was_landed(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.commit("local", "root")
    scene.commit("pulled", "local", "landing")
    scene.branch("main", "pulled")
    assert (status(scene).state, codes(board(scene))) == ("merged", [])


def test_an_unproven_landing_that_came_by_pull_is_an_alarm_all_the_same(scene: Scene) -> None:
    scene.commit("landing", "root", "work")
    scene.commit("local", "root")
    scene.commit("pulled", "local", "landing")
    scene.branch("main", "pulled")
    assert [(finding.code, finding.subject) for finding in board(scene).findings] == [("CG503", oid("landing"))]


def test_landings_that_came_by_a_thousand_pulls_are_judged(scene: Scene) -> None:
    complete(scene)
    scene.commit("line0", "root", "whole", tree="work")
    for number in range(1, 1001):
        scene.commit(f"local{number}", "root", tree="root")
        scene.commit(f"line{number}", f"local{number}", f"line{number - 1}", tree="work")
    scene.branch("main", "line1000")
    assert (status(scene).state, codes(board(scene))) == ("merged", [])


def test_accepting_a_fast_forward_settles_that_one_and_no_later_one(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.branch("main", "c0")
    (first,) = board(scene).findings
    assert (first.code, first.subject) == ("CG502", oid("c0"))
    scene.event("acceptance", writer="conductor", commit=first.subject)
    assert codes(board(scene)) == []
    claim(scene, "c1", "c0", 1, "work")
    scene.branch("main", "c1")
    assert [(finding.code, finding.subject) for finding in board(scene).findings] == [("CG502", oid("c1"))]


def test_a_merge_that_cannot_be_done_again_here_is_said_and_is_no_alarm(scene: Scene) -> None:
    complete(scene)
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    (found,) = board(scene, untold=frozenset({oid("landing")})).findings
    assert (found.code, found.severity) == ("CG505", "warning")


def test_a_fast_forward_of_integration_onto_a_plan_is_one_alarm(scene: Scene) -> None:
    complete(scene)
    scene.branch("main", "whole")
    assert codes(board(scene)) == ["CG502"]


@pytest.mark.parametrize(("direct", "expected"), [("any", []), ("control", ["code"]), ("none", ["plans", "code"])])
def test_direct_steps_are_what_the_policy_allows(direct: str, expected: list[str]) -> None:
    scene = Scene(plan("2", Wave(0)), policy=msgspec.convert({"repository": REPOSITORY, "direct": direct}, Policy))
    scene.commit("root")
    scene.commit("plans", "root", tree="root")
    scene.commit("code", "plans")
    scene.branch("main", "code")
    found = board(scene, since=oid("root")).findings
    assert [(finding.code, finding.subject) for finding in found] == [("CG506", oid(name)) for name in expected]


def test_an_accepted_step_is_settled(scene: Scene) -> None:
    scene.commit("sneaky", "root", "work", tree="work")
    scene.branch("main", "sneaky")
    scene.event("acceptance", writer="agent-2", commit=oid("sneaky"), reason="trust me")
    assert codes(board(scene)) == ["CG503", "CG802"]
    scene.event("acceptance", writer="conductor", commit=oid("sneaky"), reason="looked at it")
    assert codes(board(scene)) == ["CG802"]


def needing() -> Scene:
    """Plan 3's wave 0 needs 2.0; both are begun."""
    scene = Scene(plan("2", Wave(0)), plan("3", Wave(0, needs=(Target("2", 0),))))
    scene.commit("root")
    scene.commit("start2", "root", line="▶ PLAN 2 START - agent-2", plan="2")
    scene.commit("start3", "root", line="▶ PLAN 3 START - agent-3", plan="3")
    scene.branch("main", "root")
    scene.branch("b2", "start2")
    scene.branch("b3", "start3")
    return scene


def test_a_wave_waits_for_what_it_needs() -> None:
    scene = needing()
    assert (wave(scene, 0, "3").state, status(scene, "3").waiting_for) == ("waiting", ("2.0",))
    assert status(scene).unblocks == ("3.0",)


def test_a_need_must_be_an_ancestor_of_the_claim() -> None:
    scene = needing()
    claim(scene, "c20", "start2", 0, "start2")
    scene.attest(Target("2", 0), "start2")
    scene.commit("c30", "start3", line="✅ Wave 0 Complete", tree="w3", plan="3", wave="0")
    scene.branch("b3", "c30")
    scene.attest(Target("3", 0), "w3")
    assert (wave(scene, 0, "3").state, codes(wave(scene, 0, "3"))) == ("claimed", ["CG303"])
    scene.commit("take in", "c30", "c20", tree="w3")
    scene.commit("c30b", "take in", line="✅ Wave 0 Complete", tree="w3", plan="3", wave="0")
    scene.branch("b3", "c30b")
    assert (wave(scene, 0, "3").state, wave(scene, 0, "3").commit) == ("complete", oid("c30b"))


def test_a_claim_reachable_from_several_branches_is_one() -> None:
    scene = needing()
    claim(scene, "c20", "start2", 0, "start2")
    scene.attest(Target("2", 0), "start2")
    scene.commit("take in", "start3", "c20", tree="w3")
    scene.branch("b3", "take in")
    assert wave(scene, 0, "2").state == "complete"
    assert codes(status(scene)) == []


def test_a_trailer_of_another_plan_makes_the_claim_inert() -> None:
    scene = needing()
    scene.commit("forged", "start3", line="✅ Wave 0 Complete", tree="start3", plan="2", wave="0")
    scene.branch("b3", "forged")
    scene.branch("b2", "forged")
    scene.attest(Target("2", 0), "start3")
    assert (wave(scene, 0).state, codes(board(scene))) == ("active", ["CG103"])


def test_a_claim_in_anothers_name_leaves_that_plan_as_it_was() -> None:
    scene = needing()
    scene.commit("forged", "start3", line="✅ Wave 0 Complete", tree="start3", plan="2", wave="0")
    scene.branch("b3", "forged")
    before = status(scene, "2")
    scene.commit("landing", "root", "forged", tree="start3")
    scene.branch("main", "landing")
    assert status(scene, "2") == before
    assert codes(board(scene)) == ["CG503", "CG103"]


def test_a_claim_with_wrong_trailers_is_inert_and_warned_of(scene: Scene) -> None:
    scene.commit("c0", "work", line="✅ Wave 0 Complete", tree="work", plan="2", wave="1")
    scene.branch("b2", "c0")
    scene.attest(Target("2", 0), "work")
    found = board(scene)
    assert (found.plans[0].waves[0].state, codes(found)) == ("active", ["CG104"])
    assert found.findings[0].severity == "warning"


def test_claims_above_anothers_start_commit_are_that_plans_and_are_shown() -> None:
    scene = needing()
    scene.commit("c0", "start2", line="✅ Wave 0 Complete", tree="start2")
    scene.branch("b3", "c0")
    found = board(scene)
    assert [finding.message for finding in found.findings] == [
        f"claim {oid('c0')[:7]} names plan 2 and stands on plan 3"
    ]


def test_claims_of_a_plan_that_was_renumbered_are_shown_where_they_stand() -> None:
    scene = Scene(plan("7", Wave(0)))
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    scene.commit("c0", "start", line="✅ Wave 0 Complete", tree="root", plan="2", wave="0")
    scene.branch("main", "root")
    scene.branch("b7", "c0")
    assert [(finding.code, finding.subject) for finding in board(scene).findings] == [("CG103", "2")]


def test_whose_a_claim_is_does_not_depend_on_what_was_asked_before() -> None:
    scene = needing()
    scene.commit("unsigned", "start2", line="✅ Wave 0 Complete", tree="start2")
    scene.commit("above", "unsigned", line="✅ Wave 0 Complete - again", tree="start2")
    scene.branch("main", "above")
    del scene.tips["b2"], scene.tips["b3"]
    for notes in (scene.notes, dict(reversed(scene.notes.items()))):
        found = board(scene, notes=notes)
        assert [(finding.code, finding.detail) for finding in found.findings] == [
            ("CG502", "look: git log --first-parent main"),
            ("CG105", "and 1 more like it"),
        ]


def test_many_faults_of_one_kind_are_one_line(scene: Scene) -> None:
    scene.commit("bad0", "work", line="Wave 0 done", tree="work")
    for number in range(1, 5):
        scene.commit(f"bad{number}", f"bad{number - 1}", line=f"Wave {number} done", tree="work")
    scene.branch("b2", "bad4")
    (found,) = board(scene).findings
    assert (found.code, found.message[:13], found.detail) == ("CG102", "'Wave 4 done'", "and 4 more like it")


def test_a_claim_of_no_plan_counts_for_nothing_and_is_shown(scene: Scene) -> None:
    scene.commit("stray", "root", line="✅ Wave 0 Complete", tree="root")
    scene.branch("main", "stray")
    assert codes(board(scene)) == ["CG502", "CG105"]
    assert wave(scene, 0).state == "active"


def test_a_merge_that_brings_a_claim_of_no_plan_is_an_alarm(scene: Scene) -> None:
    scene.commit("stray", "root", line="✅ Wave 0 Complete", tree="stray")
    scene.commit("merge", "root", "stray", tree="stray")
    scene.branch("main", "merge")
    assert codes(board(scene)) == ["CG503", "CG105"]


def test_without_a_ledger_nothing_that_it_may_settle_is_an_alarm(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.commit("merge", "root", "c0", tree="work")
    scene.branch("main", "merge")
    snapshot = scene.snapshot()
    found = fold(msgspec.structs.replace(snapshot, ledger=msgspec.structs.replace(snapshot.ledger, fetched=False)), NOW)
    told = {finding.code: (finding.severity, finding.hint) for finding in found.findings}
    fetch = "conductor-git install && git fetch"
    assert told == {"CG503": ("warning", fetch), "CG604": ("warning", fetch)}
    assert [finding.severity for finding in fold(snapshot, NOW).findings] == ["alarm"]
    assert [(step.step, step.command) for step in found.next] == [("fetch the ledger of the others", fetch)]
    said = [each.message for each in found.plans[0].waves[0].findings if each.code == "CG201"]
    assert [text.partition("' ")[2] for text in said] == ["has no passing validation that is known here"]


def test_a_blocker_blocks_until_it_is_resolved(scene: Scene) -> None:
    blocker = scene.event("blocker", Target("2", 0), "agent-2", level="high", message="the tests hang")
    found = status(scene)
    assert (found.state, found.waves[0].state, found.blockers[0].message) == ("blocked", "blocked", "the tests hang")
    scene.event("resolution", Target("2", 0), "conductor", blocker=blocker.id)
    assert status(scene).state == "active"


def test_the_most_urgent_blocker_is_answered_first(scene: Scene) -> None:
    for level in ("low", "high", "critical", "urgent"):
        scene.event("blocker", Target("2", 0), "agent-2", level=level, message=f"a {level} one")
    assert [blocker.level for blocker in status(scene).blockers] == ["critical", "high", "urgent", "low"]
    answer = next(step for step in board(scene).next if step.step == "answer the blocker on 2.0")
    assert answer.command.startswith(f"conductor-git guide {status(scene).blockers[0].id[:4]}")


@pytest.mark.parametrize(
    ("writer", "state"), [("agent-2", "active"), ("conductor", "active"), ("agent-3", "blocked"), ("u-1", "blocked")]
)
def test_a_blocker_is_resolved_by_its_author_or_the_conductor(scene: Scene, writer: str, state: str) -> None:
    blocker = scene.event("blocker", Target("2", 0), "agent-2", message="the tests hang")
    scene.event("resolution", Target("2", 0), writer, blocker=blocker.id)
    assert status(scene).state == state


def test_a_blocker_on_what_is_proven_undoes_nothing_and_stops_the_landing(scene: Scene) -> None:
    complete(scene)
    for target in (Target("2", 0), Target("2")):
        scene.event("blocker", target, "agent-9", message="not in my name")
    found = board(scene)
    assert (found.plans[0].state, [w.state for w in found.plans[0].waves]) == ("complete", ["complete", "complete"])
    assert [(step.who, step.step) for step in found.next] == [
        ("conductor", "answer the blocker on 2.0; it lands after that")
    ]
    scene.commit("landing", "root", "whole", tree="work")
    scene.branch("main", "landing")
    assert (status(scene).state, codes(board(scene))) == ("merged", [])


def test_a_blocker_on_the_whole_plan_is_one_on_each_wave_that_is_not_complete(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    scene.event("blocker", Target("2"), "agent-9", message="wait")
    found = status(scene)
    assert (found.state, [w.state for w in found.waves]) == ("blocked", ["complete", "blocked"])


@pytest.mark.parametrize("named", [["x"], {"x": 1}, None, 7, True])
@pytest.mark.parametrize("kind", ["acceptance", "resolution", "reopening", "delegation", "blocker", "attestation"])
def test_events_of_any_shape_are_no_harm(scene: Scene, kind: str, named: object) -> None:
    complete(scene)
    keys = ("commit", "blocker", "message", "level", "statement", "agent", "supersedes")
    scene.event(kind, Target("2", 0), "conductor", **dict.fromkeys(keys, named))
    assert status(scene).state == "complete"


def test_a_claim_of_a_wave_that_is_gone_is_retired(scene: Scene) -> None:
    scene.commit("c9", "work", line="✅ Wave 9 Complete", tree="work", plan="2", wave="9")
    scene.branch("b2", "c9")
    assert wave(scene, 9).state == "retired"


def test_a_malformed_claim_is_inert_and_warned_of(scene: Scene) -> None:
    scene.commit("bad", "work", line="Wave 0 done", tree="work")
    scene.branch("b2", "bad")
    assert codes(board(scene)) == ["CG102"]
    assert wave(scene, 0).state == "active"


def test_next_steps_say_who_and_what(scene: Scene) -> None:
    assert [(step.who, step.command) for step in board(scene).next] == [("agent-2", "conductor-git claim 2.0")]
    complete(scene)
    assert [(step.who, step.step) for step in board(scene).next] == [("conductor", "land plan 2 on 'main'")]


@pytest.mark.parametrize(
    ("paths", "touched", "where"),
    [
        (("a",), {"a": (oid("land"), "plan 1")}, f"'a' (plan 1 changed it, {oid('land')[:7]})"),
        (("a", "b\udcff"), {}, r"'a', 'b\udcff'"),
        (tuple("abcdefg"), {}, "'a', 'b', 'c', 'd', 'e' and 2 more"),
    ],
)
def test_what_does_not_merge_is_its_agents_and_does_not_land(
    scene: Scene, paths: tuple[str, ...], touched: dict[str, tuple[Oid, str]], where: str
) -> None:
    complete(scene)
    folded = board(scene)
    assert to_land(folded) == {"2": folded.plans[0].claim.commit}
    found = with_clashes(folded, {"2": Clash(paths, touched)})
    (finding,) = found.plans[0].findings
    assert (finding.code, finding.subject) == ("CG511", "2")
    assert finding.message == f"plan 2 does not merge into 'main': {where}"
    assert finding.hint == "git merge main && conductor-git claim 2    # agent-2, on 'b2', once it is settled there"
    assert [(step.who, step.step, step.command) for step in found.next] == [
        ("agent-2", "settle plan 2 with 'main', then claim it again", finding.hint)
    ]
    assert idle(found, "agent-2", NOW) == ""
    assert found.plans[0].state == "complete"


def test_a_blocker_is_answered_before_a_conflict_is_settled(scene: Scene) -> None:
    complete(scene)
    scene.event("blocker", Target("2"), "agent-2", message="which format?")
    found = with_clashes(board(scene), {"2": Clash(("a",))})
    assert [step.step for step in found.next] == ["answer the blocker on 2; it lands after that"]


def test_nothing_is_to_land_before_a_plan_is_complete_or_after_it_landed(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    scene.attest(Target("2", 0), "work")
    assert to_land(board(scene)) == {}
    complete(scene)
    tip = scene.tips["b2"].oid
    scene.tips["main"] = Tip("refs/heads/main", tip)
    assert to_land(board(scene)) == {}


def test_a_ledger_that_was_never_fetched_is_said_and_is_no_alarm(scene: Scene) -> None:
    claim(scene, "c0", "work", 0, "work")
    snapshot = scene.snapshot()
    snapshot = msgspec.structs.replace(snapshot, ledger=msgspec.structs.replace(snapshot.ledger, fetched=False))
    found = fold(snapshot, NOW)
    assert [(finding.code, finding.severity) for finding in found.findings] == [("CG604", "warning")]


def test_of_two_clones_that_delegate_the_start_commit_decides() -> None:
    scene = Scene(plan("2", Wave(0)))
    facts = {"agent_kind": "", "branch": "b2", "workspace": "../w"}
    winner = scene.event("delegation", Target("2"), "conductor", agent="agent-2", **facts)
    scene.event("delegation", Target("2"), "conductor", agent="agent-9", **facts)
    scene.commit("root")
    scene.commit("start", "root", line="▶ PLAN 2 START - agent-2", plan="2", delegation=winner.id)
    scene.branch("main", "root")
    scene.branch("b2", "start")
    assert status(scene).agent == "agent-2"
    scene.event(
        "delegation", Target("2"), "conductor", agent="agent-3", supersedes=winner.id, reason="agent-2 is gone", **facts
    )
    assert status(scene).agent == "agent-3"


def test_a_thousand_claims_in_a_row_are_judged() -> None:
    numbers = range(1000)
    scene = Scene(plan("2", *(Wave(number) for number in numbers)))
    scene.commit("start", line="▶ PLAN 2 START - agent-2", plan="2", tree="work")
    for number in numbers:
        claim(scene, f"c{number}", f"c{number - 1}" if number else "start", number, "work")
        scene.attest(Target("2", number), "work")
    newest_first = dict(reversed(scene.notes.items()))
    assert {w.state for w in status(scene, notes=newest_first).waves} == {"complete"}
