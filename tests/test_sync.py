"""`sync`: after it every clone knows the same, nothing is lost or forced, and what stays behind is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_git.store.notes.ledger import append
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import discover
from conductor_git.store.plumbing.seen import last_seen, record_seen, remote_of
from tests.conftest import Git
from tests.outside import PAST, follow, refused, run, say, states, works
from tests.team import CLAIM, Team

NOW = 1_700_000_000


@pytest.fixture
def hub(team: Team) -> Path:
    """A bare remote that has main, which the team's clone follows; plan 2's branch is in that clone only."""
    path = team.root.parent / "hub.git"
    team.git(team.root, "init", "-q", "--bare", str(path))
    team.git(team.root, "remote", "add", "origin", str(path))
    team.git(team.root, *PAST, "push", "-q", "-u", "origin", "main")
    return path


def clone(hub: Path, git: Git, name: str, *options: str, doors: bool = False) -> Path:
    path = hub.parent / name
    git(hub.parent, "clone", "-q", *options, hub.as_uri(), str(path))
    if doors:
        works(path, "install")
    return path


def commit(git: Git, at: Path, text: str) -> str:
    git(at, *PAST, "commit", "-q", "--allow-empty", "-m", text)
    return git(at, "rev-parse", "HEAD")


def board(at: Path) -> Any:
    """What `log-status --json` prints, without what differs by the clock."""
    said = works(at, "log-status", "--json").data
    assert said.pop("view")["remote"] == "origin"
    return said


def lines_of(at: Path) -> set[str]:
    return {event.data["text"] for event in read_ledger(discover(str(at))).events if event.kind == "memory"}


def test_every_clone_shows_the_same_after_it(team: Team, hub: Path, git: Git) -> None:
    git(team.root, *PAST, "push", "-q", "origin", "b2")
    two = clone(hub, git, "two", "-b", "b2")
    team.prove()
    git(team.root, "commit", "-q", "--allow-empty", "-m", CLAIM)
    writer: dict[str, str | None] = {"CONDUCTOR_WRITER": "agent-3"}
    git(two, *PAST, "checkout", "-q", "-b", "b3", "origin/main")
    works(two, "block", "3.0", "-m", "no database", env=writer)
    commit(git, two, "work on plan 3")
    assert works(team.root, "sync").out == "'origin': 1 ref came in, the ledger and 1 branch went out\n"
    said = works(two, "sync")
    # The blocker went out at once. A local b2 that lags behind hides nothing of what the other clone pushed.
    assert said.out.splitlines() == [
        "'origin': 3 refs came in, 1 branch went out",
        "plan 2: 'b2' here lacks 1 commit that 'origin' has",
    ]
    assert works(team.root, "sync").out == "'origin': 1 ref came in, nothing had to go out\n"
    assert works(two, "sync").out.splitlines()[0] == "'origin': nothing new came in, nothing had to go out"
    three = clone(hub, git, "three")
    works(three, "sync")
    assert states(team.root) == {"2": "active", "2.0": "complete", "2.1": "active", "3": "blocked", "3.0": "blocked"}
    assert board(team.root) == board(two) == board(three)
    assert git(two, "rev-parse", "b2") != git(team.root, "rev-parse", "b2"), "no local branch is moved"


def test_what_executors_did_is_exchanged_too(team: Team, hub: Path, git: Git) -> None:
    branch = "agent-2/2-w0-bob"
    commit(git, team.root, "▶ PLAN 2 START - agent-2")
    git(team.root, "switch", "-q", "-c", branch)
    begun = commit(git, team.root, "▶ WAVE 2.0 START - bob")
    git(team.root, "branch", "agent-2/nobodys")
    sent = works(team.root, "sync", "--json").data
    assert sent["sent"] == ["refs/heads/b2", f"refs/heads/{branch}"]
    assert [(each["plan"], each["branch"], each["state"]) for each in sent["branches"][1:]] == [
        ("2", "b2", "sent"),
        ("2", branch, "sent"),
    ]
    two, narrow = clone(hub, git, "two"), clone(hub, git, "narrow", "--single-branch")
    for place in (two, narrow):
        works(place, "sync")
        assert git(place, "rev-parse", f"origin/{branch}") == begun
        assert board(place) == board(team.root)


def test_integration_is_left_to_the_conductor(team: Team, hub: Path, git: Git) -> None:
    git(team.root, "checkout", "-q", "main")
    commit(git, team.root, "not pushed")
    said = works(team.root, "sync")
    assert said.out.splitlines()[1:] == [
        "'main' here has 1 commit that 'origin' lacks: only the conductor pushes it",
        "as the conductor, so that other clones see them: git push origin main",
    ]
    assert git(hub, "log", "-1", "--format=%s", "main") == "begin"


def test_a_branch_that_diverged_is_said_with_what_helps(team: Team, hub: Path, git: Git) -> None:
    commit(git, team.root, "one")
    works(team.root, "sync")
    two = clone(hub, git, "two", "-b", "b2")
    theirs = commit(git, two, "two")
    works(two, "sync")
    ours = commit(git, team.root, "three")
    append(discover(str(team.root)), writer="agent-2", kind="memory", data={"text": "hi"}, now=NOW)
    said = say(team.root, "sync")
    assert said.code == 1
    assert said.err.splitlines()[0] == (
        "error: 'b2' here has 1 and 'origin/b2' has 1 commits that the other lacks [CG710]"
    )
    assert git(hub, "rev-parse", "b2") == theirs
    works(two, "sync")
    assert lines_of(two) == {"hi"}, "the rest went out"
    assert say(team.root, "sync", "--json").data["branches"][1:] == [
        {"plan": "2", "branch": "b2", "state": "diverged", "ahead": 1, "behind": 1, "why": ""}
    ]
    assert follow(team.root, said).code == 0
    works(team.root, "sync")
    assert git(hub, "rev-list", "--count", f"{ours}..b2") == "2"
    assert git(hub, "rev-parse", "b2") == git(team.root, "rev-parse", "b2")


def test_one_clear_line_where_there_is_nothing_to_sync_with(team: Team, git: Git, hub: Path) -> None:
    works(team.root, "install")
    refused(say(team.root, "sync", "upstream"), "there is no remote 'upstream'", "remotes: 'origin'")
    shutil.rmtree(hub)
    before = git(team.root, "for-each-ref")
    said = refused(say(team.root, "sync"), "'origin' could not be fetched from", "does not appear to be a git")
    assert git(team.root, "for-each-ref") == before
    assert said.hint == "git fetch origin"
    git(team.root, "remote", "remove", "origin")
    refused(say(team.root, "sync"), "there is no remote to sync with")
    assert say(team.root, "sync", "--json").data["error"]["hint"] == "git remote add origin URL"


def test_a_remote_that_takes_no_notes_still_gets_the_branches(team: Team, git: Git, hub: Path) -> None:
    hook = hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\n! grep -q refs/notes/\n")
    hook.chmod(0o755)
    commit(git, team.root, "work")
    for writer in ("agent-2", "agent-9"):
        append(discover(str(team.root)), writer=writer, kind="memory", data={"text": writer}, now=NOW)
    said = say(team.root, "sync")
    assert said.code == 1
    assert said.out == "'origin': nothing new came in, 1 branch went out\n"
    assert "and 1 more are not on 'origin': [remote rejected] (pre-receive hook declined) [CG741]" in said.err
    assert git(hub, "rev-parse", "b2") == git(team.root, "rev-parse", "b2")
    hook.unlink()
    assert works(team.root, "sync").out == "'origin': nothing new came in, the ledger went out\n"


def test_a_hubs_own_words_say_why_it_took_no_ledger(team: Team, git: Git, hub: Path) -> None:
    hook = hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nread -r _ _ ref\necho \"error: '$ref' is a ledger of another [CG652]\" >&2; exit 1\n")
    hook.chmod(0o755)
    for writer in ("agent-2", "agent-9"):
        append(discover(str(team.root)), writer=writer, kind="memory", data={"text": writer}, now=NOW)
    first, _ = git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor").splitlines()
    assert say(team.root, "sync").err.splitlines()[-2:] == [
        f"error: '{first}' and 1 more are not on 'origin': '{first}' is a ledger of another [CG652] [CG741]",
        "hint: conductor-git explain CG652",
    ]


def test_what_a_door_refuses_holds_up_no_other_branch(team: Team, git: Git, hub: Path) -> None:
    commit(git, team.root, CLAIM)
    git(team.root, *PAST, "checkout", "-q", "-b", "b3", "main")
    commit(git, team.root, "work on plan 3")
    said = say(team.root, "sync")
    assert (said.code, "no passing validation" in said.err) == (1, True), said.err
    heads = git(hub, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    assert heads == ["b3", "main"]


def test_a_landed_branch_is_not_brought_back(team: Team, git: Git, hub: Path) -> None:
    assert works(team.root, "sync", "--json").data["branches"][1:] == [
        {"plan": "2", "branch": "b2", "state": "landed", "ahead": 0, "behind": 0, "why": ""}
    ]
    assert git(hub, "for-each-ref", "--format=%(refname:short)", "refs/heads") == "main"


def test_a_clone_of_one_branch_gets_those_of_all_plans(team: Team, git: Git, hub: Path) -> None:
    commit(git, team.root, "work")
    works(team.root, "sync")
    git(hub, "branch", "claude/x", "main")
    git(hub, "branch", "nobodys", "main")
    one = clone(hub, git, "one", "--single-branch", "-b", "claude/x")
    works(one, "sync")
    copies = git(one, "for-each-ref", "--format=%(refname)", "refs/remotes").splitlines()
    assert copies == ["refs/remotes/origin/b2", "refs/remotes/origin/claude/x", "refs/remotes/origin/main"]
    assert states(one) == states(team.root)


def test_many_at_once_lose_nothing(team: Team, git: Git, hub: Path) -> None:
    two = clone(hub, git, "two")
    script = '(conductor-git memory write "$1" 1 && conductor-git sync) 2>&1'
    going = [
        subprocess.Popen(
            ["sh", "-c", script, "sh", f"{place.name}-{number}"],
            cwd=place,
            env={**os.environ, "CONDUCTOR_WRITER": f"agent-{number}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in (team.root, two)
        for number in range(3)
    ]
    said = [(process.communicate()[0], process.returncode) for process in going]
    assert [text for text, code in said if code] == []
    wanted = {f"{place}-{number}" for place in ("shop", "two") for number in range(3)}
    three = clone(hub, git, "three")
    for place in (team.root, two, three):
        works(place, "sync")
        keys = {item["key"] for item in works(place, "memory", "list", "--json").data["memory"]}
        assert keys == wanted


def test_interrupted_it_leaves_nothing_half_done(team: Team, git: Git, hub: Path) -> None:
    hook = hub / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\n: >began\nwhile :; do sleep 0.05; test -e go && exit 0; done\n")
    hook.chmod(0o755)
    commit(git, team.root, "work")
    append(discover(str(team.root)), writer="agent-2", kind="memory", data={"text": "kept"}, now=NOW)
    before = git(team.root, "for-each-ref", "refs/heads", "refs/notes")
    going = subprocess.Popen(
        ["conductor-git", "sync"], cwd=team.root, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (hub / "began").exists():
        time.sleep(0.02)
        assert going.poll() is None
    # As a terminal does it: the whole group.
    os.killpg(going.pid, signal.SIGINT)
    assert "Traceback" not in going.communicate()[1]
    assert going.returncode == 130
    assert git(team.root, "for-each-ref", "refs/heads", "refs/notes") == before
    (hub / "go").touch()
    works(team.root, "sync")
    assert git(hub, "rev-parse", "b2") == git(team.root, "rev-parse", "b2")
    assert git(team.root, "fsck", "--no-dangling") == ""


# How old the view is


def test_the_report_says_how_old_its_view_is(team: Team, git: Git, hub: Path) -> None:
    commit(git, team.root, "work")
    works(team.root, "sync")
    fetched = works(team.root, "log-status", "--json").data["view"]
    assert fetched["remote"] == "origin"
    assert fetched["fetched"] <= int(time.time())
    assert "fetched from" not in works(team.root, "log-status").out
    record_seen(discover(str(team.root)), "origin", time.time() - 7200)
    assert "'origin' was last fetched from 2h ago: conductor-git sync\n" in works(team.root, "log-status").out


def test_alone_there_is_nothing_to_be_old(team: Team) -> None:
    said = works(team.root, "log-status", "--json").data
    assert said["view"] is None


def test_when_a_remote_was_seen(team: Team, git: Git, hub: Path) -> None:
    repo = discover(str(team.root))

    def seen() -> int | None:
        return last_seen(repo, "origin", read_refs(repo))

    assert remote_of(read_refs(repo), "main") == "origin"
    assert seen() is None
    works(team.root, "install")
    append(repo, writer="agent-2", kind="memory", data={"text": "hi"}, now=NOW)
    git(team.root, *PAST, "push", "-q", "origin", f"refs/notes/conductor/agent-2.{clone_of(repo.private)}")
    git(team.root, "worktree", "add", "-q", "--detach", str(hub.parent / "linked"))
    head = Path(repo.common_dir, "worktrees/linked/FETCH_HEAD")
    git(hub.parent / "linked", "fetch", "-q")
    os.utime(head, (NOW, NOW))
    assert seen() == NOW
    # One branch only, and nothing at all: neither says anything about the ledger.
    git(team.root, "fetch", "-q", "origin", "main")
    assert run(team.root, "git", "fetch", "-q", str(hub.parent / "nowhere")).code == 128
    assert seen() == NOW
    record_seen(repo, "origin", NOW + 5.9)
    assert seen() == NOW + 5


def clone_of(private: str) -> str:
    import json

    return str(json.loads(Path(private, "clone").read_text())["id"])
