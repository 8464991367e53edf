"""Landings past every door: what stops the queue, and what takes the alarm away."""

from __future__ import annotations

import pytest

from tests.landings import Yard, claim_of


def evil(yard: Yard, plan: str = "2") -> str:
    """A merge of a claim that has a file more, made as somebody without doors makes it."""
    git, root = yard.git, yard.root
    git(root, "merge", "-q", "--no-ff", "--no-commit", claim_of(yard, plan))
    (root / "smuggled").write_text("x\n")
    git(root, "add", "smuggled")
    past(yard, "commit", "-q", "-m", "land")
    return yard.tip()


def past(yard: Yard, *args: str) -> None:
    yard.git(yard.root, "-c", "core.hooksPath=/dev/null", *args)


def alarms(yard: Yard) -> list[str]:
    return [found["code"] for found in yard.board()["findings"] if found["severity"] == "alarm"]


@pytest.mark.parametrize("direct", ["any", "none"])
def test_a_bad_landing_is_settled_by_its_revert_and_is_back_with_the_revert_of_that(yard: Yard, direct: str) -> None:
    if direct == "none":
        yard.only_landings()
    evil(yard)
    assert alarms(yard) == ["CG505", "CG504"]
    code, said = yard.merge("3")
    assert (code, "smuggled" in said or "is not what merging its parents gives" in said) == (1, True), said
    code, said = yard.run("git", "revert", "--no-edit", "-m", "1", "main")
    assert code == 0, said
    assert alarms(yard) == []
    assert yard.fates("3") == {"3": "landed"}
    assert yard.run("conductor-git", "audit")[0] == 0
    past(yard, "revert", "--no-edit", "main^")
    assert alarms(yard)[:2] == ["CG505", "CG504"]


def test_a_commit_that_only_says_it_reverts_settles_nothing(yard: Yard) -> None:
    bad = evil(yard)
    past(yard, "rm", "-q", "f2")
    past(yard, "commit", "-q", "-m", 'Revert "land"', "-m", f"This reverts commit {bad}.")
    assert "CG505" in alarms(yard)


def test_a_landing_that_was_lost_is_settled_by_accepting_it_or_by_bringing_it_back(yard: Yard) -> None:
    assert yard.merge("2")[0] == 0
    landed, before = yard.tip(), yard.tip("main^")
    past(yard, "reset", "-q", "--hard", "main^")
    code, said = yard.merge("3")
    assert code == 1
    assert f"landing '{landed[:12]}' of plan 2 is recorded, and 'main' ({before[:7]}) does not have it" in said
    assert f"what is lost: git log --oneline {before[:12]}..{landed[:12]}" in said
    assert yard.run("git", "merge", "-q", "--ff-only", landed)[0] == 0
    assert alarms(yard) == []
    past(yard, "reset", "-q", "--hard", before)
    code, said = yard.run("conductor-git", "accept", landed[:12], "--reason", "it was a mistake")
    assert code == 0, said
    assert yard.fates("3") == {"3": "landed"}
    # What was lost for good may land again.
    assert yard.fates("2") == {"2": "landed"}
