"""`merge`, from outside: what lands, what does not, and what is left as it was."""

from __future__ import annotations

from tests.landings import Yard, claim_of


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
    assert "error: plan 4 and 1 are green alone and red together: verify.sh failed" in said
    assert "error: plan 5 does not merge into 'main': 'shared' (plan 1 changed it, " in said
    assert "hint: git merge main && conductor-git claim 5    # agent-5, on 'b5', once it is settled there" in said


def test_only_the_conductor_lands(yard: Yard) -> None:
    code, said = yard.merge("2", CONDUCTOR_WRITER="agent-2")
    assert code == 1
    assert "error: only the conductor lands on 'main', and this worktree's writer is 'agent-2' [CG501]" in said
    assert yard.first_parents() == ["begin"]
