"""`merge`, from outside: what lands, what does not, and what is left as it was."""

from __future__ import annotations

import json
import subprocess

from conductor_git.core.targets import Target
from conductor_git.store.plumbing.repository import discover
from tests.landings import Yard, claim_of, prove


def test_what_is_ready_lands_as_one_batch_with_a_merge_each(yard: Yard) -> None:
    tips = [claim_of(yard, plan) for plan in ("2", "3")]
    code, said = yard.merge("2", "3")
    assert code == 0, said
    assert yard.first_parents() == ["Land plan 3: Job 3", "Land plan 2: Job 2", "begin"]
    assert yard.git(yard.root, "log", "-2", "--first-parent", "--format=%P").split()[1::2] == tips[::-1]
    assert yard.git(yard.root, "status", "--porcelain") == ""
    assert (yard.root / "f3").exists()
    assert yard.ran() == "2 3"


def test_a_landing_names_plan_and_proof_and_is_in_the_ledger_with_its_claim(yard: Yard) -> None:
    tip = claim_of(yard, "2")
    assert yard.merge("2")[0] == 0
    merge = yard.git(yard.root, "rev-parse", "main")
    trailers = yard.git(yard.root, "log", "-1", "--format=%(trailers:only,unfold)").splitlines()
    assert trailers[0] == "Conductor-Plan: 2"
    assert trailers[1].startswith("Conductor-Proof: sha256:")
    (ledger,) = yard.git(yard.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/conductor.*").split()
    assert tip in yard.git(yard.root, "log", "-1", "--format=%P", ledger).split()
    assert f'"commit":"{merge}"' in yard.git(
        yard.root, "log", "-1", "-p", "--diff-merges=first-parent", "--format=", ledger
    )


def test_the_audit_finds_nothing_wrong_with_what_merge_did(yard: Yard) -> None:
    code, said = yard.merge("1", "2", "3")
    assert code == 0, said
    code, said = yard.run("conductor-git", "audit")
    assert code == 0, said
    assert "4 steps of integration: 1 direct, 3 landing" in said


def test_nothing_named_is_everything_that_is_ready_and_the_innocent_land(yard: Yard) -> None:
    code, said = yard.merge()
    assert code == 1
    assert yard.first_parents()[:3] == ["Land plan 3: Job 3", "Land plan 2: Job 2", "Land plan 1: Job 1"]
    assert "error: plan 4 and plan 1 are green alone and red together: verify.sh failed" in said
    assert "error: plan 5 does not merge into 'main': 'shared' (plan 1 changed it, " in said
    assert "next:" not in said
    assert "hint: git merge main && conductor-git claim 5    # agent-5, on 'b5', once it is settled there" in said


def test_only_the_conductor_lands(yard: Yard) -> None:
    code, said = yard.merge("2", CONDUCTOR_WRITER="agent-2")
    assert code == 1
    assert "error: only the conductor lands on 'main', and this worktree's writer is 'agent-2' [CG501]" in said
    assert yard.first_parents() == ["begin"]


def test_a_branch_of_no_plan_lands_under_the_policys_default_validation(yard: Yard) -> None:
    yard.git(yard.root, "branch", "fix")
    yard.commit("fixed", at="fix")
    assert yard.fates("fix") == {"fix": "landed"}
    assert yard.first_parents()[0] == "Land branch 'fix'"
    assert yard.ran() == "integration"


def test_what_was_proven_exactly_as_it_would_land_is_not_run_again(yard: Yard) -> None:
    code, said = yard.merge("2", "--dry-run")
    assert (code, said) == (0, f"would land, each tried on 'main' at {yard.tip()[:7]}: plan 2\n")
    assert yard.fates("2") == {"2": "landed"}
    assert yard.ran() == ""


def test_a_plan_edited_on_integration_meanwhile_changes_no_proof(yard: Yard) -> None:
    path = ".conductor/plans/2.md"
    text = (yard.root / path).read_text()
    yard.commit(path, text.replace("Job 2", "Another title"))
    assert yard.fates("2") == {"2": "landed"}
    assert yard.ran() == ""


def test_under_new_rules_nothing_of_before_counts(yard: Yard) -> None:
    path = ".conductor/scripts/verify.sh"
    yard.commit(path, (yard.root / path).read_text() + "exit 1\n")
    code, said = yard.merge("2")
    assert code == 1
    assert "error: 2 was proven" not in said
    assert yard.first_parents()[0] == f"change {path}"


def test_what_is_red_on_integration_stays_out_and_is_run_twice(yard: Yard) -> None:
    yard.commit("poison2")
    code, said = yard.merge("2", "3")
    assert code == 1
    assert yard.first_parents()[0] == "Land plan 3: Job 3"
    assert "error: plan 2 is red on 'main': verify.sh failed [CG512]" in said
    # Both; 2 alone; 2 once more; nobody is blamed for what main does itself; 3 alone.
    assert yard.ran() == "2 2 2 integration 3"


def test_nobody_is_blamed_where_integration_does_not_pass_itself(yard: Yard) -> None:
    for broken in ("f1", "f4"):
        yard.commit(broken)
    data = yard.json("2", "3")
    assert {fate["name"]: fate["fate"] for fate in data["fates"]} == {"2": "unjudged", "3": "unjudged"}
    assert {finding["code"] for finding in data["findings"]} == {"CG517"}
    assert f"'main' at {yard.tip()[:7]} does not pass itself: verify.sh failed" in data["findings"][0]["message"]
    assert yard.ran().split().count("integration") == 1
    # What mends it lands all the same.
    yard.git(yard.root, "branch", "fix")
    yard.git(yard.root, "switch", "-q", "fix")
    yard.git(yard.root, "rm", "-q", "f4")
    yard.git(yard.root, "commit", "-q", "--no-verify", "-m", "mend it")
    yard.git(yard.root, "switch", "-q", "main")
    assert yard.fates("fix", "2") == {"fix": "landed", "2": "landed"}


def test_a_flaky_validation_is_run_once_more_and_said_to_be_flaky(yard: Yard) -> None:
    yard.commit("other")
    code, said = yard.merge("2", FLAKY=str(yard.root.parent / "flaky"))
    assert code == 0, said
    assert "it passed the second time only" in said
    assert yard.ran() == "2 2"


def test_nothing_ready_is_no_error(yard: Yard) -> None:
    assert yard.merge("1", "2", "3")[0] == 0
    for plan in ("4", "5"):
        (yard.root / ".git" / "refs" / "heads" / f"b{plan}").unlink()
    assert yard.merge() == (0, "nothing is ready to land on 'main'\n")
    assert yard.merge("2") == (0, "  2: on 'main' already\n")


def test_a_dirty_file_stops_a_landing_only_where_it_would_be_overwritten(yard: Yard) -> None:
    (yard.root / "shared").write_text("mine\n")
    code, said = yard.merge("1")
    assert code == 2
    assert f"error: 'shared' in '{yard.root}' would be overwritten: changed there and not committed" in said
    assert yard.merge("2")[0] == 0
    assert yard.git(yard.root, "diff", "--name-only") == "shared"


def test_an_integration_that_was_moved_back_stops_the_queue(yard: Yard) -> None:
    assert yard.merge("2")[0] == 0
    landed = yard.tip()
    (yard.root / ".git" / "refs" / "heads" / "main").write_text(yard.git(yard.root, "rev-parse", "main^1") + "\n")
    yard.git(yard.root, "reset", "-q", "--hard")
    code, said = yard.merge("3")
    assert code == 1
    assert (
        f"alarm: landing '{landed[:12]}' of plan 2 is recorded, and 'main' ({yard.tip()[:7]}) does not have it" in said
    )
    assert yard.first_parents() == ["begin"]


def test_integration_without_a_worktree_is_moved_just_as_well(yard: Yard) -> None:
    yard.git(yard.root, "switch", "-q", "-c", "aside")
    assert yard.fates("2") == {"2": "landed"}
    assert yard.first_parents()[0] == "Land plan 2: Job 2"
    assert not (yard.root / "f2").exists()


def test_what_left_its_bounds_past_the_door_does_not_land(yard: Yard) -> None:
    path = ".conductor/plans/2.md"
    text = (yard.root / path).read_text()
    yard.commit(path, text.replace("branch: b2\n", "branch: b2\nscope: ['docs/**']\n"))
    work = yard.git(yard.root, "rev-parse", "--short=7", "b2~2")
    code, said = yard.merge("2", "3")
    assert code == 1
    assert f"error: {work}: 'f2' is outside the scope of plan 2 [CG401]" in said
    assert yard.first_parents()[0] == "Land plan 3: Job 3"


def test_patience_ends_before_the_run_and_the_same_command_attaches_again(yard: Yard) -> None:
    yard.commit("other")
    code, said = yard.merge("2", "--max", "1s", PAUSE_RUNS="2")
    assert code == 4
    assert "hint: conductor-git merge 2    # attaches to it again, and goes on from there" in said
    assert yard.first_parents()[0] == "change other"
    assert yard.merge("2", PAUSE_RUNS="2")[0] == 0
    assert (yard.first_parents()[0], yard.ran()) == ("Land plan 2: Job 2", "2")


def test_one_commit_that_is_asked_for_twice_lands_once(yard: Yard) -> None:
    assert yard.fates("2", "b2", "2") == {"2": "landed"}
    assert yard.first_parents() == ["Land plan 2: Job 2", "begin"]


def test_a_wave_lands_by_itself_and_its_plan_after_it_where_the_policy_says_so(yard: Yard) -> None:
    code, said = yard.merge("2.0")
    assert (code, yard.first_parents()) == (1, ["begin"])
    assert "error: wave 2.0 does not land before its plan: the policy has plans land as a whole [CG519]" in said
    yard.policy("[landing]\nwaves = true\n")
    assert yard.fates("2.0", "2") == {"2.0": "landed", "2": "landed"}
    assert yard.first_parents()[:2] == ["Land plan 2: Job 2", "Land wave 2.0: All"]


def test_the_policys_own_landing_validation_runs_on_each_result_and_on_branches_of_no_plan(yard: Yard) -> None:
    assert yard.merge("1")[0] == 0
    script = yard.root / ".conductor" / "scripts" / "whole.sh"
    script.write_text('#!/bin/sh\necho "whole $CONDUCTOR_PLAN" >>"$COUNT_RUNS"\n[ ! -e f3 ]\n')
    script.chmod(0o755)
    yard.git(yard.root, "add", ".conductor")
    yard.policy('[landing]\nvalidation = "whole.sh"\n')
    (alarm,) = yard.alarms()
    assert alarm.startswith("'main' did not pass 'whole.sh', as the policy asks of landings, since ")
    for plan in "23":
        # A script more is other rules.
        prove(discover(str(yard.root)), Target(plan, 0), f"b{plan}")
        prove(discover(str(yard.root)), Target(plan), f"b{plan}")
    yard.git(yard.root, "branch", "fix")
    yard.commit("fixed", at="fix")
    assert yard.fates("2", "3", "fix") == {"2": "landed", "3": "red", "fix": "landed"}
    assert yard.ran().startswith("2 3 whole integration")
    assert yard.alarms() == []


def test_progress_for_machines_is_json_lines_beside_the_one_object(yard: Yard) -> None:
    argv = ["conductor-git", "merge", "2", "3", "--json"]
    done = subprocess.run(argv, cwd=yard.root, capture_output=True, text=True, env=yard.env(), check=False)
    assert [fate["fate"] for fate in json.loads(done.stdout)["fates"]] == ["landed", "landed"]
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    told = [(line["progress"], line["names"]) for line in lines if line["progress"] != "note"]
    assert told == [("validating", ["2", "3"]), ("fate", ["2"]), ("fate", ["3"])]
    assert [line["commit"] for line in lines if line["progress"] == "fate"] == [yard.tip("main^"), yard.tip()]


def test_what_was_sent_back_lands_once_it_is_claimed_again(yard: Yard) -> None:
    assert yard.merge("1")[0] == 0
    assert yard.fates("5") == {"5": "conflict"}
    yard.git(yard.root, "switch", "-q", "b5")
    yard.run("git", "merge", "-q", "main")
    (yard.root / "shared").write_text("1 and 5\n")
    yard.git(yard.root, "commit", "-q", "-am", "take main in")
    code, said = yard.run("conductor-git", "claim", "5", CONDUCTOR_WRITER="agent-5")
    assert code == 0, said
    yard.git(yard.root, "switch", "-q", "main")
    assert yard.fates("5") == {"5": "landed"}
    assert (yard.root / "shared").read_text() == "1 and 5\n"


def test_a_wave_that_does_not_merge_lands_once_it_is_claimed_again(yard: Yard) -> None:
    yard.policy("[landing]\nwaves = true\n")
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", "update-ref", "refs/heads/b5", "b5~1")
    assert yard.merge("1")[0] == 0
    code, said = yard.merge("5.0")
    assert (code, "error: wave 5.0 does not merge into 'main': 'shared' (plan 1 changed it, " in said) == (1, True), (
        said
    )
    assert "hint: git merge main && conductor-git claim 5.0    # agent-5, on 'b5', once it is settled there" in said
    yard.git(yard.root, "switch", "-q", "b5")
    yard.run("git", "merge", "-q", "main")
    (yard.root / "shared").write_text("1 and 5\n")
    yard.git(yard.root, "commit", "-q", "-am", "take main in")
    code, said = yard.run("conductor-git", "claim", "5.0", CONDUCTOR_WRITER="agent-5")
    assert (code, said.startswith("wave 5.0 claimed: ")) == (0, True), said
    claim = yard.tip("b5")
    assert "changes nothing" not in str(yard.board())
    # The same content once more is the same claim.
    assert "nothing was committed" in yard.run("conductor-git", "claim", "5.0", CONDUCTOR_WRITER="agent-5")[1]
    yard.git(yard.root, "switch", "-q", "main")
    assert yard.fates("5.0") == {"5.0": "landed"}
    assert yard.tip("main^2") == claim
    assert yard.merge("5.0") == (0, "  5.0: on 'main' already\n")


def test_what_does_not_merge_is_on_the_board_until_its_owner_settled_it(yard: Yard) -> None:
    assert "land plan 5 on 'main'" in yard.run("conductor-git", "log-status")[1]
    assert yard.merge("1")[0] == 0
    told = f"plan 5 does not merge into 'main': 'shared' (plan 1 changed it, {yard.tip()[:7]}) [CG511]"
    _, conducting = yard.run("conductor-git", "log-status")
    assert f"error: {told}" in conducting
    assert "land plan 5" not in conducting
    worktree = yard.root.parent / "w5"
    yard.git(yard.root, "worktree", "add", "-q", str(worktree), "b5")
    owner = {"CONDUCTOR_WRITER": "agent-5"}
    _, owning = yard.run("conductor-git", "log-status", at=worktree, **owner)
    assert owning.partition("\nnext\n")[2].startswith("  agent-5    settle plan 5 with 'main', then claim it again")
    assert "You may stop" not in owning
    _, why = yard.run("conductor-git", "why", "5", at=worktree, **owner)
    assert told in why
    assert "next: agent-5: settle plan 5 with 'main', then claim it again" in why

    assert yard.run("git", "merge", "-q", "main", at=worktree)[0] == 1
    (worktree / "shared").write_text("1 and 5\n")
    yard.git(worktree, "commit", "-q", "-am", "take main in")
    assert "CG511" not in yard.run("conductor-git", "log-status", at=worktree, **owner)[1]
    code, said = yard.run("conductor-git", "claim", "5", at=worktree, **owner)
    assert code == 0, said
    _, conducting = yard.run("conductor-git", "log-status")
    assert "CG511" not in conducting
    assert "land plan 5 on 'main'" in conducting


def test_who_claims_what_does_not_merge_already_is_told_so_at_once(yard: Yard) -> None:
    assert yard.merge("1")[0] == 0
    yard.git(yard.root, "switch", "-q", "b5")
    yard.commit("more", at="b5")
    code, said = yard.run("conductor-git", "claim", "5", CONDUCTOR_WRITER="agent-5")
    assert code == 0, said
    assert "next: settle plan 5 with 'main', then claim it again\nhint: git merge main && " in said
    assert "You may stop" not in said


def test_a_conflict_that_cannot_be_told_here_leaves_the_report_as_it_is(yard: Yard) -> None:
    assert yard.merge("1")[0] == 0
    (yard.root / ".git/objects/pack").mkdir(exist_ok=True)
    promisor = yard.root / ".git/objects/pack/pack-0.promisor"
    promisor.touch()
    assert "land plan 5 on 'main'" in yard.run("conductor-git", "log-status")[1]
    promisor.unlink()
    (yard.root / ".git/conductor/cache/board").unlink()
    assert "settle plan 5 with 'main'" in yard.run("conductor-git", "log-status")[1]


def test_what_is_unknown_or_not_proven_is_named(yard: Yard) -> None:
    code, said = yard.merge("nowhere")
    assert (code, "error: 'nowhere' is no plan, wave or branch" in said) == (2, True)
    yard.git(yard.root, "switch", "-q", "b3")
    (yard.root / "more").write_text("x\n")
    yard.git(yard.root, "add", "more")
    past = ("-c", "core.hooksPath=/dev/null", "commit", "-q", "--amend")
    yard.git(yard.root, *past, "-m", "✅ PLAN 3 COMPLETE", "-m", "Conductor-Plan: 3")
    yard.git(yard.root, "switch", "-q", "main")
    code, said = yard.merge("3")
    assert (code, "has no passing validation [CG201]" in said) == (1, True), said
    assert yard.first_parents() == ["begin"]
