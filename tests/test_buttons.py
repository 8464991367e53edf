"""Landings by a forge's button: a merge or a squash of what was claimed counts, whoever pressed it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_git.core.targets import Target
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.landings import Yard, prove


@pytest.fixture
def origin(yard: Yard, git: Git) -> Path:
    """A bare origin that main comes from; it takes the ledger."""
    bare = yard.root.parent / "origin.git"
    git(yard.root, "clone", "-q", "--bare", str(yard.root), str(bare))
    git(yard.root, "remote", "add", "origin", str(bare))
    ledgers = "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*"
    git(yard.root, "config", "--add", "remote.origin.fetch", ledgers)
    git(yard.root, "fetch", "-q", "origin")
    git(yard.root, "branch", "-q", "--set-upstream-to=origin/main", "main")
    return bare


class Forge:
    """A clone in which buttons are pressed: it knows no doors and no conductor."""

    def __init__(self, yard: Yard, origin: Path, git: Git) -> None:
        self.root, self.git = yard.root.parent / "forge", git
        git(yard.root.parent, "clone", "-q", str(origin), str(self.root))

    def merge(self, branch: str) -> None:
        self.git(self.root, "fetch", "-q")
        self.git(self.root, "merge", "-q", "--no-ff", "-m", "Merge pull request #7", f"origin/{branch}")
        self.git(self.root, "push", "-q", "origin", "main")

    def squash(self, branch: str) -> None:
        self.git(self.root, "fetch", "-q")
        self.git(self.root, "merge", "-q", "--squash", f"origin/{branch}")
        self.git(self.root, "commit", "-q", "-m", "Land plan 2 (#7)", "-m", "* work 2\n\n* ✅ PLAN 2 COMPLETE")
        self.git(self.root, "push", "-q", "origin", "main")

    def delete(self, *branches: str) -> None:
        self.git(self.root, "push", "-q", "origin", "--delete", *branches)


def states(yard: Yard) -> dict[str, str]:
    return {plan["plan"]: plan["state"] for plan in yard.board()["plans"]}


def follow(yard: Yard) -> None:
    assert yard.run("git", "pull", "-q", "--ff-only")[0] == 0


def nothing_is_wrong(yard: Yard) -> None:
    assert yard.board()["findings"] == []
    code, said = yard.run("conductor-git", "audit")
    assert code == 0, said


@pytest.mark.parametrize("direct", ["any", "none"])
def test_a_squash_of_a_request_is_the_landing_of_its_plans(yard: Yard, git: Git, direct: str, request: Any) -> None:
    if direct == "none":
        yard.only_landings()
    origin = request.getfixturevalue("origin")
    code, said = yard.merge("--pr", "2", "3")
    assert code == 0, said
    forge = Forge(yard, origin, git)
    forge.squash("landing/2-3")
    forge.delete("landing/2-3", "b2", "b3")
    follow(yard)
    git(yard.root, "fetch", "-q", "--prune")
    git(yard.root, "branch", "-D", "b2", "b3")
    assert {plan: state for plan, state in states(yard).items() if plan in "23"} == {"2": "merged", "3": "merged"}
    nothing_is_wrong(yard)


def test_a_merge_of_a_request_is_no_direct_step(yard: Yard, git: Git, request: Any) -> None:
    yard.only_landings()
    origin = request.getfixturevalue("origin")
    assert yard.merge("--pr", "2", "3")[0] == 0
    forge = Forge(yard, origin, git)
    forge.merge("landing/2-3")
    forge.delete("landing/2-3", "b2", "b3")
    follow(yard)
    nothing_is_wrong(yard)
    assert [states(yard)[plan] for plan in "23"] == ["merged", "merged"]


def test_a_button_that_was_pressed_after_integration_moved_needs_a_proof_of_what_it_made(
    yard: Yard, origin: Path, git: Git
) -> None:
    forge = Forge(yard, origin, git)
    assert yard.merge("--pr", "2")[0] == 0
    yard.commit("elsewhere")
    assert yard.run("git", "push", "-q", "origin", "main")[0] == 0
    git(forge.root, "pull", "-q")
    forge.squash("landing/2")
    follow(yard)
    assert states(yard)["2"] == "complete"
    assert yard.run("conductor-git", "validate", "2", "--commit", "main")[0] == 0
    assert states(yard)["2"] == "merged"
    nothing_is_wrong(yard)


def test_a_squash_of_a_branch_by_hand_lands_it_and_its_claims_outlive_it(yard: Yard, origin: Path, git: Git) -> None:
    forge = Forge(yard, origin, git)
    forge.squash("b2")
    forge.delete("b2")
    follow(yard)
    git(yard.root, "fetch", "-q", "--prune")
    assert states(yard)["2"] == "merged"
    code, said = yard.run("git", "branch", "-D", "b2")
    assert (code, "error: 'b2' was squashed, and it alone keeps its 2 claims" in said) == (128, True), said
    code, said = yard.run("conductor-git", "clean")
    assert (code, said) == (0, "plan 2: removed 'b2'\n")
    assert states(yard)["2"] == "merged"
    nothing_is_wrong(yard)


def test_what_needs_a_squashed_plan_builds_on_the_squash(yard: Yard, origin: Path, git: Git) -> None:
    path = ".conductor/plans/3.md"
    yard.commit(path, (yard.root / path).read_text().replace("branch: b3", "branch: b3\nneeds: [2]"))
    yard.run("git", "push", "-q", "origin", "main")
    forge = Forge(yard, origin, git)
    forge.squash("b2")
    follow(yard)
    assert states(yard)["3"] != "complete"
    yard.git(yard.root, "switch", "-q", "b3")
    yard.run("git", "merge", "-q", "main", "-m", "take main in")
    for target in (Target("3", 0), Target("3")):
        prove(discover(str(yard.root)), target, "HEAD")
    said = "✅ PLAN 3 COMPLETE"
    for line in ("✅ Wave 0 Complete", said):
        code, told = yard.run("git", "commit", "--allow-empty", "-m", line, CONDUCTOR_WRITER="agent-3")
        assert code == 0, told
    yard.git(yard.root, "switch", "-q", "main")
    assert states(yard)["3"] == "complete"
    assert yard.fates("3") == {"3": "landed"}
    nothing_is_wrong(yard)


def test_a_commit_like_an_unproven_claim_is_no_landing_and_no_alarm(yard: Yard) -> None:
    yard.git(yard.root, "switch", "-q", "b2")
    (yard.root / "more").write_text("x\n")
    yard.git(yard.root, "add", "more")
    past = ("-c", "core.hooksPath=/dev/null", "commit", "-q")
    yard.git(yard.root, *past, "-m", "✅ Wave 7 Complete", "-m", "Conductor-Plan: 2\nConductor-Wave: 7")
    yard.git(yard.root, "switch", "-q", "main")
    yard.git(yard.root, "merge", "-q", "--squash", "b2")
    assert yard.run("git", "commit", "-q", "-m", "the same")[0] == 0
    assert states(yard)["2"] != "merged"
    assert [found["severity"] for found in yard.board()["findings"] if found["severity"] == "alarm"] == []


def test_a_squash_that_was_reverted_is_no_landing_any_more(yard: Yard, origin: Path, git: Git) -> None:
    forge = Forge(yard, origin, git)
    forge.squash("b2")
    follow(yard)
    assert states(yard)["2"] == "merged"
    assert yard.run("git", "revert", "--no-edit", "main")[0] == 0
    assert states(yard)["2"] != "merged"
    assert "CG509" in str(yard.board()["plans"])


def test_a_squash_with_something_more_in_it_is_no_landing(yard: Yard, git: Git) -> None:
    yard.only_landings()
    past = ("-c", "core.hooksPath=/dev/null")
    git(yard.root, *past, "merge", "-q", "--squash", "b2")
    (yard.root / "smuggled").write_text("x\n")
    git(yard.root, "add", "smuggled")
    git(yard.root, *past, "commit", "-q", "-m", "Land plan 2 (#7)")
    assert states(yard)["2"] == "complete"
    short = yard.tip()[:7]
    text = f"commit {short} on 'main' is no landing, and the policy allows direct = 'none' only"
    assert yard.alarms() == [text]
    code, said = yard.run("conductor-git", "audit")
    assert (code, text in said) == (1, True), said
