"""Delegating: exclusive, repeatable after any death, and never over anybody's work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_git.commands.delegate import delegate
from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.commands.whoami import whoami as say_whoami
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.notes.writer import record_conductor, whoami
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.team.worktrees import list_worktrees
from tests.conftest import Git

POLICY = 'format = 1\nrepository = "a1b2c3d4"\nsince = ""\nintegration = "main"\n'
PLAN_2 = """---
plan: 2
title: Educational integration
agent: {name: agent-2, kind: rust-engineer}
branch: agent-2/educational
waves:
  0: {title: Audit}
  3: {title: Explain}
---
"""
START = "▶ PLAN 2 START - agent-2"


def declare(folder: Path, git: Git, **files: str) -> None:
    """Commit the policy and plan files (name without suffix to text) to the branch that is checked out."""
    control = folder / ".conductor"
    (control / "plans").mkdir(parents=True, exist_ok=True)
    (control / "conductor.toml").write_text(POLICY)
    for name, text in {"2": PLAN_2, **files}.items():
        (control / "plans" / f"{name}.md").write_text(text)
    git(folder, "add", ".conductor")
    git(folder, "commit", "-q", "-m", "declare plans")


@pytest.fixture
def shop(repo_dir: Path, git: Git) -> Path:
    """The conductor's worktree, with plan 2 declared."""
    declare(repo_dir, git)
    record_conductor(discover(str(repo_dir)))
    return repo_dir


@pytest.fixture
def upstream(shop: Path, git: Git, tmp_path: Path) -> Path:
    """A bare repository that `shop` was pushed to and that its main follows."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(shop, "remote", "add", "origin", str(tmp_path / "hub.git"))
    git(shop, "push", "-q", "-u", "origin", "main")
    return tmp_path / "hub.git"


def run(folder: Path, what: str = "2", **how: Any) -> Outcome:
    """Delegate from a folder."""
    return delegate(discover(str(folder)), what, say=lambda _: None, **how)


def start(folder: Path, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """`conductor-git delegate …` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "conductor_git", "delegate", *args],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


def delegations(folder: Path) -> list[dict[str, Any]]:
    """The data of every delegation event, in ledger order."""
    return [event.data for event in read_ledger(discover(str(folder))).events if event.kind == "delegation"]


def starts(folder: Path, git: Git) -> list[str]:
    """The first lines of all start commits on branches."""
    subjects = git(folder, "log", "--branches", "--format=%s").split("\n")
    return [subject for subject in subjects if subject.startswith("▶")]


def workspace(folder: Path) -> Path:
    """Where plan 2 is worked on by default."""
    return folder.parent / "repo.worktrees" / "agent-2-educational"


def test_a_plan_gets_branch_start_worktree_event_and_brief(shop: Path, git: Git) -> None:
    outcome = run(shop)
    assert outcome.code == DONE
    assert outcome.text.startswith("# You are the orchestrator of plan 2: Educational integration\n")
    there = workspace(shop)
    assert git(there, "symbolic-ref", "HEAD") == "refs/heads/agent-2/educational"
    assert git(there, "status", "--porcelain") == ""
    assert whoami(discover(str(there))).name == "agent-2"
    assert list_worktrees(discover(str(shop)))[1].locked == "conductor-git: plan 2 is delegated to agent-2"
    (event,) = (event for event in read_ledger(discover(str(shop))).events if event.kind == "delegation")
    assert (event.writer, event.plan, event.wave) == ("conductor", "2", None)
    assert {key: event.data[key] for key in ("agent", "agent_kind", "branch", "workspace")} == {
        "agent": "agent-2",
        "agent_kind": "rust-engineer",
        "branch": "agent-2/educational",
        "workspace": "../repo.worktrees/agent-2-educational",
    }
    message = git(there, "log", "-1", "--format=%B")
    assert message == f"{START}\n\nConductor-Plan: 2\nConductor-Delegation: {event.id}"
    assert (
        git(there, "rev-parse", "HEAD^", "HEAD^{tree}").split() == git(shop, "rev-parse", "main", "main^{tree}").split()
    )


def test_what_is_checked_out_does_not_matter(shop: Path, git: Git) -> None:
    git(shop, "checkout", "-q", "--detach")
    (shop / "README").write_text("dirty\n")
    assert run(shop).code == DONE
    assert (shop / "README").read_text() == "dirty\n"


