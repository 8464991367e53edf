"""Who we are, by the order of DESIGN: variable, worktree configuration, branch's plan, `init`, clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.plan import Plan
from conductor_git.store.notes.writer import branch_plan, checked_out, legal_writer, record_conductor, whoami
from conductor_git.store.plumbing.config import set_in_worktree
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git

PLANS = (
    Plan("2", "Educational", ".conductor/plans/2.md", agent="agent-2", branch="agent-2/educational"),
    Plan("parser", "Parser", ".conductor/plans/parser.md", agent="Not Legal", branch="parser"),
)


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    """A repository with one commit on main."""
    return discover(str(repo_dir))


def linked(repo: Repository, git: Git, branch: str = "agent-2/educational") -> Repository:
    """A linked worktree of a new branch."""
    path = Path(repo.root).parent / "linked"
    git(repo.root, "worktree", "add", "-q", "-b", branch, str(path))
    return discover(str(path))


def test_each_source_wins_over_the_next(repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    here = linked(repo, git)
    assert whoami(here).name.startswith("user-")
    record_conductor(here)
    assert whoami(here).name == "conductor"
    assert whoami(here, PLANS).name == "agent-2"
    set_in_worktree(here, str(here.worktree), "conductor.writer", "agent-9")
    assert whoami(here, PLANS).name == "agent-9"
    monkeypatch.setenv("CONDUCTOR_WRITER", "runner-linux-x86_64")
    assert whoami(here, PLANS).name == "runner-linux-x86_64"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("conductor", "conductor"),
        ("agent-2", "orchestrator"),
        ("agent-2-helper", "executor"),
        ("runner-macos-arm64", "runner"),
        ("user-0badcafe", "user"),
    ],
)
def test_the_name_tells_the_role(repo: Repository, monkeypatch: pytest.MonkeyPatch, name: str, role: str) -> None:
    monkeypatch.setenv("CONDUCTOR_WRITER", name)
    found = whoami(repo, PLANS)
    assert (found.role, found.why) == (role, "CONDUCTOR_WRITER says so")


def test_the_reason_names_the_branch(repo: Repository, git: Git) -> None:
    here = linked(repo, git)
    assert whoami(here, PLANS).why == "agent of plan 2, whose branch 'agent-2/educational' is checked out"


def test_the_clone_gives_the_last_name_and_it_stays(repo: Repository) -> None:
    first = whoami(repo)
    assert first.role == "user"
    assert whoami(repo) == first


@pytest.mark.parametrize("name", ["Agent", "-a", "_a", "a b", "a/b", "a.b", "é", "a\n"])
def test_an_illegal_name_is_refused(repo: Repository, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CONDUCTOR_WRITER", name)
    with pytest.raises(CannotRun, match="is no writer's name"):
        whoami(repo)


@pytest.mark.parametrize(("name", "near"), [("Agent 2", "agent-2"), ("-A_", "a"), ("é", ""), ("a//b", "a-b")])
def test_the_nearest_legal_name(name: str, near: str) -> None:
    assert legal_writer(name) == near


def test_an_agent_that_cannot_be_a_writer_is_passed_over(repo: Repository, git: Git) -> None:
    here = linked(repo, git, "parser")
    assert whoami(here, PLANS).role == "user"
    assert branch_plan(here, PLANS) == "parser"


def test_the_shared_configuration_names_nobody(repo: Repository, git: Git) -> None:
    here = linked(repo, git, "other")
    set_in_worktree(here, str(here.worktree), "conductor.writer", "agent-2")
    git(repo.root, "config", "conductor.writer", "everybody")
    assert whoami(repo).role == "user"
    assert whoami(here).name == "agent-2"


def test_the_conductor_is_the_worktree_of_the_first_init(repo: Repository, git: Git) -> None:
    here = linked(repo, git, "other")
    assert record_conductor(repo) is True
    assert record_conductor(here) is False
    assert (whoami(repo).name, whoami(here).role) == ("conductor", "user")


def test_the_conductor_survives_a_move_and_is_replaced_when_gone(repo: Repository, git: Git, tmp_path: Path) -> None:
    here = linked(repo, git, "other")
    record_conductor(here)
    git(repo.root, "worktree", "remove", str(here.worktree))
    assert record_conductor(repo) is True
    shutil.move(repo.root, tmp_path / "moved")
    assert whoami(discover(str(tmp_path / "moved"))).name == "conductor"


def test_whoami_starts_no_git_where_nothing_is_configured(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    record_conductor(repo)
    monkeypatch.setenv("PATH", "")
    assert whoami(repo, PLANS).name == "conductor"


def test_the_default_plan_is_the_branchs_then_the_variable_then_ci(
    repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = linked(repo, git)
    assert branch_plan(repo, PLANS) is None
    monkeypatch.setenv("GITHUB_HEAD_REF", "agent-2/educational")
    assert branch_plan(repo, PLANS) == "2"
    monkeypatch.setenv("CONDUCTOR_PLAN", "7")
    assert branch_plan(repo, PLANS) == "7"
    assert branch_plan(here, PLANS) == "2"


@pytest.mark.parametrize("variable", ["CI_COMMIT_REF_NAME", "GITHUB_REF_NAME", "BUILDKITE_BRANCH"])
def test_ci_of_several_forges(repo: Repository, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("GITHUB_HEAD_REF", "")
    monkeypatch.setenv(variable, "parser")
    assert branch_plan(repo, PLANS) == "parser"


def test_a_variable_that_names_no_plan_is_refused(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_PLAN", "2.3")
    with pytest.raises(CannotRun, match=r"CONDUCTOR_PLAN '2\.3' is no plan"):
        branch_plan(repo, PLANS)


def test_heads_that_are_no_branch(repo: Repository, git: Git) -> None:
    git(repo.root, "checkout", "-q", "--detach")
    assert checked_out(repo) is None
    git(repo.root, "checkout", "-q", "--orphan", "unborn/é")
    assert checked_out(repo) == "unborn/é"


def test_a_rebase_is_still_about_its_branch(repo: Repository, git: Git) -> None:
    git(repo.root, "checkout", "-q", "-b", "agent-2/educational")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "one")
    git(repo.root, "-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-q", "-i", "--root")
    assert repo.head_ref() is None
    assert branch_plan(repo, PLANS) == "2"
