"""`join`: a clone that chose its own branch takes a plan up, and of two only one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Git
from tests.outside import PAST, refused, run, say, states, works
from tests.team import CLAIM, Team


@pytest.fixture
def hub(team: Team) -> Path:
    """A bare remote that has main, which the conductor's clone follows; nobody has a plan yet."""
    path = team.root.parent / "hub.git"
    team.git(team.root, "init", "-q", "--bare", str(path))
    team.git(team.root, "remote", "add", "origin", str(path))
    team.git(team.root, *PAST, "push", "-q", "-u", "origin", "main")
    team.git(team.root, "checkout", "-q", "main")
    team.git(team.root, "branch", "-q", "-D", "b2")
    return path


def clone(hub: Path, git: Git, name: str, branch: str, *options: str) -> Path:
    """A fresh clone on a branch that its agent's surroundings chose, with a commit on it."""
    path = hub.parent / name
    git(hub.parent, "clone", "-q", *options, hub.as_uri(), str(path))
    git(path, "switch", "-q", "-c", branch)
    (path / "work").write_text(name)
    git(path, "add", "work")
    git(path, "commit", "-q", "-m", "begun before anybody asked")
    return path


def board(at: Path) -> Any:
    """The board, without what differs by the clock."""
    works(at, "sync")
    said = works(at, "log-status", "--json").data
    del said["view"]
    return said