def test_a_second_delegation_is_refused_and_changes_nothing(shop: Path, git: Git) -> None:
    run(shop, now=1_700_000_000)
    before = git(shop, "for-each-ref")
    outcome = run(shop, to="agent-9", now=1_700_000_900)
    assert outcome.code == REFUSED
    (finding,) = outcome.findings
    assert finding.code == "CG801"
    assert finding.message == "plan 2 is delegated to 'agent-2' since 2023-11-14 22:13 UTC (15m ago)"
    assert finding.hint == "conductor-git delegate 2 --resume    # 'agent-2' goes on"
    assert finding.detail == "by 'conductor'; nothing was changed"
    assert git(shop, "for-each-ref") == before


def test_a_title_makes_the_plan_first(shop: Path, git: Git) -> None:
    outcome = run(shop, "Faster: 'parser' & more", waves=["Measure", "Rewrite"], to="agent-p")
    assert outcome.data == {
        "schema": 1,
        "plan": "3",
        "delegated": True,
        "agent": "agent-p",
        "branch": "agent-p/faster-parser-more",
        "workspace": str(shop.parent / "repo.worktrees" / "agent-p-faster-parser-more"),
        "log": None,
        "pid": None,
    }
    assert (
        git(shop, "ls-files", ".conductor/plans") == ".conductor/plans/2.md\n.conductor/plans/3-faster-parser-more.md"
    )
    assert git(shop, "status", "--porcelain") == ""
    assert git(shop, "log", "-1", "--format=%s", "main") == "conductor: declare plan 3, Faster: 'parser' & more"


def test_the_same_title_again_is_the_same_plan(shop: Path, git: Git) -> None:
    run(shop, "Faster", waves=["One"])
    assert run(shop, "Faster", waves=["One"]).code == REFUSED
    assert run(shop, "Faster", waves=["Two"]).code == DONE
    assert sorted(starts(shop, git)) == ["▶ PLAN 3 START - agent-3", "▶ PLAN 4 START - agent-4"]


def test_a_number_that_is_only_in_the_working_tree_is_not_taken(shop: Path) -> None:
    (shop / ".conductor/plans/7-mine.md").write_text("draft\n")
    assert run(shop, "Other", waves=["One"]).data["plan"] == "8"  # type: ignore[index]


def test_of_twenty_at_once_exactly_one_wins(shop: Path, git: Git) -> None:
    processes = [start(shop, "2", "--to", f"agent-{number}") for number in range(20)]
    ended = [(*process.communicate(), process.returncode) for process in processes]
    assert sorted(code for _, _, code in ended) == [0] + [1] * 19
    (winner,) = (number for number, (_, _, code) in enumerate(ended) if code == 0)
    assert starts(shop, git) == [f"▶ PLAN 2 START - agent-{winner}"]
    assert [data["agent"] for data in delegations(shop)] == [f"agent-{winner}"]
    assert len(list_worktrees(discover(str(shop)))) == 2
    for _, error, code in ended:
        assert code == 0 or f"error: plan 2 is delegated to 'agent-{winner}' since " in error


def test_twenty_new_plans_at_once_get_twenty_numbers(shop: Path, git: Git) -> None:
    processes = [start(shop, f"Title {number}", "--wave", "One") for number in range(20)]
    ended = [(*process.communicate(), process.returncode) for process in processes]
    assert [error for _, error, code in ended if code] == []
    assert sorted(starts(shop, git)) == sorted(f"▶ PLAN {n} START - agent-{n}" for n in range(3, 23))
    assert len(list_worktrees(discover(str(shop)))) == 21
    assert git(shop, "status", "--porcelain") == ""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kill_at", range(1, 16))
def test_killed_anywhere_the_same_command_finishes_it(
    upstream: Path, shop: Path, git: Git, murderous: Callable[[int, str], dict[str, str]], kill_at: int, when: str
) -> None:
    process = start(shop, "Faster", "--wave", "One", env=murderous(kill_at, when))
    process.communicate()
    assert process.returncode == -9
    again = run(shop, "Faster", waves=["One"])
    assert again.code == DONE
    assert again.text.startswith("# You are the orchestrator of plan 3: Faster\n")
    assert starts(shop, git) == ["▶ PLAN 3 START - agent-3"]
    assert [data["agent"] for data in delegations(shop)] == ["agent-3"]
    branch = "refs/heads/agent-3/faster"
    assert git(upstream, "rev-parse", branch) == git(shop, "rev-parse", branch)
    there = shop.parent / "repo.worktrees" / "agent-3-faster"
    assert git(there, "status", "--porcelain") == ""
    assert git(there, "config", "conductor.writer") == "agent-3"
    assert list_worktrees(discover(str(shop)))[1].locked == "conductor-git: plan 3 is delegated to agent-3"
    assert run(shop, "3").code == REFUSED


