"""Committing to a branch without disturbing whoever works on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.store.control.commits import commit_files
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git

MAIN = "refs/heads/main"
PLAN = ".conductor/plans/1.md"


def status(folder: Path, git: Git) -> list[str]:
    """`git status --porcelain`, with the untracked files one by one."""
    return git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()


def show(folder: Path, git: Git, rev: str = "main") -> dict[str, str]:
    """Mode by path of a commit."""
    lines = git(folder, "ls-tree", "-r", rev).splitlines()
    return {line.split("\t")[1]: line.split(" ")[0] for line in lines}


def test_a_branch_that_is_checked_out_moves_with_its_worktree(repo_dir: Path, git: Git) -> None:
    before = git(repo_dir, "rev-parse", "main")
    files = {PLAN: b"plan\n", "scripts/v.sh": b"#!/bin/sh\n"}
    made = commit_files(discover(str(repo_dir)), MAIN, files, "plan: add 1\n\nbody", executable=["scripts/v.sh"])
    assert git(repo_dir, "rev-parse", "main", "main^") == f"{made}\n{before}"
    assert git(repo_dir, "log", "-1", "--format=%B%an") == "plan: add 1\n\nbody\nAda"
    assert show(repo_dir, git) == {"README": "100644", PLAN: "100644", "scripts/v.sh": "100755"}
    assert (repo_dir / PLAN).read_text() == "plan\n"
    assert status(repo_dir, git) == []


def test_a_branch_that_is_checked_out_nowhere_moves_alone(repo_dir: Path, git: Git) -> None:
    git(repo_dir, "checkout", "-q", "-b", "other")
    made = commit_files(discover(str(repo_dir)), MAIN, {PLAN: b"plan\n"}, "m")
    assert git(repo_dir, "rev-parse", "main") == made
    assert git(repo_dir, "reflog", "-1", "--format=%gs", "main") == "conductor: commit"
    assert not (repo_dir / PLAN).exists()
    assert status(repo_dir, git) == []


def test_the_worktree_that_has_the_branch_follows_from_anywhere(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    other = tmp_path / "agent wt"
    git(repo_dir, "worktree", "add", "-q", "-b", "agent", str(other))
    (repo_dir / "README").write_text("edited\n")
    (repo_dir / "staged").write_text("s\n")
    git(repo_dir, "add", "staged")
    made = commit_files(discover(str(other)), MAIN, {PLAN: b"plan\n"}, "m")
    assert git(repo_dir, "rev-parse", "HEAD") == made
    assert status(repo_dir, git) == [" M README", "A  staged"]
    assert status(other, git) == []


@pytest.mark.parametrize("staged", [False, True])
def test_the_content_may_stand_in_the_worktree_already(repo_dir: Path, git: Git, staged: bool) -> None:
    git(repo_dir, "config", "core.autocrlf", "input")
    (repo_dir / ".conductor/plans").mkdir(parents=True)
    (repo_dir / PLAN).write_bytes(b"plan\r\n")
    (repo_dir / "README").write_text("new\n")
    (repo_dir / "staged").write_text("s\n")
    git(repo_dir, "add", "staged", *([PLAN] if staged else []))
    commit_files(discover(str(repo_dir)), MAIN, {PLAN: b"plan\n", "README": b"new\n"}, "m")
    assert status(repo_dir, git) == ["A  staged"]
    assert (repo_dir / PLAN).read_bytes() == b"plan\r\n"


def test_other_content_in_the_worktree_is_never_overwritten(repo_dir: Path, git: Git) -> None:
    before = git(repo_dir, "rev-parse", "main")
    (repo_dir / "same").write_text("same\n")
    (repo_dir / "mine").write_text("mine\n")
    (repo_dir / "README").write_text("staged\n")
    git(repo_dir, "add", "README")
    was = status(repo_dir, git)
    with pytest.raises(CannotRun) as refused:
        commit_files(discover(str(repo_dir)), MAIN, {"same": b"same\n", "mine": b"theirs\n"}, "m")
    assert refused.value.what == f"branch 'main' could not take the commit in '{repo_dir}'"
    assert "nothing was committed" in refused.value.detail
    assert "mine" in refused.value.detail
    with pytest.raises(CannotRun, match="could not take the commit"):
        commit_files(discover(str(repo_dir)), MAIN, {"README": b"other\n"}, "m")
    assert git(repo_dir, "rev-parse", "main") == before
    assert status(repo_dir, git) == was == ["M  README", "?? mine", "?? same"]


def test_files_are_deleted_also_where_they_are_gone_already(repo_dir: Path, git: Git) -> None:
    repo = discover(str(repo_dir))
    commit_files(repo, MAIN, {"a": b"a\n", "b": b"b\n", "c": b"c\n"}, "m")
    (repo_dir / "b").unlink()
    git(repo_dir, "rm", "-q", "c")
    commit_files(repo, MAIN, {"a": None, "b": None, "c": None, "never": None}, "m")
    assert show(repo_dir, git) == {"README": "100644"}
    assert status(repo_dir, git) == []
    assert not (repo_dir / "a").exists()


def test_nothing_is_committed_where_nothing_changes(repo_dir: Path, git: Git) -> None:
    before = git(repo_dir, "rev-parse", "main")
    assert commit_files(discover(str(repo_dir)), MAIN, {"README": b"hello\n"}, "m") == before


@pytest.mark.parametrize("checked_out", [True, False])
def test_an_unborn_branch_is_born(tmp_path: Path, git: Git, checked_out: bool) -> None:
    folder = tmp_path / "new"
    git(tmp_path, "init", "-q", str(folder))
    (folder / "work").write_text("w\n")
    (folder / "p").write_text("p\n")
    git(folder, "add", "work")
    ref = MAIN if checked_out else "refs/heads/conductor"
    made = commit_files(discover(str(folder)), ref, {"p": b"p\n", "q": b"q\n"}, "first")
    assert git(folder, "log", "--format=%H %s", ref) == f"{made} first"
    assert status(folder, git) == (["A  work"] if checked_out else ["A  work", "?? p"])


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_bare_repositories_take_commits_too(tmp_path: Path, git: Git, object_format: str) -> None:
    folder = tmp_path / "hub.git"
    git(tmp_path, "init", "-q", "--bare", f"--object-format={object_format}", str(folder))
    repo = discover(str(folder))
    commit_files(repo, MAIN, {"a": b"1\n", "b": b"1\n"}, "one")
    made = commit_files(repo, MAIN, {"a": b"2\n", "b": None}, "two")
    assert git(folder, "log", "--format=%s", made) == "two\none"
    assert show(folder, git) == {"a": "100644"}


def test_a_worktree_whose_folder_is_gone_holds_nobody_up(repo_dir: Path, git: Git, tmp_path: Path) -> None:
    git(repo_dir, "worktree", "add", "-q", "-b", "control", str(tmp_path / "gone"))
    (tmp_path / "gone").rename(tmp_path / "moved")
    made = commit_files(discover(str(repo_dir)), "refs/heads/control", {"a": b"1\n"}, "m")
    assert git(repo_dir, "rev-parse", "control") == made


def test_an_unknown_committer_is_told_before_anything_is_written(
    repo_dir: Path, monkeypatch: pytest.MonkeyPatch, git: Git
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    git(repo_dir, "config", "user.useConfigOnly", "true")
    objects = git(repo_dir, "count-objects")
    with pytest.raises(CannotRun, match="git does not know who you are"):
        commit_files(discover(str(repo_dir)), MAIN, {"a": b"1\n"}, "m")
    assert git(repo_dir, "count-objects") == objects


def test_a_refusing_hook_is_quoted_and_leaves_everything_as_it_was(repo_dir: Path, git: Git) -> None:
    hook = repo_dir / ".git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\ntest "$1" != prepared || ! grep -q refs/heads/main || { echo "not now" >&2; exit 1; }\n'
    )
    hook.chmod(0o755)
    before = git(repo_dir, "rev-parse", "main")
    (repo_dir / "a").write_text("1\n")
    with pytest.raises(CannotRun) as refused:
        commit_files(discover(str(repo_dir)), MAIN, {"a": b"1\n"}, "m")
    assert "not now" in refused.value.detail
    assert git(repo_dir, "rev-parse", "main") == before


def test_many_at_once_all_land(repo_dir: Path, git: Git) -> None:
    code = (
        "import sys; from conductor_git.store.control.commits import commit_files\n"
        "from conductor_git.store.plumbing.repository import discover\n"
        "commit_files(discover(), 'refs/heads/main', {sys.argv[1]: b'x'}, sys.argv[1])"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, f"f{number}"], cwd=repo_dir) for number in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    assert sorted(git(repo_dir, "log", "--format=%s").split()) == ["f0", "f1", "f2", "f3", "f4", "f5", "first"]
    assert status(repo_dir, git) == []
