"""`log-status` over real repositories: what it reads, what it keeps, and what it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conductor_git.commands.status import status
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.board import Board
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.outside import counting
from tests.test_house import own_modules, third_party

NOW = 2_000_000_000
POLICY = """\
format = 1
repository = "0123456789abcdef"
integration = "main"

[validation]
default = "verify.sh"
"""
PLAN = """\
---
plan: {plan}
title: {title}
agent: agent-{plan}
branch: agent-{plan}/work
waves:
  0: {{title: Audit}}
  1: {{title: Build}}
---
"""


@pytest.fixture
def team(repo_dir: Path, git: Git) -> Path:
    """A policy, a script that passes, and plans 1 and 2."""
    folder = repo_dir / ".conductor"
    (folder / "plans").mkdir(parents=True)
    (folder / "scripts").mkdir()
    (folder / "conductor.toml").write_text(POLICY)
    script = folder / "scripts" / "verify.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    for plan, title in (("1", "Parser"), ("2", "Printer")):
        (folder / "plans" / f"{plan}.md").write_text(PLAN.format(plan=plan, title=title))
    git(repo_dir, "add", "-A")
    git(repo_dir, "commit", "-q", "-m", "policy")
    return repo_dir


def begin(team: Path, git: Git, plan: str) -> None:
    """A plan's branch with its start commit."""
    git(team, "branch", f"agent-{plan}/work")
    text = f"▶ PLAN {plan} START - agent-{plan}\n\nConductor-Plan: {plan}\n"
    start = git(team, "commit-tree", "-p", "main", "-m", text, "main^{tree}")
    git(team, "update-ref", f"refs/heads/agent-{plan}/work", start)


def board(team: Path, **options: Any) -> Board:
    found = status(discover(str(team)), now=NOW, **options).data
    assert isinstance(found, Board)
    return found


def states(team: Path) -> dict[str, str]:
    return {shown.plan: shown.state for shown in board(team).plans}


def cli(*args: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conductor_git", *args], cwd=cwd, capture_output=True, text=True, check=False, **options
    )


def test_what_git_holds_is_what_is_shown(team: Path, git: Git) -> None:
    assert states(team) == {"1": "ready", "2": "ready"}
    begin(team, git, "2")
    assert states(team) == {"1": "ready", "2": "active"}
    git(team, "branch", "-D", "agent-2/work")
    assert states(team) == {"1": "ready", "2": "ready"}


def test_a_claim_that_went_round_the_hook_is_claimed_and_fails_the_check(team: Path, git: Git) -> None:
    begin(team, git, "2")
    git(team, "checkout", "-q", "agent-2/work")
    assert status(discover(str(team)), now=NOW, check=True).code == 0
    git(team, "commit", "-q", "--no-verify", "--allow-empty", "-m", "✅ Wave 0 Complete")
    found = status(discover(str(team)), now=NOW, check=True)
    assert found.code == 1
    assert "2.0  claimed" in found.text
    assert "has no passing validation [CG201]" in found.text
    assert status(discover(str(team)), now=NOW).code == 0


def test_the_check_looks_at_the_plans_that_are_named(team: Path, git: Git) -> None:
    (team / ".conductor" / "plans" / "2.md").write_text("no front matter\n")
    git(team, "commit", "-q", "-a", "-m", "break plan 2")
    repo = discover(str(team))
    assert status(repo, now=NOW, check=True).code == 1
    assert status(repo, ["1"], now=NOW, check=True).code == 0
    assert status(repo, now=NOW).text.startswith("error: .conductor/plans/2.md:1: ")


def test_only_the_plans_that_are_named_are_shown_with_every_wave(team: Path) -> None:
    found = status(discover(str(team)), ["2"], now=NOW)
    assert [shown.plan for shown in msgspec.convert(found.data, Board, from_attributes=True).plans] == ["2"]
    assert "  2.1  waiting  Build" in found.text
    assert "Parser" not in found.text


def test_only_what_brings_on_the_plans_that_are_named_is_next(team: Path, git: Git) -> None:
    begin(team, git, "1")
    begin(team, git, "2")
    assert [step.target for step in board(team).next] == ["1.0", "2.0"]
    for format_ in ("json", "md", "text"):
        assert [step.target for step in board(team, plans=["2"], format=format_).next] == ["2.0"]
    shown = status(discover(str(team)), ["2"], now=NOW).text
    assert shown.endswith("\nnext\n  agent-2  work on 2.0, commit, then claim it  conductor-git claim 2.0")
    assert "agent-1" not in shown


def test_a_plan_that_is_not_there_is_an_error_that_names_those_that_are(team: Path) -> None:
    with pytest.raises(CannotRun) as caught:
        status(discover(str(team)), ["3"], now=NOW)
    assert (caught.value.what, caught.value.detail) == ("there is no plan '3'", "plans: 1, 2")


def test_no_policy_is_an_error_with_the_way_to_one(repo_dir: Path) -> None:
    done = cli("status", cwd=repo_dir)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no policy" in done.stderr
    assert "hint: conductor-git init" in done.stderr