def test_there_are_no_more_places_to_die_than_the_test_tries(
    upstream: Path, shop: Path, murderous: Callable[[int, str], dict[str, str]]
) -> None:
    env = murderous(1000, "before")
    process = start(shop, "Faster", "--wave", "One", env=env)
    process.communicate()
    assert (process.returncode, len(Path(env["TALLY"]).read_text().splitlines())) == (0, 15)


def test_a_delegation_that_died_belongs_to_its_agent_only(
    shop: Path, git: Git, murderous: Callable[[int, str], dict[str, str]]
) -> None:
    start(shop, "2", env=murderous(3, "after")).communicate()
    assert starts(shop, git) == [START]
    assert run(shop, to="agent-9").code == REFUSED
    assert run(shop).code == DONE


def test_a_delegation_that_died_before_its_start_commit_binds_nobody(
    shop: Path, git: Git, murderous: Callable[[int, str], dict[str, str]]
) -> None:
    start(shop, "2", env=murderous(1, "after")).communicate()
    assert (len(delegations(shop)), starts(shop, git)) == (1, [])
    assert run(shop, to="agent-9").code == DONE
    assert starts(shop, git) == ["▶ PLAN 2 START - agent-9"]


def test_with_an_upstream_start_and_ledger_are_there_before_success(upstream: Path, shop: Path, git: Git) -> None:
    ensure_refspecs(discover(str(shop)))
    run(shop)
    assert git(upstream, "log", "-1", "--format=%s", "agent-2/educational") == START
    assert git(upstream, "for-each-ref", "refs/notes/conductor", "--format=%(refname)").count("/conductor.") == 1
    assert git(workspace(shop), "rev-parse", "--abbrev-ref", "@{upstream}") == "origin/agent-2/educational"


def test_of_two_clones_one_wins_and_the_other_names_it(upstream: Path, shop: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "hub.git", "other")
    other = tmp_path / "other"
    # The fetch before it finds nothing: both clones stand where they would push at the same moment.
    git(other, "config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
    assert run(shop).code == DONE
    before = git(other, "for-each-ref", "refs/heads")
    outcome = run(other, to="agent-7")
    assert (outcome.code, [finding.code for finding in outcome.findings]) == (REFUSED, ["CG801"])
    assert outcome.findings[0].message.startswith("plan 2 is delegated to 'agent-2' since ")
    assert git(other, "for-each-ref", "refs/heads") == before
    assert len(list_worktrees(discover(str(other)))) == 1
    assert git(upstream, "log", "-1", "--format=%s", "agent-2/educational") == START


def test_an_upstream_that_is_away_delegates_nothing_and_is_gone_on_with(upstream: Path, shop: Path, git: Git) -> None:
    away = upstream.with_name("away.git")
    upstream.rename(away)
    with pytest.raises(CannotRun, match="'origin' could not be fetched from"):
        run(shop)
    assert starts(shop, git) == []
    away.rename(upstream)
    hook = upstream / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CannotRun, match="could not be pushed to 'origin'"):
        run(shop)
    hook.unlink()
    assert run(shop).code == DONE
    assert len(delegations(shop)) == 1


