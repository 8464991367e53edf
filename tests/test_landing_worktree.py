"""The worktree that has integration follows a landing, or says why it cannot; nothing in it is lost."""

from __future__ import annotations

import pytest

from tests.landings import Yard


def stays(yard: Yard, plan: str, *words: str) -> None:
    """Nothing lands, and all of this is said."""
    before = yard.tip()
    code, said = yard.merge(plan)
    assert (code, yard.tip()) == (2, before), said
    assert [word for word in words if word not in said] == []
    assert not (yard.root / ".git/conductor/landing.json").exists()


@pytest.mark.parametrize(("path", "named"), [("f2", "f2"), ("f2/inner", "f2/inner")])
def test_an_untracked_file_in_the_way_is_named_and_stays(yard: Yard, path: str, named: str) -> None:
    file = yard.root / path
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine\n")
    stays(yard, "2", f"error: '{named}' in '{yard.root}' would be overwritten: ", "hint: git stash push --include")
    assert file.read_text() == "mine\n"
    # The hint is all that it takes.
    yard.git(yard.root, "stash", "push", "-q", "--include-untracked")
    assert yard.fates("2") == {"2": "landed"}


def test_what_is_staged_and_does_not_overlap_stays_staged(yard: Yard) -> None:
    (yard.root / "new").write_text("mine\n")
    yard.git(yard.root, "add", "new")
    assert yard.fates("2") == {"2": "landed"}
    assert yard.git(yard.root, "status", "--porcelain") == "A  new"


def test_what_is_there_already_as_it_lands_is_in_nobodys_way(yard: Yard) -> None:
    (yard.root / "f2").write_text("2\n")
    assert yard.fates("2") == {"2": "landed"}
    assert yard.git(yard.root, "status", "--porcelain") == ""


def test_a_sparse_worktree_stays_as_sparse_as_it_was(yard: Yard) -> None:
    yard.git(yard.root, "sparse-checkout", "set", "--no-cone", "/shared")
    assert yard.fates("2") == {"2": "landed"}
    assert sorted(path.name for path in yard.root.iterdir()) == [".git", "shared"]
    assert yard.git(yard.root, "status", "--porcelain") == ""


def test_a_change_that_git_was_told_not_to_look_at_is_not_overwritten(yard: Yard) -> None:
    yard.git(yard.root, "update-index", "--skip-worktree", "shared")
    (yard.root / "shared").write_text("mine\n")
    stays(yard, "1", "error: branch 'main' could not take the commit in ", "shared")
    assert (yard.root / "shared").read_text() == "mine\n"


def test_a_submodule_of_integration_stays_where_it_is(yard: Yard) -> None:
    sub = yard.root.parent / "sub"
    sub.mkdir()
    yard.git(sub, "init", "-q")
    yard.git(sub, "commit", "-q", "--allow-empty", "-m", "x")
    yard.git(yard.root, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(sub), "lib")
    yard.git(yard.root, "commit", "-q", "--no-verify", "-m", "use it")
    stays(yard, "2", "error: plan 2 could not be judged: the product tree has submodules: 'lib' ")
    path = ".conductor/conductor.toml"
    yard.commit(path, (yard.root / path).read_text() + 'submodules = "leave"\n')
    (yard.root / "lib/mine").write_text("x\n")
    code, said = yard.run("conductor-git", "validate", "2", "--commit", "b2")
    assert code == 0, said
    code, said = yard.run("conductor-git", "validate", "2.0", "--commit", "b2~1")
    assert code == 0, said
    assert yard.fates("2") == {"2": "landed"}
    assert (yard.root / "lib/mine").exists()
