"""The ledger between clones: fetched into a namespace of its own, pushed by name, and in nobody's way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from conductor_git.core.events.event import Event
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.ledger import Draft, append, append_many, ledger_ref
from conductor_git.store.notes.ledger_push import Pushed, push_own
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.refspecs import ensure_refspecs, fetch_refspec, missing_refspecs, remove_refspecs
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git

NOW = 1_700_000_000


@pytest.fixture
def hub(repo_dir: Path, git: Git, tmp_path: Path) -> Path:
    """A bare repository with one commit on main."""
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), str(tmp_path / "hub.git"))
    return tmp_path / "hub.git"


def clone(hub: Path, git: Git, name: str, *options: str) -> Repository:
    """A clone that fetches the ledger."""
    path = hub.parent / name
    git(hub.parent, "clone", "-q", *options, hub.as_uri(), str(path))
    repo = discover(str(path))
    ensure_refspecs(repo)
    return repo


def say(repo: Repository, text: str, writer: str = "agent-1") -> Event:
    """Append one memory."""
    return append(repo, writer=writer, kind="memory", data={"text": text}, now=NOW)


def own(repo: Repository, writer: str = "agent-1") -> str:
    """The ref of a writer in this clone."""
    return ledger_ref(writer, clone_id(repo))


# Refspecs


def test_every_remote_gives_its_ledger_and_nothing_else_changes(repo_dir: Path, git: Git) -> None:
    config = repo_dir / ".git" / "config"
    git(repo_dir, "remote", "add", "origin", "../a")
    git(repo_dir, "remote", "add", "team/x", "../b")
    git(repo_dir, "config", "remote.deploy.url", "../no-refspec")
    git(repo_dir, "config", "alias.x", '!f() { echo "hi"; }; f')
    config.write_text("# a comment of the user's\n" + config.read_text())
    before = config.read_text()
    repo = discover(str(repo_dir))
    assert missing_refspecs(repo) == ["origin", "team/x"]
    assert ensure_refspecs(repo) == ["origin", "team/x"]
    assert git(repo_dir, "config", "--get-all", "remote.team/x.fetch").splitlines() == [
        "+refs/heads/*:refs/remotes/team/x/*",
        "+refs/notes/conductor/*:refs/notes/conductor-remotes/team/x/*",
        "+refs/conductor/*:refs/conductor-remotes/team/x/*",
    ]
    assert ensure_refspecs(repo) == []
    after = config.read_text().splitlines()
    assert [line for line in after if "conductor" not in line] == before.splitlines()
    assert len(after) == len(before.splitlines()) + 4
    assert "push" not in config.read_text()
    assert remove_refspecs(repo) == ["origin", "team/x"]
    assert config.read_text() == before
    assert remove_refspecs(repo) == []


def test_refspecs_are_set_from_a_linked_worktree_too(hub: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(hub), "work")
    git(tmp_path / "work", "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    assert ensure_refspecs(discover(str(tmp_path / "linked"))) == ["origin"]
    assert fetch_refspec("origin") in git(tmp_path / "work", "config", "--get-all", "remote.origin.fetch")


# Between clones


def test_two_clones_see_the_same_ledger(hub: Path, git: Git) -> None:
    one, two = clone(hub, git, "one"), clone(hub, git, "two")
    assert not read_ledger(one).fetched
    first = say(one, "from one")
    assert push_own(one, "origin") == Pushed("origin", (own(one),))
    git(two.root, "fetch", "-q")
    second = say(two, "from two")
    assert (first.clock, second.clock) == (1, 2)
    assert first.writer == second.writer
    assert own(one) != own(two)
    push_own(two, "origin")
    git(one.root, "fetch", "-q")
    assert read_ledger(one).events == (first, second)
    assert read_ledger(two).events == (first, second)
    third = clone(hub, git, "three")
    git(third.root, "fetch", "-q")
    assert read_ledger(third).events == (first, second)


def test_fetch_prune_loses_nothing(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    pushed = say(repo, "pushed")
    push_own(repo, "origin")
    kept = say(repo, "not pushed", writer="agent-2")
    later = say(repo, "not pushed either")
    git(repo.root, "config", "fetch.prune", "true")
    git(repo.root, "fetch", "-q", "--prune")
    git(repo.root, "fetch", "-q", "--prune", "--all")
    assert read_ledger(repo).events == (pushed, kept, later)


def test_plain_push_still_pushes_the_branch_and_only_that(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    say(repo, "hi")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "work")
    git(repo.root, "push", "-q")
    assert git(hub, "rev-parse", "main") == git(repo.root, "rev-parse", "HEAD")
    assert git(hub, "for-each-ref", "refs/notes") == ""


def test_a_partial_clone_fetches_events_at_once(hub: Path, git: Git) -> None:
    one = clone(hub, git, "one")
    drafts = [Draft("memory", {"n": number}) for number in range(50)]
    events = append_many(one, writer="agent-1", drafts=drafts, now=NOW)
    push_own(one, "origin")
    git(hub, "config", "uploadpack.allowFilter", "true")
    git(hub, "config", "uploadpack.allowAnySHA1InWant", "true")
    partial = clone(hub, git, "partial", "--filter=blob:none")
    git(partial.root, "fetch", "-q")
    packs = Path(partial.common_dir, "objects", "pack")
    before = len(list(packs.glob("*.promisor")))
    assert read_ledger(partial).events == events
    assert len(list(packs.glob("*.promisor"))) == before + 1


# Pushing


def test_pushing_says_what_became_of_it(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    assert str(push_own(repo, "origin")) == "the ledger is on 'origin'"
    say(repo, "hi")
    say(repo, "ho", writer="agent-2")
    pushed = push_own(repo, "origin")
    assert (pushed.refs, pushed.complete) == ((own(repo), own(repo, "agent-2")), True)
    assert str(pushed) == "the ledger went to 'origin'"
    assert push_own(repo, "origin") == Pushed("origin")
    assert git(hub, "rev-parse", own(repo)) == git(repo.root, "rev-parse", own(repo))


def test_only_what_this_clone_wrote_is_pushed(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    say(repo, "hi")
    git(repo.root, "update-ref", "refs/notes/conductor/eve.00000000", own(repo))
    git(repo.root, "tag", "-a", "-m", "v1", "v1")
    git(repo.root, "config", "push.followTags", "true")
    assert push_own(repo, "origin").refs == (own(repo),)
    assert git(hub, "for-each-ref", "--format=%(refname)", "refs/notes", "refs/tags") == own(repo)


def test_what_a_hub_names_as_anothers_holds_up_nothing_of_our_own(hub: Path, git: Git) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\nwhile read -r old new ref; do case $ref in *agent-2*)\n"
        "echo \"error: '$ref' is a ledger of 'agent-2' [CG652]\" >&2; exit 1;; esac; done\n"
    )
    hook.chmod(0o755)
    repo = clone(hub, git, "one")
    say(repo, "theirs", writer="agent-2")
    say(repo, "ours")
    theirs = own(repo, "agent-2")
    why = f"'{theirs}' is a ledger of 'agent-2' [CG652]"
    assert push_own(repo, "origin") == Pushed("origin", (own(repo),), (theirs,), why)
    assert git(hub, "for-each-ref", "--format=%(refname)", "refs/notes") == own(repo)
    assert push_own(repo, "origin") == Pushed("origin", (), (theirs,), why)


def test_a_remote_that_takes_no_notes_is_told(hub: Path, git: Git) -> None:
    hook = hub / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/notes/*agent-2*) exit 1;; esac\n")
    hook.chmod(0o755)
    repo = clone(hub, git, "one")
    say(repo, "taken")
    say(repo, "not taken", writer="agent-2")
    pushed = push_own(repo, "origin")
    assert pushed == Pushed("origin", (own(repo),), (own(repo, "agent-2"),), "[remote rejected] (hook declined)")
    assert not pushed.complete
    part = f"a part of the ledger ('{own(repo, 'agent-2')}')"
    assert str(pushed) == f"{part} is not on 'origin': [remote rejected] (hook declined)"


def test_a_remote_that_is_not_there_is_told(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    say(repo, "hi")
    shutil.rmtree(hub)
    pushed = push_own(repo, "origin")
    assert pushed.refused == (own(repo),)
    assert "does not appear to be a git repository" in pushed.why
    assert push_own(repo, "no-such-remote").refused == (own(repo),)


def test_nothing_is_pushed_by_force(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    say(repo, "hi")
    other = git(hub, "commit-tree", "-m", "other", "main^{tree}")
    git(hub, "update-ref", own(repo), other)
    pushed = push_own(repo, "origin")
    assert pushed.refused == (own(repo),)
    assert pushed.why.startswith("[rejected]")
    assert git(hub, "rev-parse", own(repo)) == other


def test_pushing_the_ledger_calls_no_pre_push_hook(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    hook = Path(repo.common_dir, "hooks", "pre-push")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    say(repo, "hi")
    assert push_own(repo, "origin").complete


def test_a_moved_clone_still_pushes_what_it_wrote_before(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    before = own(repo)
    say(repo, "before")
    os.rename(repo.root, hub.parent / "moved")
    moved = discover(str(hub.parent / "moved"))
    say(moved, "after")
    assert own(moved) != before
    assert set(push_own(moved, "origin").refs) == {before, own(moved)}


def test_a_copy_does_not_complain_of_the_first_clone_being_ahead(hub: Path, git: Git) -> None:
    repo = clone(hub, git, "one")
    say(repo, "hi")
    shutil.copytree(repo.root, hub.parent / "copy", symlinks=True)
    copy = discover(str(hub.parent / "copy"))
    say(repo, "later")
    push_own(repo, "origin")
    say(copy, "from the copy")
    assert push_own(copy, "origin") == Pushed("origin", (own(copy),))
    git(copy.root, "fetch", "-q")
    assert {event.data["text"] for event in read_ledger(copy).events} == {"hi", "later", "from the copy"}
