"""The doctor: doors fired for real in every worktree, and what each way of losing one is called."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from conductor_git.commands.doctor import doctor
from conductor_git.commands.install import install
from conductor_git.commands.outcome import Outcome
from conductor_git.store.hookfiles.doorfiles import DOORS
from conductor_git.store.hookfiles.health import git_version, judge_config, judge_locks, judge_version, old_locks
from conductor_git.store.plumbing.repository import discover

Git = Callable[..., str]


@pytest.fixture
def root(repo_dir: Path, git: Git) -> Path:
    """A repository with a policy, one plan, its worktree, and the doors in place."""
    (repo_dir / ".conductor/plans").mkdir(parents=True)
    (repo_dir / ".conductor/conductor.toml").write_text('format = 1\nrepository = "0123abcd"\n')
    (repo_dir / ".conductor/plans/2.md").write_text(
        "---\nplan: 2\ntitle: Docs\nbranch: agent-2/docs\nscope: ['docs/**']\nwaves:\n  1: {title: All}\n---\n"
    )
    git(repo_dir, "add", ".conductor")
    git(repo_dir, "commit", "-q", "-m", "control")
    git(repo_dir, "worktree", "add", "-q", "-b", "agent-2/docs", str(repo_dir.parent / "tree"))
    install(discover(str(repo_dir)))
    return repo_dir


def examine(root: Path, *, fix: bool = False) -> Outcome:
    return doctor(discover(str(root)), fix=fix)


def states(outcome: Outcome) -> dict[tuple[str, str], str]:
    data = cast("dict[str, Any]", outcome.data)
    return {(Path(door["worktree"]).name, door["door"]): door["state"] for door in data["doors"]}


def all_but(**other: str) -> dict[tuple[str, str], str]:
    """Everything stands in both worktrees, but for the doors named (with '_' for '-')."""
    return {(tree, door): other.get(door.replace("-", "_"), "stands") for tree in ("repo", "tree") for door in DOORS}


def test_all_is_well(root: Path, git: Git) -> None:
    before = git(root, "status", "--porcelain"), git(root.parent / "tree", "status", "--porcelain")
    outcome = examine(root)
    assert (states(outcome), outcome.findings, outcome.code) == (all_but(), (), 0)
    assert outcome.text.splitlines()[0] == "10 of 10 doors answer, in 2 worktrees"
    assert (git(root, "status", "--porcelain"), git(root.parent / "tree", "status", "--porcelain")) == before


def test_a_hook_that_is_gone_is_named_and_mended(root: Path) -> None:
    hooks = root / ".git/hooks"
    (hooks / "commit-msg").unlink()
    (hooks / "pre-commit").chmod(0o644)
    text = (hooks / "pre-merge-commit").read_text()
    (hooks / "pre-merge-commit").write_text(text.replace("conductor-git 0", "conductor-git 0.0", 1))
    outcome = examine(root)
    assert states(outcome) == all_but(commit_msg="missing", pre_commit="not executable", pre_merge_commit="outdated")
    assert (outcome.code, {finding.code for finding in outcome.findings}) == (1, {"CG711"})
    missing = next(finding for finding in outcome.findings if finding.subject == f"{root}:commit-msg")
    assert missing.message == f"door 'commit-msg' is missing, in '{root}'"
    assert missing.hint == "conductor-git doctor --fix"
    mended = examine(root, fix=True)
    assert (states(mended), mended.code) == (all_but(), 0)
    assert mended.text.splitlines()[0] == f"'{hooks / 'pre-commit'}' brought up to date"


def test_an_interpreter_that_is_gone(root: Path) -> None:
    hook = root / ".git/hooks/commit-msg"
    text = hook.read_text()
    line = next(line for line in text.splitlines() if line.startswith("cg_python="))
    hook.write_text(text.replace(line, "cg_python='/nowhere/python'"))
    outcome = examine(root)
    assert states(outcome) == all_but(commit_msg="no interpreter")
    assert outcome.findings[0].detail == f"'/nowhere/python' is gone; '{hook}'"


def test_a_hook_that_says_yes_to_everything_does_not_judge(root: Path) -> None:
    hook = root / ".git/hooks/commit-msg"
    lines = hook.read_text().splitlines(keepends=True)
    hook.write_text("".join([*lines[:2], "exit 0\n", *lines[2:]]))
    outcome = examine(root)
    assert states(outcome) == all_but(commit_msg="silent")
    assert outcome.findings[0].message == f"door 'commit-msg' does not judge, in '{root}'"


def test_one_worktree_that_looks_elsewhere(root: Path, git: Git, tmp_path: Path) -> None:
    tree = root.parent / "tree"
    git(root, "config", "extensions.worktreeConfig", "true")
    git(tree, "config", "--worktree", "core.hooksPath", str(tmp_path / "empty"))
    outcome = examine(root)
    assert [state for (name, _), state in states(outcome).items() if name == "repo"] == ["stands"] * len(DOORS)
    assert [state for (name, _), state in states(outcome).items() if name == "tree"] == ["missing"] * len(DOORS)
    weak = next(finding for finding in outcome.findings if finding.code == "CG712")
    assert weak.message == f"one worktree takes its hooks from elsewhere: core.hooksPath = '{tmp_path / 'empty'}'"
    assert git(tree, "config", "--worktree", "core.hooksPath") == str(tmp_path / "empty")


def test_another_tool_without_our_entry(root: Path) -> None:
    for door in DOORS:
        (root / ".git/hooks" / door).write_text(f'#!/bin/sh\ncall_lefthook run "{door}" "$@"\n')
    (root / "lefthook.yml").write_text("")
    outcome = examine(root)
    assert set(states(outcome).values()) == {"not added"}
    assert outcome.findings[0].message == (
        f"door 'pre-commit' is missing: lefthook runs the hooks, and its file has no entry of ours, in '{root}'"
    )


def test_an_entry_is_fired_by_its_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for door in DOORS:
        (root / ".git/hooks" / door).write_text(f'#!/bin/sh\ncall_lefthook run "{door}" "$@"\n')
    (root / "lefthook.yml").write_text("")
    git_only = root.parent / "bin"
    git_only.mkdir()
    (git_only / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert states(examine(root, fix=True))[("repo", "commit-msg")] == "stands"
    monkeypatch.setenv("PATH", str(git_only))
    outcome = examine(root)
    assert states(outcome)[("repo", "commit-msg")] == "silent"
    assert "'conductor-git-hook' is not on PATH" in outcome.findings[0].detail


def test_a_hook_type_that_pre_commit_left_out(root: Path) -> None:
    from conductor_git.core.hooktext.precommitfile import new_config

    hooks = root / ".git/hooks"
    (hooks / "commit-msg").unlink()
    (root / ".pre-commit-config.yaml").write_text(new_config(DOORS).partition("\n")[2])
    finding = next(finding for finding in examine(root).findings if finding.subject == f"{root}:commit-msg")
    assert finding.detail.startswith(
        "its entry is in .pre-commit-config.yaml, and 'pre-commit install' left hook type commit-msg out"
    )


def test_a_remote_whose_ledger_is_not_fetched(root: Path, git: Git) -> None:
    git(root, "remote", "add", "origin", "../origin.git")
    outcome = examine(root)
    assert [(finding.code, finding.subject) for finding in outcome.findings] == [("CG604", "origin")]
    assert examine(root, fix=True).findings == ()


def test_locks_that_were_left_behind(root: Path, git: Git) -> None:
    lock = root / ".git/worktrees/tree/index.lock"
    now = 1_700_000_000
    for path in (lock, root / ".git/refs/heads/agent-2/docs.lock"):
        path.touch()
        os.utime(path, (now, now))
    repo = discover(str(root))
    assert old_locks(repo, now=now + 599) == []
    found = old_locks(repo, now=now + 7200)
    assert [(Path(item.path).name, item.age // 60) for item in found] == [("docs.lock", 120), ("index.lock", 120)]
    assert [finding.code for finding in examine(root).findings] == ["CG713", "CG713"]
    examine(root, fix=True)
    assert lock.exists(), "whoever holds it would lose work"
    assert judge_locks([]) == []


@pytest.mark.parametrize(
    ("key", "value", "weakens"),
    [
        ("notes.rewriteRef", "refs/notes/*", True),
        ("notes.rewriteRef", "refs/notes/conductor/agent-2.0123", True),
        ("notes.rewriteRef", "refs/notes/commits", False),
        ("notes.displayRef", "refs/notes/conductor/*", True),
        ("remote.origin.fetch", "+refs/notes/*:refs/notes/*", True),
        ("remote.origin.fetch", "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*", False),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*", False),
    ],
)
def test_configuration_that_endangers_the_ledger(root: Path, git: Git, key: str, value: str, weakens: bool) -> None:
    git(root, "config", key, value)
    assert [finding.code for finding in judge_config(discover(str(root)))] == (["CG712"] if weakens else [])


def test_git_versions() -> None:
    assert judge_version("2.38.0", (2, 38, 0)) == []
    assert judge_version(*git_version()) == []
    (finding,) = judge_version("2.37.9", (2, 37, 9))
    assert (finding.code, finding.message) == ("CG714", "git is '2.37.9', and conductor-git needs 2.38 or newer")


def test_the_data_is_stable(root: Path) -> None:
    data = cast("dict[str, Any]", examine(root).data)
    assert list(data) == [
        "schema",
        "git",
        "level",
        "level_why",
        "level_stops",
        "bases",
        "clone",
        "doors",
        "writers",
        "ledger_not_fetched_from",
        "locks",
        "fixed",
        "findings",
    ]
    assert data["doors"][0] == {
        "worktree": str(root),
        "door": "pre-commit",
        "state": "stands",
        "path": str(root / ".git/hooks/pre-commit"),
        "by": "",
        "detail": "",
        "scope": "",
    }