def test_the_start_stands_on_the_newer_of_both_tips(upstream: Path, shop: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "hub.git", "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "newer")
    git(tmp_path / "other", "push", "-q")
    run(shop)
    assert git(workspace(shop), "log", "-2", "--format=%s") == f"{START}\nnewer"


def test_tips_that_diverged_are_refused(upstream: Path, shop: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "hub.git", "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "theirs")
    git(tmp_path / "other", "push", "-q")
    git(shop, "commit", "-q", "--allow-empty", "-m", "ours")
    with pytest.raises(CannotRun, match="'main' here and on 'origin' have each what the other lacks"):
        run(shop)
    assert delegations(shop) == []


def test_resume_brings_a_deleted_worktree_back_and_keeps_what_is_dirty(shop: Path, git: Git) -> None:
    first = run(shop)
    there = workspace(shop)
    git(there, "commit", "-q", "--allow-empty", "-m", "work")
    (there / "dirty").write_text("mine\n")
    git(there, "config", "--worktree", "--unset", "conductor.writer")
    assert run(shop, resume=True).text == first.text
    assert (there / "dirty").read_text() == "mine\n"
    assert whoami(discover(str(there))).name == "agent-2"
    shutil.rmtree(there)
    assert run(shop, resume=True).code == DONE
    assert git(there, "log", "-1", "--format=%s") == "work"
    assert len(delegations(shop)) == 1


def test_resume_follows_a_worktree_that_was_moved(shop: Path, git: Git, tmp_path: Path) -> None:
    run(shop)
    git(shop, "worktree", "move", "-f", "-f", str(workspace(shop)), str(tmp_path / "moved"))
    assert run(shop, resume=True).data["workspace"] == str(tmp_path / "moved")  # type: ignore[index]


def test_resume_in_another_clone_brings_branch_and_worktree(
    upstream: Path, shop: Path, git: Git, tmp_path: Path
) -> None:
    run(shop)
    git(workspace(shop), "commit", "-q", "--allow-empty", "-m", "work")
    git(workspace(shop), "push", "-q")
    git(tmp_path, "clone", "-q", "hub.git", "other")
    other = tmp_path / "other"
    ensure_refspecs(discover(str(other)))
    assert run(other).code == REFUSED
    assert run(other, resume=True).code == DONE
    assert git(tmp_path / "other.worktrees/agent-2-educational", "log", "-1", "--format=%s") == "work"


def test_resume_goes_on_while_the_upstream_is_away(upstream: Path, shop: Path) -> None:
    run(shop)
    shutil.rmtree(upstream)
    assert run(shop, resume=True).code == DONE


def test_resume_is_for_the_same_agent_of_a_delegated_plan(shop: Path) -> None:
    with pytest.raises(CannotRun, match="plan '2' is not delegated"):
        run(shop, resume=True)
    run(shop)
    assert run(shop, resume=True, to="agent-9").code == REFUSED


def test_take_over_keeps_branch_worktree_and_dirty_files(shop: Path, git: Git) -> None:
    run(shop)
    there = workspace(shop)
    git(there, "commit", "-q", "--allow-empty", "-m", "work")
    (there / "dirty").write_text("mine\n")
    outcome = run(shop, take_over=True, to="agent-9", reason="agent-2 is silent")
    assert outcome.text.startswith("# You are the orchestrator of plan 2")
    assert "You are 'agent-9'." in outcome.text
    assert (there / "dirty").read_text() == "mine\n"
    assert git(there, "log", "-1", "--format=%s") == "work"
    assert say_whoami(discover(str(there))).text.startswith("agent-9: a plan's orchestrator (")
    assert list_worktrees(discover(str(shop)))[1].locked == "conductor-git: plan 2 is delegated to agent-9"
    first, second = delegations(shop)
    assert (first["agent"], second["agent"], second["reason"]) == ("agent-2", "agent-9", "agent-2 is silent")
    assert second["supersedes"] in git(there, "log", "--format=%B", "--grep=START")
    assert run(shop).findings[0].message.startswith("plan 2 is delegated to 'agent-9' since ")


def test_who_has_not_delegated_a_plan_gives_it_to_nobody(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(shop)
    monkeypatch.setenv("CONDUCTOR_WRITER", "agent-3")
    (finding,) = run(shop, take_over=True, to="agent-3", reason="mine").findings
    assert (finding.code, finding.message) == (
        "CG802", "plan 2 is given to another agent by the conductor, and this is 'agent-3'"
    )  # fmt: skip
    assert [said["agent"] for said in delegations(shop)] == ["agent-2"]
    monkeypatch.delenv("CONDUCTOR_WRITER")
    assert run(shop, take_over=True, to="agent-3", reason="agent-2 is silent").code == DONE


@pytest.mark.parametrize(
    ("how", "wrong"),
    [
        ({"take_over": True, "to": "agent-9"}, "it needs the new agent and a reason"),
        ({"take_over": True, "reason": "x"}, "it needs the new agent and a reason"),
        ({"take_over": True, "resume": True}, "give one of them"),
        ({"resume": True, "waves": ["One"]}, "'--wave' is for a new plan"),
        ({"to": "Agent 9"}, "agent 'Agent 9' is no writer's name"),
        ({"branch": "other"}, "the branch of plan '2' is 'agent-2/educational'"),
        ({"take_over": True, "to": "agent-9", "reason": "x"}, "plan '2' is not delegated"),
    ],
)
def test_what_cannot_be_meant_is_an_error(shop: Path, git: Git, how: dict[str, Any], wrong: str) -> None:
    with pytest.raises(CannotRun, match=wrong):
        run(shop, **how)
    assert starts(shop, git) == []


def test_of_twenty_take_overs_at_once_each_success_supersedes_another(shop: Path) -> None:
    run(shop)
    asked = ["2", "--take-over", "--reason", "silent", "--to"]
    processes = [start(shop, *asked, f"agent-x{number}") for number in range(20)]
    codes = [(process.communicate(), process.returncode)[1] for process in processes]
    # Whoever began only after the first one had ended takes over from that one, rightly.
    taken = [data["agent"] for data in delegations(shop)[1:]]
    assert set(codes) <= {0, 1}
    assert codes.count(0) == len(taken)
    chain = delegations(shop)
    assert len({data["supersedes"] for data in chain[1:]}) == len(taken)


def test_a_command_runs_in_the_worktree_with_the_brief_on_its_stdin(shop: Path, git: Git) -> None:
    command = 'cat; pwd; echo "$CONDUCTOR_PLAN $CONDUCTOR_WRITER [$GIT_DIR]"; git symbolic-ref HEAD; echo end'
    process = start(shop, "2", "--json", "--exec", command, env={"GIT_DIR": str(shop / ".git")})
    out, _ = process.communicate()
    data = json.loads(out)
    log = Path(data["log"])
    assert not log.is_relative_to(workspace(shop))
    while "\nend\n" not in log.read_text():
        time.sleep(0.02)
    lines = log.read_text().splitlines()
    assert lines[0] == "# You are the orchestrator of plan 2: Educational integration"
    assert lines[-4:] == [str(workspace(shop)), "2 agent-2 []", "refs/heads/agent-2/educational", "end"]


def test_a_command_that_is_not_there_is_an_error_and_the_delegation_stands(shop: Path) -> None:
    with pytest.raises(CannotRun, match="'no-such-agent --headless' could not be started"):
        run(shop, exec_command="no-such-agent --headless")
    assert run(shop).code == REFUSED


def test_a_branch_of_nobody_is_not_taken(shop: Path, git: Git) -> None:
    git(shop, "branch", "agent-2/educational")
    with pytest.raises(CannotRun, match="branch 'agent-2/educational' exists and is no plan's"):
        run(shop)
    assert delegations(shop) == []


def test_a_branch_in_the_way_is_told(shop: Path, git: Git) -> None:
    git(shop, "branch", "agent-2")
    with pytest.raises(CannotRun, match="branch 'agent-2/educational' could not be created") as caught:
        run(shop)
    assert "refs/heads/agent-2" in caught.value.detail


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("9", "there is no plan '9'"),
        ("No such title", "'No such title' is no plan, and a new plan needs waves"),
        ("5", r"plan '5' cannot be read: .*5\.md:"),
    ],
)
def test_a_plan_that_is_not_there_is_an_error(shop: Path, git: Git, what: str, wrong: str) -> None:
    declare(shop, git, **{"5": "---\nplan: 5\n---\n"})
    with pytest.raises(CannotRun, match=wrong):
        run(shop, what)


def test_without_an_identity_nothing_begins(shop: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    git(shop, "config", "user.useConfigOnly", "true")
    with pytest.raises(CannotRun, match="git does not know who you are"):
        run(shop)
    assert (delegations(shop), starts(shop, git)) == ([], [])


def test_where_the_git_directory_cannot_be_written_nothing_begins(shop: Path, git: Git) -> None:
    locks = shop / ".git/conductor/locks"
    shutil.rmtree(locks, ignore_errors=True)
    locks.write_text("not a folder\n")
    with pytest.raises(CannotRun, match="cannot be locked"):
        run(shop)
    assert starts(shop, git) == []


def test_a_workspace_inside_a_git_directory_is_refused_before_anything_is_done(shop: Path, git: Git) -> None:
    declare(shop, git, **{"2": PLAN_2.replace("branch:", "workspace: .git/worktrees/x\nbranch:")})
    with pytest.raises(CannotRun, match="is inside the git directory"):
        run(shop)
    assert (delegations(shop), starts(shop, git)) == ([], [])


def test_a_taken_workspace_leaves_a_delegation_that_is_gone_on_with(shop: Path) -> None:
    workspace(shop).mkdir(parents=True)
    (workspace(shop) / "mine").write_text("mine\n")
    with pytest.raises(CannotRun, match="exists and is not empty"):
        run(shop)
    (workspace(shop) / "mine").unlink()
    assert run(shop).code == DONE


@pytest.mark.parametrize("how", ["--depth=1", "--filter=blob:none"])
def test_shallow_and_partial_clones(upstream: Path, git: Git, tmp_path: Path, how: str) -> None:
    git(upstream, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", how, f"file://{upstream}", "clone")
    assert run(tmp_path / "clone").code == DONE
    assert git(tmp_path / "clone.worktrees/agent-2-educational", "status", "--porcelain") == ""


def test_a_bare_repository_with_worktrees(shop: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(shop), "proj/.bare")
    git(tmp_path / "proj/.bare", "worktree", "add", "-q", "../main", "main")
    git(tmp_path / "proj/.bare", "remote", "remove", "origin")
    assert run(tmp_path / "proj/main").code == DONE
    there = tmp_path / "proj.worktrees/agent-2-educational"
    assert git(there, "rev-parse", "--is-bare-repository") == "false"
    assert git(tmp_path / "proj/.bare", "rev-parse", "--is-bare-repository") == "true"
    assert whoami(discover(str(there))).name == "agent-2"


def test_a_sha256_repository(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "repo")
    git(tmp_path / "repo", "commit", "-q", "--allow-empty", "-m", "first")
    declare(tmp_path / "repo", git)
    assert run(tmp_path / "repo").code == DONE
    assert starts(tmp_path / "repo", git) == [START]


@pytest.mark.parametrize("tracked", [False, True])
def test_where_git_looks_for_hooks_in_each_worktree_the_new_one_gets_doors(shop: Path, git: Git, tracked: bool) -> None:
    git(shop, "config", "core.hooksPath", ".husky/_")
    repo = discover(str(shop))
    if tracked:
        (shop / ".husky/_").mkdir(parents=True)
        (shop / ".husky/_/commit-msg").write_text("#!/bin/sh\ntrue\n")
        (shop / ".husky/_/commit-msg").chmod(0o755)
        git(shop, "add", "-A")
        git(shop, "commit", "-q", "-m", "hooks of our own")
    assert refused(list(install_doors(repo, read_control(repo)).findings)) is False
    outcome = run(shop)
    worktree = shop.parent / "repo.worktrees" / "agent-2-educational"
    assert git(worktree, "status", "--porcelain") == ""
    assert (worktree / ".husky/_/pre-commit").exists()
    # The lines of ours in a file that is committed come with a commit, or by whoever works there.
    lacking = [("commit-msg", "conductor-git install    # in that worktree; or merge the commit that adds the entry")]
    assert [(finding.subject, finding.hint) for finding in outcome.findings] == (lacking if tracked else [])
    said = subprocess.run(["git", "commit", "--allow-empty", "-m", "✅ Wave 0 Complete"], cwd=worktree, check=False)
    # What the door that is missing lets through, reference-transaction refuses.
    assert said.returncode == (128 if tracked else 1)


def test_without_doors_none_are_installed_in_a_new_worktree(shop: Path, git: Git) -> None:
    git(shop, "config", "core.hooksPath", ".husky/_")
    run(shop)
    assert not (shop.parent / "repo.worktrees" / "agent-2-educational" / ".husky").exists()


def test_a_pull_is_a_fast_forward_and_so_may_integration_be_once_it_has_landed(
    shop: Path, upstream: Path, git: Git, tmp_path: Path
) -> None:
    run(shop)
    worktree = shop.parent / "repo.worktrees" / "agent-2-educational"
    git(tmp_path, "clone", "-q", "-b", "agent-2/educational", str(upstream), "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "from another clone")
    git(tmp_path / "other", "push", "-q")
    git(worktree, "pull", "-q")
    assert git(worktree, "rev-parse", "HEAD") == git(tmp_path / "other", "rev-parse", "HEAD")
    git(shop, "merge", "-q", "--no-ff", "-m", "land", "agent-2/educational")
    git(worktree, "merge", "-q", "main")
    assert git(worktree, "rev-parse", "HEAD") == git(shop, "rev-parse", "HEAD")
    assert run(shop, resume=True).code == DONE
    assert run(shop).code == REFUSED