def test_the_json_is_the_contract(team: Path, git: Git) -> None:
    begin(team, git, "2")
    done = cli("log-status", "--json", cwd=team)
    shown = msgspec.json.decode(done.stdout)
    assert {"schema", "level", "integration", "control", "plans", "findings", "next"} <= shown.keys()
    assert (shown["schema"], shown["level"], shown["integration"], shown["control"]) == (
        1,
        "L0",
        "main",
        "refs/heads/main",
    )
    plan = {"plan", "title", "state", "agent", "branch", "workspace", "needs", "unblocks", "waiting_for", "blockers"}
    assert plan | {"waves", "findings"} <= shown["plans"][1].keys()
    wave = {"wave", "title", "state", "commit", "basis", "attestations", "awaiting", "findings"}
    assert wave <= shown["plans"][1]["waves"][0].keys()
    assert shown["next"][0].keys() == {"who", "step", "command", "target"}
    assert cli("status", "--format", "json", cwd=team).stdout == done.stdout
    assert msgspec.json.decode(done.stdout, type=Board).schema == 1


def test_markdown_from_the_command_line(team: Path) -> None:
    done = cli("status", "--format", "md", cwd=team)
    assert done.stdout.startswith("**2 plans on 'main': 2 ready; 0 of 4 waves complete**\n\n| plan | agent |")


def test_a_pipe_gets_no_colours_and_lines_that_are_not_cut(team: Path) -> None:
    shown = cli("status", cwd=team, env=plain_surroundings())
    assert "\x1b" not in shown.stdout
    assert "1  Parser   agent-1  [..........] 0/2  0" in shown.stdout


def test_colours_and_width_can_be_asked_for_in_a_pipe(team: Path) -> None:
    shown = cli("status", cwd=team, env={**plain_surroundings(), "FORCE_COLOR": "1", "COLUMNS": "70"})
    assert " ╌╌╌╌╌  0/2\x1b[0m" in shown.stdout


def plain_surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "FORCE_COLOR", "NO_COLOR"}}


