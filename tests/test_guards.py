"""What each branch may not change: as pathspecs, and as the files that hook files read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_git.core.hooktext.guards import guard_specs, guarded_refs, render_specs
from conductor_git.core.judgement.boundaries import Staged, judge_staged
from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.planning.policy import Policy
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.hookfiles.guards import remove_guards, write_guards
from conductor_git.store.plumbing.repository import Repository, discover

Git = Callable[..., str]

POLICY = Policy(repository="r", protect=("tests/**", "docs/conf.py"), control="conductor")
DOCS = Plan("2", "Docs", "p/2.md", branch="agent-2/docs", scope=("docs/**", "*.md"))
CODE = Plan("3", "Code", "p/3.md", branch="agent-3/code", scope=("src/**",), waves=(Wave(1, freezes=("docs/api.md",)),))
FREE = Plan("4", "Free", "p/4.md", branch="agent-4/free")
PLANS = (DOCS, CODE, FREE)


@pytest.mark.parametrize(
    ("ref", "specs"),
    [
        (
            "refs/heads/agent-2/docs",
            [
                [":(top)", ":(top,exclude,glob)docs/**", ":(top,exclude,glob)*.md"],
                [":(top,glob)docs/conf.py", ":(top,glob)docs/api.md"],
            ],
        ),
        ("refs/heads/agent-3/code", [[":(top)", ":(top,exclude,glob)src/**"]]),
        (
            "refs/heads/agent-4/free",
            [
                [
                    ":(top,glob).conductor",
                    ":(top,glob)tests/**",
                    ":(top,glob)docs/conf.py",
                    ":(top,glob)docs/api.md",
                    ":(top,glob)docs/**",
                    ":(top,glob)*.md",
                    ":(top,glob)src/**",
                ]
            ],
        ),
        ("refs/heads/main", [[":(top,glob).conductor", ":(top,glob)docs/api.md"]]),
        ("refs/heads/conductor", [[":(top,glob).conductor", ":(top,glob)docs/api.md"]]),
        ("", [[":(top,glob).conductor", ":(top,glob)docs/api.md"]]),
    ],
)
def test_specs_of_a_branch(ref: str, specs: list[list[str]]) -> None:
    assert guard_specs(POLICY, PLANS, ref) == specs


def test_a_scope_of_everything_leaves_what_nobody_may_change() -> None:
    wide = Plan("5", "Wide", "p/5.md", branch="wide", scope=("**",))
    assert guard_specs(POLICY, (wide,), "refs/heads/wide") == [
        [":(top)", ":(top,exclude,glob)**"],
        [":(top,glob).conductor", ":(top,glob)tests/**", ":(top,glob)docs/conf.py"],
    ]


def test_a_plan_without_a_branch_has_no_file() -> None:
    assert guarded_refs(POLICY, (*PLANS, Plan("6", "Later", "p/6.md"))) == [
        "refs/heads/main",
        "refs/heads/conductor",
        "refs/heads/agent-2/docs",
        "refs/heads/agent-3/code",
        "refs/heads/agent-4/free",
    ]


def test_a_guard_file() -> None:
    assert render_specs([[":(top)", ":(top,exclude,glob)a b"], [":(top,glob)c"]]) == (
        ":(top)\n:(top,exclude,glob)a b\n--\n:(top,glob)c\n"
    )


PATHS = [
    ".conductor/conductor.toml",
    ".conductorx",
    "README.md",
    "docs/a/b.txt",
    "docs/conf.py",
    "docs/api.md",
    "src/docs/a.md",
    "src/main.rs",
    "tests/t.py",
    "sub/README.md",
    "dócs/ü[1].txt",
    'a"b\\c*',
]


@pytest.mark.parametrize("plan", [*PLANS, None], ids=lambda plan: plan.plan if plan else "none")
def test_whatever_the_judge_refuses_is_guarded(repo_dir: Path, git: Git, plan: Plan | None) -> None:
    branch = plan.branch if plan else "other"
    for path in PATHS:
        git(repo_dir, "read-tree", "HEAD")
        git(repo_dir, "update-index", "--add", "--cacheinfo", f"100644,{git(repo_dir, 'hash-object', 'README')},{path}")
        refused = judge_staged(Staged((path,), branch, "agent-x"), POLICY, PLANS)
        guarded = any(
            git(repo_dir, "diff-index", "--cached", "--name-only", "HEAD", "--", *specs)
            for specs in guard_specs(POLICY, PLANS, f"refs/heads/{branch}")
        )
        assert guarded or not refused, path


@pytest.fixture
def control(repo_dir: Path, git: Git) -> Control:
    """The control tree of a repository with one plan."""
    (repo_dir / ".conductor/plans").mkdir(parents=True)
    (repo_dir / ".conductor/conductor.toml").write_text('format = 1\nrepository = "0123abcd"\n')
    (repo_dir / ".conductor/plans/2.md").write_text(
        "---\nplan: 2\ntitle: Docs\nbranch: agent-2/docs\nscope: ['docs/**']\nwaves:\n  1: {title: All}\n---\n"
    )
    git(repo_dir, "add", ".conductor")
    git(repo_dir, "commit", "-q", "-m", "control")
    return read_control(discover(str(repo_dir)))


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    return discover(str(repo_dir))


def guards(repo: Repository) -> dict[str, str]:
    root = Path(repo.private)
    found = [root / "control-ref", *(root / "guards").rglob("*")]
    return {str(path.relative_to(root)): path.read_text() for path in found if path.is_file()}


def test_guards_are_written_by_control_commit_and_old_ones_swept(control: Control, repo: Repository, git: Git) -> None:
    old = Path(repo.private, "guards", "0" * 40)
    old.mkdir(parents=True)
    left = Path(repo.private, "guards", f"{control.oid}.tmp-dead")
    left.mkdir()
    write_guards(repo, control)
    tree = ":(top,glob).conductor\n"
    assert guards(repo) == {
        "control-ref": f"{control.oid}\nrefs/heads/main {control.oid}\n",
        f"guards/{control.oid}/paths": ":(top,literal).conductor\n"
        ":(top,literal).conductor/plans\n:(top,literal).conductor/scripts\n",
        f"guards/{control.oid}/known": "^refs/heads/main\n",
        f"guards/{control.oid}/refs/heads/main~step": "^refs/heads/agent-2/docs\n--\n:(top,literal).conductor\n"
        ":(top,literal).conductor/plans\n:(top,literal).conductor/scripts\n",
        f"guards/{control.oid}/refs/heads/agent-2/docs~work": "^refs/heads/main\n--\n"
        ":(top)\n:(top,exclude,glob)docs/**\n",
        f"guards/{control.oid}/executors": "2 refs/heads/agent-2/docs\n",
        f"guards/{control.oid}/default": tree,
        f"guards/{control.oid}/refs/heads/main~": tree,
        f"guards/{control.oid}/refs/heads/agent-2/docs~": ":(top)\n:(top,exclude,glob)docs/**\n",
    }
    assert not old.exists()
    assert left.exists(), "a draft may be another process's, at work now"


def test_written_anew_over_what_stands(control: Control, repo: Repository) -> None:
    write_guards(repo, control)
    was = guards(repo)
    Path(repo.private, "guards", control.oid, "default").write_text("tampered\n")
    write_guards(repo, control)
    assert guards(repo) != was
    write_guards(repo, control, anew=True)
    assert guards(repo) == was


def test_branches_that_cannot_both_exist_have_a_guard_each(control: Control, repo: Repository) -> None:
    import msgspec

    twice = msgspec.structs.replace(
        control, plans=(*control.plans, Plan("3", "Deeper", "p/3.md", branch="agent-2/docs/deeper"))
    )
    write_guards(repo, twice)
    assert f"guards/{control.oid}/refs/heads/agent-2/docs/deeper~" in guards(repo)


def test_the_upstream_of_the_control_branch_is_watched(control: Control, repo: Repository, git: Git) -> None:
    git(repo.git_dir, "update-ref", "refs/remotes/origin/main", control.oid)
    write_guards(repo, control)
    alone = f"{control.oid}\nrefs/heads/main {control.oid}\n"
    assert guards(repo)["control-ref"] == alone
    git(repo.git_dir, "remote", "add", "origin", "../origin.git")
    git(repo.git_dir, "branch", "--set-upstream-to", "origin/main", "main")
    write_guards(repo, control)
    assert guards(repo)["control-ref"] == f"{alone}refs/remotes/origin/main {control.oid}\n"


def test_many_at_once_leave_one_whole_set(control: Control, repo: Repository) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                write_guards(repo, control, anew=True)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(guards(repo)) == 9
    assert [path.name for path in Path(repo.private, "guards").iterdir()] == [control.oid]


def test_removed_without_a_trace(control: Control, repo: Repository) -> None:
    write_guards(repo, control)
    remove_guards(repo)
    remove_guards(repo)
    assert guards(repo) == {}
