"""Worktrees: found, made, made whole again; never in a git directory and never over somebody's files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.store.files.locks import hold
from conductor_git.store.plumbing.config import enable_worktree_config, set_in_worktree, set_shared
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.team import worktrees
from conductor_git.store.team.workspaces import default_workspace, resolve_workspace
from conductor_git.store.team.worktrees import Place, Worktree, add_worktree, list_worktrees, parse_worktrees
from tests.conftest import Git


@pytest.fixture
def repo(repo_dir: Path, git: Git) -> Repository:
    """A repository with one commit on main and a branch `a/b` on it."""
    git(repo_dir, "branch", "a/b")
    return discover(str(repo_dir))


def add(repo: Repository, path: Path | str, branch: str = "a/b", reason: str = "plan 2") -> Place:
    """Add a worktree for the branch."""
    return add_worktree(repo, str(path), branch, reason=reason, doing="test")


def test_the_list_is_read_into_values() -> None:
    fields = [
        *("worktree /srv/shop.git", "bare", ""),
        *("worktree /srv/a b", f"HEAD {'1' * 40}", "branch refs/heads/x", "locked why not", ""),
        *("worktree /srv/c", f"HEAD {'0' * 40}", "detached", "locked", "prunable gone", ""),
    ]
    assert parse_worktrees(fields) == (
        Worktree("/srv/shop.git", bare=True),
        Worktree("/srv/a b", head="1" * 40, branch="refs/heads/x", locked="why not"),  # type: ignore[arg-type]
        Worktree("/srv/c", locked="", prunable=True),
    )


def test_a_worktree_is_added_complete_and_locked(repo: Repository, tmp_path: Path) -> None:
    path = tmp_path / "w s\n1"
    assert add(repo, path) == Place(str(path), "added")
    assert (path / "README").read_text() == "hello\n"
    found = list_worktrees(repo)[1]
    assert (found.path, found.branch, found.locked) == (str(path), "refs/heads/a/b", "plan 2")


def test_nothing_is_tracked(repo: Repository, tmp_path: Path, git: Git) -> None:
    git(repo.root, "config", "branch.autoSetupMerge", "always")
    add(repo, tmp_path / "w")
    assert git(repo.root, "for-each-ref", "--format=%(upstream)", "refs/heads/a/b") == ""


def test_again_keeps_it_and_renews_the_reason(repo: Repository, tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(repo, path)
    (path / "README").write_text("mine\n")
    assert add(repo, path, reason="plan 2 by another").did == "kept"
    assert (path / "README").read_text() == "mine\n"
    assert list_worktrees(repo)[1].locked == "plan 2 by another"


def test_a_deleted_folder_comes_back_with_what_was_staged(repo: Repository, tmp_path: Path, git: Git) -> None:
    path = tmp_path / "w"
    add(repo, path)
    (path / "staged").write_text("staged\n")
    git(path, "add", "staged")
    shutil.rmtree(path)
    assert add(repo, path).did == "repaired"
    assert git(path, "status", "--porcelain") == "A  staged"
    assert (path / "README").read_text() == "hello\n"


def test_a_lost_link_is_written_again_and_files_stay(repo: Repository, tmp_path: Path, git: Git) -> None:
    path = tmp_path / "w"
    add(repo, path)
    (path / "README").write_text("mine\n")
    (path / ".git").unlink()
    assert add(repo, path).did == "repaired"
    assert git(path, "status", "--porcelain") == " M README"


def test_an_interrupted_checkout_is_completed(repo: Repository, tmp_path: Path, git: Git) -> None:
    path = tmp_path / "w"
    git(repo.root, "worktree", "add", "-q", "--no-checkout", str(path), "a/b")
    (path / "README").write_text("hel")
    (path / "untracked").write_text("mine\n")
    assert add(repo, path).did == "kept"
    assert git(path, "status", "--porcelain") == "?? untracked"
    assert (path / "README").read_text() == "hello\n"


def test_a_stale_index_lock_of_a_checkout_that_never_ended_is_taken_away(
    repo: Repository, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worktrees, "_GRACE", 0.0)
    path = tmp_path / "w"
    git(repo.root, "worktree", "add", "-q", "--no-checkout", str(path), "a/b")
    Path(git(path, "rev-parse", "--git-path", "index.lock")).touch()
    add(repo, path)
    assert git(path, "status", "--porcelain") == ""


def test_a_worktree_that_was_never_born_is_made_anew(
    repo: Repository, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worktrees, "_GRACE", 0.0)
    path = tmp_path / "w"
    git(repo.root, "worktree", "add", "-q", "--no-checkout", str(path), "a/b")
    admin = Path(git(path, "rev-parse", "--absolute-git-dir"))
    (admin / "locked").write_text("initializing")
    (admin / "HEAD").unlink()
    assert add(repo, path).did == "added"
    assert git(path, "status", "--porcelain") == ""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_taken_place_is_refused_and_left_alone(repo: Repository, tmp_path: Path, what: str) -> None:
    path = tmp_path / "w"
    if what == "folder":
        path.mkdir()
    mine = path if what == "file" else path / "mine"
    mine.write_text("mine\n")
    with pytest.raises(CannotRun, match="exists and is not empty"):
        add(repo, path)
    assert mine.read_text() == "mine\n"
    assert len(list_worktrees(repo)) == 1


def test_a_branch_that_is_checked_out_elsewhere_is_refused(repo: Repository, tmp_path: Path) -> None:
    add(repo, tmp_path / "w")
    with pytest.raises(CannotRun, match=f"branch 'a/b' is checked out in '{tmp_path}/w'"):
        add(repo, tmp_path / "other")


def test_a_worktree_of_another_branch_is_refused(repo: Repository, tmp_path: Path, git: Git) -> None:
    add(repo, tmp_path / "w")
    git(repo.root, "branch", "c")
    with pytest.raises(CannotRun, match="worktree of another branch, 'refs/heads/a/b'"):
        add(repo, tmp_path / "w", "c")


def test_inside_a_git_directory_git_itself_would_break_its_own_folder(tmp_path: Path, git: Git, repo_dir: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), "shop.git")
    # Without the rule: the first worktree lands on the folder where git keeps its notes about worktrees.
    git(tmp_path / "shop.git", "worktree", "add", "-q", "-b", "x", "worktrees/x")
    assert {"HEAD", "README"} <= {entry.name for entry in (tmp_path / "shop.git/worktrees/x").iterdir()}


@pytest.mark.parametrize("workspace", [".git/w", ".git/worktrees/x", "sub/.git/w"])
def test_inside_a_git_directory_is_refused(repo: Repository, workspace: str) -> None:
    with pytest.raises(CannotRun, match="is inside the git directory"):
        resolve_workspace(repo, workspace, "a/b")


def test_inside_a_bare_repository_is_refused(tmp_path: Path, git: Git, repo_dir: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), "shop.git")
    bare = discover(str(tmp_path / "shop.git"))
    with pytest.raises(CannotRun, match=r"is inside the git directory '.*/shop\.git'"):
        resolve_workspace(bare, "shop.git/worktrees/x", "x")


def test_inside_a_worktree_it_is_first_excluded(repo: Repository, git: Git) -> None:
    path = resolve_workspace(repo, ".work trees/[1]", "a/b")
    add(repo, path)
    git(repo.root, "add", "-A")
    assert git(repo.root, "status", "--porcelain") == ""
    with open(os.path.join(repo.common_dir, "info/exclude"), encoding="utf-8") as file:
        assert file.read().splitlines()[-1] == r"/.work\ trees/\[1]/"


def test_workspaces_are_relative_to_the_main_worktree_from_everywhere(repo: Repository, tmp_path: Path) -> None:
    add(repo, tmp_path / "w")
    (Path(repo.root) / "sub").mkdir()
    for where in (repo.root, os.path.join(repo.root, "sub"), str(tmp_path / "w")):
        here = discover(where)
        assert resolve_workspace(here, "../x", "a/b") == str(tmp_path / "x")
        assert resolve_workspace(here, "", "a/b $(x)") == str(tmp_path / "repo.worktrees/a-b-x")


@pytest.mark.parametrize(
    ("layout", "default"),
    [
        ("shop.git", "shop.worktrees/a-b"),
        ("shop/.bare", "shop.worktrees/a-b"),
        ("shop/.git", "shop.worktrees/a-b"),
    ],
)
def test_the_default_place_is_beside_the_repository_in_bare_layouts(
    tmp_path: Path, git: Git, repo_dir: Path, layout: str, default: str
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), layout)
    git(tmp_path / layout, "worktree", "add", "-q", "-b", "w", str(tmp_path / "w"))
    for where in (tmp_path / layout, tmp_path / "w"):
        assert default_workspace(discover(str(where)), "a/b") == str(tmp_path / default)


def test_removing_keeps_what_holds_changes(repo: Repository, tmp_path: Path) -> None:
    path = tmp_path / "w"
    add(repo, path)
    (path / "README").write_text("mine\n")
    with pytest.raises(CannotRun):
        worktrees.remove_worktree(repo, str(path))
    assert list_worktrees(repo)[1].locked == "plan 2"
    (path / "README").write_text("hello\n")
    worktrees.remove_worktree(repo, str(path))
    assert not path.exists()


def test_a_lock_that_is_held_is_named_and_not_waited_for_without_end(repo: Repository) -> None:
    other = (
        "import sys; from conductor_git.store.plumbing.repository import discover\n"
        "from conductor_git.store.files.locks import hold\n"
        f"with hold(discover({repo.root!r}), 'worktrees', doing='delegate 2'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", other], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with (
            pytest.raises(CannotRun, match=rf"locked by process {process.pid} \(delegate 2\)"),
            hold(repo, "worktrees", doing="test", wait=0.05),
        ):
            pass
        process.kill()
    with hold(repo, "worktrees", doing="test", wait=5):
        pass


def test_worktree_configuration_leaves_a_bare_repository_bare(tmp_path: Path, git: Git, repo_dir: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), "shop.git")
    git(tmp_path / "shop.git", "worktree", "add", "-q", "-b", "w", str(tmp_path / "w"))
    set_in_worktree(discover(str(tmp_path / "w")), str(tmp_path / "w"), "conductor.writer", "agent-2")
    assert git(tmp_path / "shop.git", "rev-parse", "--is-bare-repository") == "true"
    assert git(tmp_path / "w", "rev-parse", "--is-bare-repository") == "false"
    assert git(tmp_path / "w", "status", "--porcelain") == ""
    assert git(tmp_path / "w", "config", "conductor.writer") == "agent-2"
    assert discover(str(tmp_path / "shop.git")).config("conductor.writer") is None
    assert not list((tmp_path / "shop.git").glob("config.[lc]o*"))


def test_worktree_configuration_moves_a_working_tree_setting(tmp_path: Path, git: Git, repo_dir: Path) -> None:
    git(tmp_path, "clone", "-q", "--separate-git-dir", "gd", str(repo_dir), "shop")
    git(tmp_path / "shop", "config", "core.worktree", str(tmp_path / "shop"))
    git(tmp_path / "shop", "worktree", "add", "-q", "-b", "w", str(tmp_path / "w"))
    assert enable_worktree_config(discover(str(tmp_path / "shop"))) is True
    assert enable_worktree_config(discover(str(tmp_path / "w"))) is False
    assert git(tmp_path / "w", "rev-parse", "--show-toplevel") == str(tmp_path / "w")
    assert git(tmp_path / "gd", "rev-parse", "--show-toplevel") == str(tmp_path / "shop")


def test_a_locked_configuration_is_waited_for(repo: Repository) -> None:
    lock = Path(repo.common_dir) / "config.lock"
    lock.touch()
    remover = f"import time, os; time.sleep(0.3); os.unlink({str(lock)!r})"
    with subprocess.Popen([sys.executable, "-c", remover]):
        assert set_shared(repo, "branch.a/b.mergeOptions", "--no-ff") is True
    assert set_shared(repo, "branch.a/b.mergeOptions", "--no-ff") is False
    assert repo.config("branch.a/b.mergeOptions") == "--no-ff"