@pytest.mark.parametrize(
    ("surroundings", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colours_unless_its_user_has_none(
    team: Path, surroundings: dict[str, str], colours: bool
) -> None:
    shown = terminal(team, "status", env={"TERM": "xterm", **surroundings})
    assert ("\x1b[" in shown) is colours
    assert "Parser" in shown


def test_the_width_of_the_terminal_counts(team: Path) -> None:
    assert "[.....] 0/2" in terminal(team, "status", env={"COLUMNS": "60", "NO_COLOR": "1"})


def terminal(folder: Path, *args: str, env: dict[str, str]) -> str:
    """What a command prints on a terminal."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "conductor_git", *args], cwd=folder, stdout=theirs, env={**os.environ, **env}
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                # Linux: the other end was closed.
                break
            if not chunk:
                break
            shown += chunk
        assert process.wait() == 0
    os.close(ours)
    return shown.decode()


def test_watching_shows_each_change_and_ends_with_an_interrupt(team: Path, git: Git) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "conductor_git", "status", "--watch", "--format", "md"],
        cwd=team,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = heads(process.stdout, 1)
        begin(team, git, "2")
        seen += heads(process.stdout, 1)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate()
        assert (process.returncode, err) == (130, "interrupted\n")
    assert seen == [
        "**2 plans on 'main': 2 ready; 0 of 4 waves complete**\n",
        "**2 plans on 'main': 1 active, 1 ready; 0 of 4 waves complete**\n",
    ]
    assert "**" not in rest


def heads(stream: Any, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        line = stream.readline()
        assert line, "it ended"
        found += [line] if line.startswith("**") else []
    return found


def test_unchanged_it_costs_two_git_processes_and_no_fold(team: Path, tmp_path: Path) -> None:
    env = counting(tmp_path)
    assert cli("status", cwd=team, env=env).returncode == 0
    (tmp_path / "calls").write_text("")
    again = cli("status", cwd=team, env=env)
    assert again.returncode == 0
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    # Both at once: either may be the first to begin.
    asked = sorted(next(word for word in call if word in {"rev-parse", "for-each-ref"}) for call in calls)
    assert asked == ["for-each-ref", "rev-parse"]


def test_unchanged_it_loads_nothing_heavy(team: Path) -> None:
    status(discover(str(team)), now=NOW)
    assert third_party("-m", "conductor_git", "status", cwd=team) == {"click", "msgspec", "typing_extensions"}
    loaded = own_modules("-m", "conductor_git", "status", cwd=team)
    judging = ("core.judgement", "core.events.event", "core.messages", "store.past", "store.hookfiles")
    assert [name for name in sorted(loaded) if name.startswith(judging)] == []
    assert len(loaded) < 60, "each one costs a part of a millisecond"


def test_a_board_that_was_kept_says_what_a_new_one_says(team: Path, git: Git) -> None:
    begin(team, git, "1")
    first, kept = board(team), board(team)
    (team / ".git" / "conductor" / "cache" / "board").unlink()
    assert first == kept == board(team)


@pytest.mark.parametrize("harm", [b"", b"0.0.1\nold", b"\xff" * 100])
def test_a_broken_memo_is_as_if_it_were_not_there(team: Path, harm: bytes) -> None:
    expected = board(team)
    (team / ".git" / "conductor" / "cache" / "board").write_bytes(harm)
    assert board(team) == expected


@pytest.mark.parametrize(
    "change",
    [
        ("commit", "-q", "--allow-empty", "-m", "work"),
        ("branch", "elsewhere"),
        ("update-ref", "refs/notes/conductor/agent-1.12345678", "HEAD"),
        ("update-ref", "refs/notes/conductor-remotes/origin/agent-1.12345678", "HEAD"),
        ("update-ref", "refs/remotes/origin/agent-2/work", "HEAD"),
        ("config", "conductor.control", "main"),
        ("remote", "add", "origin", "elsewhere"),
    ],
)
def test_whatever_a_board_is_folded_from_makes_a_new_one(team: Path, git: Git, change: tuple[str, ...]) -> None:
    before = board(team)
    memo = team / ".git" / "conductor" / "cache" / "board"
    kept = memo.read_bytes()
    git(team, *change)
    after = board(team)
    assert memo.read_bytes() != kept
    assert before.plans[0].plan == after.plans[0].plan


def test_the_rules_of_one_worktree_are_those_of_all(team: Path, git: Git, tmp_path: Path) -> None:
    """A worktree that could choose its own rules would also put its board into what is kept for the others."""
    expected = board(team)
    begin(team, git, "2")
    linked = tmp_path / "linked"
    git(team, "worktree", "add", "-q", str(linked), "agent-2/work")
    plan = linked / ".conductor" / "plans" / "2.md"
    plan.write_text(plan.read_text().replace("Printer", "Anything I like"))
    git(linked, "commit", "-q", "--no-verify", "-a", "-m", "other rules")
    git(linked, "config", "extensions.worktreeConfig", "true")
    git(linked, "config", "--worktree", "conductor.control", "agent-2/work")
    for folder in (linked, team):
        assert [shown.title for shown in board(folder).plans] == [shown.title for shown in expected.plans]


def test_a_users_default_branch_is_no_surprise_either(team: Path, git: Git, hermetic: Path) -> None:
    policy = team / ".conductor" / "conductor.toml"
    policy.write_text(policy.read_text().replace('"main"', '"stem"'))
    git(team, "commit", "-q", "--no-verify", "-a", "-m", "integration is called stem")
    git(team, "branch", "-m", "main", "stem")
    git(team, "config", "conductor.control", "stem")
    assert cli("status", cwd=team).returncode == 0
    git(team, "config", "--unset", "conductor.control")
    assert cli("status", cwd=team).returncode == 2
    git(team, "config", "--global", "init.defaultBranch", "stem")
    assert cli("status", cwd=team).returncode == 0


def test_refs_that_are_no_text_are_no_harm(team: Path, git: Git) -> None:
    begin(team, git, "2")
    head = git(team, "rev-parse", "HEAD").encode()
    names = (b"refs/heads/b\xff", b"refs/remotes/\xff/agent-2/work", b"refs/notes/conductor/\xff.12345678")
    stdin = b"".join(b"create %s %s\n" % (name, head) for name in names)
    subprocess.run(["git", "update-ref", "--stdin"], cwd=team, input=stdin, check=True)
    for args in (["status"], ["status"], ["status", "--json"], ["status", "--format", "md"]):
        done = cli(*args, cwd=team)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_repository_that_cannot_be_written_can_be_reported_on(team: Path) -> None:
    (team / ".git" / "conductor").mkdir(exist_ok=True)
    (team / ".git" / "conductor" / "cache").write_text("a file where a folder should be")
    assert states(team) == {"1": "ready", "2": "ready"}


def test_it_reports_from_a_linked_worktree_and_a_subfolder(team: Path, git: Git, tmp_path: Path) -> None:
    begin(team, git, "2")
    git(team, "worktree", "add", "-q", str(tmp_path / "linked"), "agent-2/work")
    (tmp_path / "linked" / "sub").mkdir()
    shown = cli("status", cwd=tmp_path / "linked" / "sub")
    assert "agent-2    work on 2.0, commit, then claim it  conductor-git claim 2.0" in shown.stdout


def test_it_reports_from_a_bare_repository(team: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(team), str(tmp_path / "bare.git"))
    assert "2 plans on 'main': 2 ready" in cli("status", cwd=tmp_path / "bare.git").stdout


def test_a_writers_name_that_cannot_be_one_does_not_hide_the_report(team: Path) -> None:
    shown = cli("status", cwd=team, env={**os.environ, "CONDUCTOR_WRITER": "No Such Name!"})
    assert (shown.returncode, shown.stderr) == (0, "")