@pytest.mark.parametrize("options", [(), ("--depth=1",), ("--single-branch", "--filter=blob:none")])
def test_a_branch_of_its_own_becomes_the_plans(team: Team, git: Git, hub: Path, options: tuple[str, ...]) -> None:
    one = clone(hub, git, "one", "claude/x1", *options)
    (one / "dirty").write_text("stays")
    said = works(one, "join", "2")
    assert "plan 2 is joined by 'agent-2' on branch 'claude/x1'" in said.err
    assert said.out.startswith("# ")
    assert works(one, "whoami", "--json").data["writer"] == "agent-2"
    assert git(one, "status", "--porcelain") == "?? dirty"
    assert git(one, "log", "-2", "--format=%s").splitlines() == [
        "▶ PLAN 2 START - agent-2",
        "begun before anybody asked",
    ]
    assert run(one, "git", "commit", "-q", "--allow-empty", "-m", CLAIM).code == 1, "the doors stand"
    works(one, "claim", "2.0")
    git(one, "push", "-q")
    assert git(hub, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines() == [
        "b2",
        "claude/x1",
        "main",
    ]
    shown = board(team.root)["plans"][0]
    assert (shown["branch"], shown["agent"], shown["waves"][0]["state"]) == ("claude/x1", "agent-2", "complete")
    if not options:
        assert board(one) == board(team.root)
    # Again, and after the container was lost.
    works(one, "join", "2", "--branch", "claude/x1")
    assert git(one, "log", "-1", "--format=%s") == CLAIM
    git(hub.parent, "clone", "-q", "-b", "claude/x1", hub.as_uri(), str(hub.parent / "back"))
    assert say(hub.parent / "back", "join", "2").code == 1
    works(hub.parent / "back", "join", "2", "--resume")
    works(hub.parent / "back", "claim", "2.1")
    works(hub.parent / "back", "sync")
    assert board(team.root)["plans"][0]["waves"][1]["state"] == "complete"


def test_of_two_at_once_one_gets_it(team: Team, git: Git, hub: Path) -> None:
    places = [clone(hub, git, name, f"codex/{name}") for name in ("one", "two")]
    before = [git(place, "rev-parse", "HEAD") for place in places]
    going = [
        subprocess.Popen(
            ["conductor-git", "join", "2", "--json"],
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for place in places
    ]
    said = [(process.communicate()[0], process.returncode) for process in going]
    assert sorted(code for _, code in said) == [0, 1], said
    loser = [code for _, code in said].index(1)
    answer = json.loads(said[loser][0])
    assert answer["joined"] is False
    assert answer["findings"][0]["message"].startswith("plan 2 is delegated to 'agent-2' since")
    assert git(places[loser], "rev-parse", "HEAD") == before[loser]
    shown = [board(place)["plans"][0]["branch"] for place in (*places, team.root)]
    assert shown == [f"codex/{('one', 'two')[1 - loser]}"] * 3
    works(places[loser], "join", "3")
    assert states(places[loser])["3"] == "active"


def test_what_cannot_be_joined(team: Team, git: Git, hub: Path) -> None:
    one = clone(hub, git, "one", "claude/x1")
    works(one, "install")
    refs = git(one, "for-each-ref", "refs/heads", "refs/notes/conductor")
    refused(say(one, "join", "22"), "there is no plan '22'", "hint: conductor-git join 2")
    refused(say(one, "join", "2", "--branch", "x2"), "'claude/x1' is checked out here, not 'x2'", "git switch -c x2")
    git(one, "checkout", "-q", "--detach")
    refused(say(one, "join", "2"), "HEAD is detached", "hint: git switch -c")
    git(one, "checkout", "-q", "main")
    said = refused(say(one, "join", "2"), "only the conductor moves it", "git switch -c b2 && conductor-git join 2")
    # Where the plan's work is on the remote, a branch made anew would be without it.
    git(one, "update-ref", "refs/remotes/origin/b2", "claude/x1")
    said = refused(say(one, "join", "2"), "only the conductor moves it", "git switch b2 && conductor-git join 2")
    git(one, "update-ref", "-d", "refs/remotes/origin/b2")
    assert git(one, "for-each-ref", "refs/heads", "refs/notes/conductor") == refs
    works(team.root, "delegate", "2")
    git(one, "checkout", "-q", "claude/x1")
    taken = say(one, "join", "2")
    assert taken.code == 1
    assert "plan 2 is delegated to 'agent-2' since" in taken.err
    assert git(one, "for-each-ref", "refs/heads", "refs/notes/conductor") == refs
    refused(say(one, "join", "2", "--resume"), "'claude/x1' lacks the start commit of plan '2'", "git switch b2")
    assert run(one, "sh", "-c", "git switch -q b2 && conductor-git join 2 --resume").code == 0
    assert said.hint.endswith("join 2")


def test_a_joined_plan_is_taken_over_on_the_branch_it_is_on(team: Team, git: Git, hub: Path) -> None:
    one = clone(hub, git, "one", "claude/x1")
    works(one, "join", "2")
    works(
        team.root,
        "delegate",
        "2",
        "--take-over",
        "--to",
        "agent-9",
        "--reason",
        "gone",
        env={"CONDUCTOR_WRITER": "conductor"},
    )
    shown = board(team.root)["plans"][0]
    assert (shown["branch"], shown["agent"]) == ("claude/x1", "agent-9")
    assert board(one)["plans"][0] == {**shown, "workspace": board(one)["plans"][0]["workspace"]}


def test_alone_it_needs_no_remote(team: Team, git: Git) -> None:
    git(team.root, "checkout", "-q", "main")
    git(team.root, "branch", "-q", "-D", "b2")
    git(team.root, "worktree", "add", "-q", "-b", "mine", str(team.root.parent / "mine"))
    git(team.root, "worktree", "add", "-q", "-b", "yours", str(team.root.parent / "yours"))
    works(team.root.parent / "mine", "join", "2")
    assert say(team.root.parent / "yours", "join", "2").code == 1
    works(team.root.parent / "mine", "join", "2")
    works(team.root.parent / "mine", "claim", "2.0")
    assert states(team.root)["2.0"] == "complete"


def test_whoever_was_replaced_does_not_come_back_as_somebody_else(team: Team, git: Git, hub: Path) -> None:
    one = clone(hub, git, "one", "claude/x1")
    works(one, "join", "3")
    env = {"CONDUCTOR_WRITER": "conductor"}
    works(team.root, "delegate", "3", "--take-over", "--to", "agent-9", "--reason", "agent-3 is silent", env=dict(env))
    for again in ((), ("--resume",)):
        said = refused(say(one, "join", "3", *again), "delegated to 'agent-9'", "is of 'agent-3'", "CG801", code=1)
        assert works(one, *said.hint.split()[1:]).out
    assert works(one, "whoami", "--json").data["writer"] == "agent-3"
    git(hub.parent, "clone", "-q", "-b", "claude/x1", hub.as_uri(), str(hub.parent / "back"))
    # The branch that the agent before chose is the plan's wherever it is worked on from now on.
    there = team.root / works(team.root, "delegate", "3", "--resume", "--json", env=dict(env)).data["workspace"]
    (there / "state").write_text("mine")
    said = run(there, "git", "commit", "-q", "-a", "-m", "leave the scope")
    assert (said.code, "CG401" in said.err) == (1, True), said
    git(there, "commit", "-q", "--allow-empty", "-m", "go on")
    assert works(there, "sync", "--json").data["sent"] == ["refs/heads/claude/x1"]
    assert works(there, "whoami", "--json").data["plan"] == "3"
    said = works(hub.parent / "back", "join", "3", "--resume")
    assert "You are 'agent-9'" in said.out
    assert works(hub.parent / "back", "whoami", "--json").data["writer"] == "agent-9"


def test_killed_again_and_again_the_same_command_finishes_it(
    team: Team, git: Git, hub: Path, murderous: Callable[[int, str], dict[str, str]]
) -> None:
    one = clone(hub, git, "one", "claude/x1")
    (one / "dirty").write_text("stays")
    # Each run comes further than the one before, as far as that is not done already.
    codes: list[int] = []
    for at, when in ((at, when) for at in range(1, 20) for when in ("before", "after")):
        said = run(one, "conductor-git", "join", "2", env={**murderous(at, when)})
        codes.append(said.code)
        if said.code != -9:
            break
    assert codes == [*[-9] * (len(codes) - 1), 0]
    assert len(codes) > 4
    assert git(one, "log", "-2", "--format=%s").splitlines() == [
        "▶ PLAN 2 START - agent-2",
        "begun before anybody asked",
    ]
    assert git(one, "status", "--porcelain") == "?? dirty"
    works(one, "claim", "2.0")
    assert board(one) == board(team.root)
    (shown, _) = board(team.root)["plans"]
    assert (shown["branch"], shown["agent"], shown["waves"][0]["state"]) == ("claude/x1", "agent-2", "complete")
