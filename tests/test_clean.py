"""`clean`: what has landed goes, and nothing that anybody could miss."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.landings import Yard


@pytest.fixture
def landed(yard: Yard) -> Path:
    """Plan 2 has landed, and its worktree is there, locked as `delegate` locks it."""
    folder = yard.root.parent / "w2"
    yard.git(yard.root, "worktree", "add", "-q", str(folder), "b2")
    yard.git(yard.root, "worktree", "lock", "--reason", "conductor-git: plan 2 is delegated to agent-2", str(folder))
    yard.git(yard.root, "config", "branch.b2.mergeOptions", "--no-ff")
    assert yard.merge("2")[0] == 0
    return folder


def branches(yard: Yard) -> str:
    return yard.git(yard.root, "for-each-ref", "--format=%(refname:short)", "refs/heads").replace("\n", " ")


def test_worktree_and_branch_of_a_landed_plan_go(yard: Yard, landed: Path) -> None:
    code, said = yard.run("conductor-git", "clean", "--dry-run")
    assert (code, said) == (0, f"plan 2: would remove 'b2' and its worktree '{landed}'\n")
    code, said = yard.run("conductor-git", "clean")
    assert (code, said) == (0, f"plan 2: removed 'b2' and its worktree '{landed}'\n")
    assert (landed.exists(), branches(yard)) == (False, "b1 b3 b4 b5 main")
    assert "b2" not in (yard.root / ".git" / "config").read_text()
    code, said = yard.run("conductor-git", "log-status")
    assert "1 merged" in said
    assert yard.run("conductor-git", "clean")[1] == "nothing to clean up: no landed plan has left anything\n"


@pytest.mark.parametrize("more", [(), ("--resume",), ("--take-over", "--to", "bob", "--reason", "gone")])
def test_what_has_landed_and_is_gone_is_not_begun_anew(yard: Yard, landed: Path, more: tuple[str, ...]) -> None:
    assert yard.run("conductor-git", "clean")[0] == 0
    before = yard.git(yard.root, "for-each-ref")
    code, said = yard.run("conductor-git", "delegate", "2", *more)
    assert code == 2
    assert "error: plan '2' has landed, and every wave of it is complete\n" in said
    assert (landed.exists(), yard.git(yard.root, "for-each-ref")) == (False, before)
    assert "1 merged" in yard.run("conductor-git", "log-status", "2")[1]


@pytest.mark.parametrize(
    ("path", "why"), [("f2", "'f2' there is not committed"), ("new/file", "'new/file' there is not committed")]
)
def test_what_is_not_committed_keeps_both(yard: Yard, landed: Path, path: str, why: str) -> None:
    (landed / path).parent.mkdir(exist_ok=True)
    (landed / path).write_text("mine\n")
    code, said = yard.run("conductor-git", "clean")
    assert (code, said) == (0, f"plan 2: kept 'b2' and its worktree '{landed}': {why}\n")
    assert (landed / path).read_text() == "mine\n"
    assert "b2" in branches(yard)
    assert "locked conductor-git: plan 2" in yard.git(yard.root, "worktree", "list", "--porcelain")


def test_commits_that_integration_lacks_keep_both(yard: Yard, landed: Path) -> None:
    (landed / "more").write_text("x\n")
    yard.git(landed, "add", "-A")
    yard.git(landed, "commit", "-q", "-m", "more")
    assert yard.run("conductor-git", "clean")[1] == "nothing to clean up: no landed plan has left anything\n"
    assert "plan 2: kept 'b2'" in yard.run("conductor-git", "clean", "2")[1]
    assert (landed.exists(), "b2" in branches(yard)) == (True, True)


def test_what_somebody_else_locked_stays(yard: Yard, landed: Path) -> None:
    yard.git(yard.root, "worktree", "unlock", str(landed))
    yard.git(yard.root, "worktree", "lock", "--reason", "on a stick", str(landed))
    assert "somebody locked it: on a stick" in yard.run("conductor-git", "clean")[1]
    assert landed.exists()


def test_nobody_is_cleaned_away_from_where_they_are_nor_by_agents(yard: Yard, landed: Path) -> None:
    assert "kept 'b2'" in (said := yard.run("conductor-git", "clean", at=landed)[1])
    assert "you are in it" in said
    code, said = yard.run("conductor-git", "clean", CONDUCTOR_WRITER="agent-2")
    assert code == 1
    assert "only the conductor cleans up after plans" in said
    assert landed.exists()


def test_the_executors_of_a_landed_plan_go_with_it_unless_they_have_more(yard: Yard, landed: Path) -> None:
    for name in ("bob", "eve"):
        yard.git(yard.root, "worktree", "add", "-q", "-b", f"agent-2/2-w1-{name}", str(landed.parent / name), "b2")
    (landed.parent / "eve" / "more").write_text("x\n")
    yard.git(landed.parent / "eve", "add", "-A")
    yard.git(landed.parent / "eve", "commit", "-q", "-m", "more")
    code, said = yard.run("conductor-git", "clean")
    assert code == 0
    gone = landed.parent / "bob"
    assert said.splitlines()[1:] == [f"plan 2: removed 'agent-2/2-w1-bob' and its worktree '{gone}'"]
    assert (gone.exists(), branches(yard)) == (False, "agent-2/2-w1-eve b1 b3 b4 b5 main")
