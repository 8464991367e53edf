"""The ledger in one repository: what an append writes, what it refuses, and what reading makes of any content."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import BadLine, Event, render_line
from conductor_git.core.events.ledger import Ledger, assemble, findings
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes import ledger_writer
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.ledger import Draft, append, append_many, ledger_ref
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git

NOW = 1_700_000_000


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    """A repository with one commit on main."""
    return discover(str(repo_dir))


def say(repo: Repository, text: str, writer: str = "agent-1", now: int = NOW) -> Event:
    """Append one memory."""
    return append(repo, writer=writer, kind="memory", data={"text": text}, now=now)


def texts(ledger: Ledger) -> list[Any]:
    """What was said, in the ledger's order."""
    return [event.data.get("text") for event in ledger.events]


def own(repo: Repository, writer: str = "agent-1") -> str:
    """The ref of a writer in this clone."""
    return ledger_ref(writer, clone_id(repo))


def import_notes(
    repo: Repository, ref: str, notes: dict[str, bytes], subject: str = "conductor: clock 1 known 1"
) -> None:
    """Put any notes (path -> content) on any ledger ref, as somebody else might."""
    stream = f"commit {ref}\ncommitter x <x@x> {NOW} +0000\ndata {len(subject)}\n{subject}\n".encode()
    for path, content in notes.items():
        stream += f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
    repo.git("fast-import", "--quiet", "--force", stdin=stream, writes=True)


def note(repo: Repository, **line: Any) -> dict[str, bytes]:
    """A well-placed note with the line of an event."""
    raw = render_line(**{"clock": 1, "writer": "eve", "kind": "memory", "time": 1, "data": {}, **line})
    oid = repo.hash("blob", raw)
    return {f"{oid[:2]}/{oid[2:]}": raw}


# What an append writes


def test_an_event_is_one_note_under_its_own_blob(repo: Repository, git: Git) -> None:
    event = append(repo, writer="agent-1", kind="memory", data={"text": "hi"}, target=Target("2", 3), now=NOW)
    line = (
        '{"clock":1,"data":{"text":"hi"},"kind":"memory","plan":"2","time":1700000000,"v":1,"wave":3,'
        '"writer":"agent-1"}\n'
    )
    assert event.id == git(repo.root, "hash-object", "--stdin", stdin=line)
    ref = f"refs/notes/conductor/agent-1.{clone_id(repo)}"
    assert git(repo.root, "ls-tree", "-r", ref) == f"100644 blob {event.id}\t{event.id[:2]}/{event.id[2:]}"
    assert git(repo.root, "cat-file", "blob", event.id) + "\n" == line
    assert git(repo.root, "notes", f"--ref={ref}", "show", event.id) + "\n" == line
    assert git(repo.root, "log", "-1", "--format=%s|%an|%ae|%at", ref) == (
        f"conductor: clock 1 known 1|agent-1|agent-1.{clone_id(repo)}@conductor-git|1700000000"
    )
    assert read_ledger(repo).events == (event,)


def test_each_append_adds_one_note_and_changes_none(repo: Repository, git: Git) -> None:
    for number in range(5):
        say(repo, str(number))
    changes = git(repo.root, "log", "--format=", "--name-status", own(repo)).splitlines()
    assert [change[0] for change in changes] == ["A"] * 5
    assert git(repo.root, "rev-list", "--count", own(repo)) == "5"


def test_clocks_go_on_over_writers_and_fetched_copies(repo: Repository, git: Git) -> None:
    assert say(repo, "a").clock == 1
    assert say(repo, "b", writer="agent-2").clock == 2
    import_notes(
        repo, "refs/notes/conductor-remotes/origin/eve.00000000", note(repo, clock=40), "conductor: clock 40 known 40"
    )
    assert say(repo, "c").clock == 41


def test_events_of_one_call_keep_their_order_in_one_commit(repo: Repository, git: Git) -> None:
    drafts = [Draft("memory", {"text": str(number)}, Target("2")) for number in range(4)]
    events = append_many(repo, writer="agent-1", drafts=drafts, now=NOW)
    assert [event.clock for event in events] == [1, 2, 3, 4]
    assert read_ledger(repo).events == events
    assert git(repo.root, "log", "--format=%s", own(repo)) == "conductor: clock 4 known 4"


def test_same_words_twice_are_two_events(repo: Repository) -> None:
    first, second = say(repo, "again"), say(repo, "again")
    assert first.id != second.id
    assert texts(read_ledger(repo)) == ["again", "again"]


def test_a_clock_of_the_wall_that_goes_back_changes_no_order(repo: Repository, git: Git) -> None:
    for now in (NOW, NOW, NOW - 500):
        say(repo, str(now), now=now)
    assert git(repo.root, "log", "--format=%ct", own(repo)).split() == [str(NOW - 500), str(NOW), str(NOW)]
    assert [event.time for event in read_ledger(repo).events] == [NOW, NOW, NOW - 500]


def test_notes_go_to_where_git_looks_for_them(repo: Repository, git: Git) -> None:
    """Enough events that folders hold several, and names that sort in every place of a folder."""
    events = append_many(
        repo, writer="agent-1", drafts=[Draft("memory", {"n": number}) for number in range(600)], now=NOW
    )
    for number in range(20):
        say(repo, str(number))
    assert git(repo.root, "fsck", "--strict") == ""
    listed = git(repo.root, "notes", f"--ref={own(repo)}", "list").splitlines()
    assert sorted(listed) == sorted(f"{event.id} {event.id}" for event in read_ledger(repo).events)
    assert len(listed) == 620
    assert {event.id for event in events} < {line.split()[0] for line in listed}


@pytest.mark.parametrize(("shared", "objects", "file"), [("false", 0o755, 0o444), ("group", 0o2775, 0o444)])
def test_objects_are_as_accessible_as_those_of_git(
    git: Git, tmp_path: Path, shared: str, objects: int, file: int
) -> None:
    old = os.umask(0o022)
    try:
        git(tmp_path, "init", "-q", f"--shared={shared}", "repo")
        event = say(discover(str(tmp_path / "repo")), "hi")
    finally:
        os.umask(old)
    folder = tmp_path / "repo" / ".git" / "objects" / event.id[:2]
    assert folder.stat().st_mode & 0o7777 == objects
    assert (folder / event.id[2:]).stat().st_mode & 0o7777 == file
    assert [path.name for path in folder.iterdir()] == [event.id[2:]]


def test_nobody_needs_an_identity(repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        monkeypatch.delenv(name)
    git(repo.root, "config", "user.useConfigOnly", "true")
    say(repo, "hi")
    assert texts(read_ledger(repo)) == ["hi"]


def test_no_hook_is_asked(repo: Repository) -> None:
    hook = Path(repo.common_dir, "hooks", "reference-transaction")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {repo.root}/called\nexit 1\n")
    hook.chmod(0o755)
    refused = subprocess.run(["git", "update-ref", "refs/notes/x", "HEAD"], cwd=repo.root, capture_output=True)
    assert refused.returncode != 0, "the hook must work for the test to say anything"
    Path(repo.root, "called").unlink()
    say(repo, "hi")
    assert texts(read_ledger(repo)) == ["hi"]
    assert not Path(repo.root, "called").exists()


def test_linked_worktrees_of_a_bare_repository_share_its_ledger(repo: Repository, git: Git, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", repo.root, str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    say(discover(str(tmp_path / "tree")), "from a worktree")
    assert texts(read_ledger(discover(str(bare)))) == ["from a worktree"]


def test_sha256(git: Git, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "repo")
    repo = discover(str(tmp_path / "repo"))
    first = say(repo, "hi")
    assert len(first.id) == 64
    assert git(repo.root, "ls-tree", "-r", "--name-only", own(repo)) == f"{first.id[:2]}/{first.id[2:]}"
    second = say(repo, "ho", writer="agent-2")
    assert read_ledger(repo).events == (first, second)
    assert read_ledger(repo, use_cache=False).events == (first, second)


@pytest.mark.parametrize("earlier", [0, 2])
def test_extra_parents_live_with_the_ledger(repo: Repository, git: Git, earlier: int) -> None:
    for number in range(earlier):
        say(repo, str(number))
    git(repo.root, "checkout", "-q", "-b", "work")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "a claim")
    claim = Oid(git(repo.root, "rev-parse", "HEAD"))
    before = git(repo.root, "for-each-ref", "--format=%(objectname)", own(repo))
    append(repo, writer="agent-1", kind="landing", data={}, now=NOW, parents=[claim, claim])
    parents = git(repo.root, "log", "-1", "--format=%P", own(repo)).split()
    assert parents[1:] == [claim]
    assert git(repo.root, "rev-list", "--first-parent", "--count", own(repo)) == str(max(earlier, 1) + 1)
    if earlier:
        assert parents[0] == before
    git(repo.root, "checkout", "-q", "main")
    git(repo.root, "branch", "-q", "-D", "work")
    git(repo.root, "reflog", "expire", "--expire=now", "--all")
    git(repo.root, "gc", "-q", "--prune=now")
    assert git(repo.root, "cat-file", "-t", claim) == "commit"
    assert [event.kind for event in read_ledger(repo).events][-1] == "landing"


# What the set-up must not break


def test_gc_and_notes_prune_keep_all(repo: Repository, git: Git) -> None:
    events = tuple(say(repo, str(number)) for number in range(30))
    git(repo.root, "reflog", "expire", "--expire=now", "--all")
    git(repo.root, "gc", "-q", "--prune=now")
    git(repo.root, "notes", f"--ref={own(repo)}", "prune")
    assert read_ledger(repo, use_cache=False).events == events
    assert say(repo, "after").clock == 31
    assert len(read_ledger(repo, use_cache=False).events) == 31


def test_amend_and_rebase_leave_the_ledger_alone(repo: Repository, git: Git) -> None:
    say(repo, "hi")
    tip = git(repo.root, "rev-parse", own(repo))
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "second")
    git(repo.root, "commit", "-q", "--amend", "--allow-empty", "-m", "better")
    git(repo.root, "rebase", "-q", "--force-rebase", "--root")
    assert git(repo.root, "rev-parse", own(repo)) == tip
    assert "notes." not in git(repo.root, "config", "--list")


# What is refused


def unchanged(repo: Repository, act: Callable[[], object], match: str) -> CannotRun:
    """Let `act` fail, and look that it left no trace."""
    before = repo.git("for-each-ref").out
    with pytest.raises(CannotRun, match=match) as raised:
        act()
    assert repo.git("for-each-ref").out == before
    assert not list(Path(repo.common_dir).rglob("tmp_*"))
    return raised.value


@pytest.mark.parametrize("writer", ["Agent 1", "", "a.b", "-x", "ä", "a/b"])
def test_illegal_writers(repo: Repository, writer: str) -> None:
    unchanged(repo, lambda: say(repo, "hi", writer=writer), "is no writer's name")


def test_the_nearest_legal_writer_is_named(repo: Repository) -> None:
    error = unchanged(repo, lambda: say(repo, "hi", writer="Agent 1"), "'Agent 1'")
    assert error.detail == "the nearest is 'agent-1'"


def test_an_event_that_is_too_large(repo: Repository) -> None:
    data = {"text": "x" * 1000}
    unchanged(
        repo,
        lambda: append(repo, writer="agent-1", kind="memory", data=data, now=NOW, event_bytes=1000),
        "the memory has 1[0-9]{3} bytes, and the policy allows 1000 for an event",
    )
    assert append(repo, writer="agent-1", kind="memory", data=data, now=NOW, event_bytes=1200).data == data


@pytest.mark.parametrize(
    "value", [float("nan"), object(), "\udcff", 2**70], ids=["nan", "object", "surrogate", "2**70"]
)
def test_what_no_reader_could_read(repo: Repository, value: object) -> None:
    unchanged(
        repo,
        lambda: append(repo, writer="agent-1", kind="memory", data={"k": value}, now=NOW),
        "the memory (is|cannot)",
    )


def test_a_parent_that_is_no_commit(repo: Repository, git: Git) -> None:
    say(repo, "hi")
    for parent in (Oid("1" * 40), Oid(git(repo.root, "rev-parse", "HEAD:README"))):
        landing = partial(append, repo, writer="agent-1", kind="landing", data={}, now=NOW, parents=[parent])
        error = unchanged(repo, landing, "could not be written")
        assert error.detail == f"there is no commit '{parent}'; nothing was recorded"


def test_a_ref_that_is_no_ledger(repo: Repository, git: Git) -> None:
    git(repo.root, "update-ref", own(repo), git(repo.root, "rev-parse", "HEAD:README"))
    error = unchanged(repo, lambda: say(repo, "hi"), "could not be written")
    assert "is no ledger" in error.detail


def test_all_or_none_of_several(repo: Repository) -> None:
    drafts = [Draft("memory", {"text": "fine"}), Draft("memory", {"text": "\udcff"})]
    unchanged(repo, lambda: append_many(repo, writer="agent-1", drafts=drafts, now=NOW), "cannot be recorded")


# Clocks that cannot be believed


def test_a_false_clock_sorts_last_and_carries_nobody_away(repo: Repository) -> None:
    say(repo, "one")
    import_notes(
        repo,
        "refs/notes/conductor-remotes/origin/eve.00000000",
        note(repo, clock=5_000_000, data={"text": "lie"}),
        "conductor: clock 5000000 known 5000000",
    )
    assert [say(repo, "two").clock, say(repo, "three", writer="agent-2").clock] == [2, 3]
    ledger = read_ledger(repo)
    assert texts(ledger) == ["one", "two", "three", "lie"]
    assert [event.clock for event in ledger.ahead] == [5_000_000]
    assert [(finding.code, finding.subject) for finding in findings(ledger)] == [("CG603", "eve")]


def test_an_honest_clock_far_past_our_own_count_is_believed(repo: Repository) -> None:
    notes: dict[str, bytes] = {}
    for clock in range(1, 2003):
        notes |= note(repo, clock=clock)
    import_notes(repo, "refs/notes/conductor-remotes/origin/eve.00000000", notes, "conductor: clock 2002 known 2002")
    assert say(repo, "new here").clock == 2003
    assert repo.git("log", "-1", "--format=%s", own(repo)).text() == "conductor: clock 2003 known 2003"
    assert read_ledger(repo).ahead == ()


def test_a_tip_without_a_clock_is_read_for_it(repo: Repository) -> None:
    import_notes(repo, "refs/notes/conductor/eve.00000000", note(repo, clock=7), "Notes added by 'git notes add'")
    assert say(repo, "after").clock == 8


@pytest.mark.parametrize(("clock", "ahead"), [(1003, False), (1004, True)])
def test_the_edge_of_what_is_believed(clock: int, ahead: bool) -> None:
    events = [Event(Oid(f"{number:040}"), number, "a", "memory", 0, {}) for number in (1, 2, clock)]
    ledger = assemble(events, {})
    assert bool(ledger.ahead) == ahead
    assert ledger.clock == (2 if ahead else clock)


# What reading makes of any content


def test_an_empty_ledger(repo: Repository, git: Git) -> None:
    assert read_ledger(repo) == Ledger()
    git(repo.root, "remote", "add", "origin", "nowhere")
    assert read_ledger(repo) == Ledger(fetched=False)
    assert [finding.code for finding in findings(read_ledger(repo))] == ["CG604"]


def test_an_event_in_several_refs_is_one_event(repo: Repository, git: Git) -> None:
    event = say(repo, "hi")
    git(repo.root, "update-ref", f"refs/notes/conductor-remotes/a/agent-1.{clone_id(repo)}", own(repo))
    git(repo.root, "update-ref", f"refs/notes/conductor-remotes/b/agent-1.{clone_id(repo)}", own(repo))
    ledger = read_ledger(repo)
    assert ledger.events == (event,)
    assert len(ledger.tips) == 3


def test_what_is_no_event_is_kept_and_never_fatal(repo: Repository, git: Git) -> None:
    event = say(repo, "hi")
    eve = "refs/notes/conductor/eve.00000000"
    odd = repo.hash("blob", b"not json\n")
    forged = note(repo, writer="agent-1")
    import_notes(repo, eve, {f"{odd[:2]}/{odd[2:]}": b"not json\n", "a b\\c": b"x", "README": b"y"} | forged)
    blob = git(repo.root, "rev-parse", "HEAD:README")
    git(repo.root, "update-ref", "refs/notes/conductor/blob.00000000", blob)
    git(repo.root, "notes", "--ref=conductor/hand.00000000", "add", "-m", "looks good", "HEAD")
    ledger = read_ledger(repo)
    assert ledger.events == (event,)
    seen = sorted((bad.ref.rsplit("/", 1)[-1], bad.code) for bad in ledger.bad)
    assert seen == [
        ("blob.00000000", "CG605"),
        ("eve.00000000", "CG601"),
        ("eve.00000000", "CG602"),
        ("eve.00000000", "CG605"),
        ("eve.00000000", "CG605"),
        ("hand.00000000", "CG605"),
    ]
    assert ledger == read_ledger(repo, use_cache=False)
    assert sorted(finding.code for finding in findings(ledger)) == ["CG601", "CG602", "CG605", "CG605", "CG605"]


def test_events_that_git_notes_has_moved_are_still_events(repo: Repository, git: Git) -> None:
    events = tuple(say(repo, str(number)) for number in range(3))
    git(repo.root, "notes", f"--ref={own(repo)}", "add", "-m", "by hand", "HEAD")
    assert "/" not in git(repo.root, "ls-tree", "-r", "--name-only", own(repo)), "git has cut the folders away"
    ledger = read_ledger(repo)
    assert ledger.events == events
    assert [bad.code for bad in ledger.bad] == ["CG605"]
    assert say(repo, "after").clock == 4
    assert len(read_ledger(repo, use_cache=False).events) == 4


def test_a_forged_copy_does_not_hide_the_true_event(repo: Repository, git: Git) -> None:
    event = say(repo, "true")
    git(repo.root, "update-ref", "refs/notes/conductor-remotes/origin/eve.00000000", own(repo))
    ledger = read_ledger(repo)
    assert ledger.events == (event,)
    assert ledger.bad == (
        BadLine(event.id, "refs/notes/conductor-remotes/origin/eve.00000000", "names writer 'agent-1'", "CG602"),
    )


def test_a_ledger_with_a_hole_is_no_ledger(repo: Repository) -> None:
    event = say(repo, "hi")
    os.unlink(os.path.join(repo.common_dir, "objects", event.id[:2], event.id[2:]))
    with pytest.raises(CannotRun, match=f"1 events of the ledger are missing, the first is '{event.id}'"):
        read_ledger(repo)


# Reading in few processes, and the same with and without what was read before


def counted(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> int:
    """How many git processes `act` starts."""
    started = []
    real = subprocess.Popen

    def run(*args: Any, **how: Any) -> Any:
        started.append(args)
        return real(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", run)
        act()
    return len(started)


def test_the_number_of_git_processes_does_not_grow(repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    def cold() -> int:
        return counted(monkeypatch, lambda: read_ledger(repo, use_cache=False))

    say(repo, "hi")
    few = cold()
    assert few <= 4
    for writer in range(12):
        append_many(repo, writer=f"w{writer}", drafts=[Draft("memory", {"n": n}) for n in range(20)], now=NOW)
    assert cold() == few
    read_ledger(repo)
    assert counted(monkeypatch, lambda: read_ledger(repo)) == few - 2
    assert counted(monkeypatch, lambda: read_ledger(repo, refs=read_refs(repo))) == few - 2
    git(repo.root, "gc", "-q")
    assert cold() == few + 1
    assert len(read_ledger(repo).events) == 241


def test_an_append_starts_one_git_process(repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    say(repo, "hi")
    say(repo, "hi", writer="agent-2")
    assert counted(monkeypatch, lambda: say(repo, "one")) == 1
    assert sorted(os.listdir(Path(repo.private, "cache", "clock"))) == ["agent-1@3.2", "agent-2@2.1", "elsewhere"]
    Path(repo.private, "cache", "clock", "elsewhere").unlink()
    assert counted(monkeypatch, lambda: say(repo, "and one that reads the clock")) == 2
    git(repo.root, "gc", "-q")
    assert counted(monkeypatch, lambda: say(repo, "and two that read what is packed")) == 4
    assert [event.clock for event in read_ledger(repo).events] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("lost", ["cache", "cache/clock", "cache/clock/elsewhere"])
def test_a_clock_that_is_lost_is_read_from_the_ledger(repo: Repository, lost: str) -> None:
    for number in range(3):
        assert say(repo, "before").clock == number + 1
    path = Path(repo.private, lost)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert say(repo, "two", writer="agent-2").clock == 4
    assert say(repo, "three").clock == 5


def test_a_refused_event_moves_no_clock(repo: Repository) -> None:
    say(repo, "one")
    for _ in range(5):
        with pytest.raises(CannotRun):
            append(repo, writer="agent-1", kind="memory", data={"k": "x" * 1000}, now=NOW, event_bytes=500)
        with pytest.raises(CannotRun):
            append(repo, writer="agent-1", kind="landing", data={}, now=NOW, parents=[Oid("1" * 40)])
    assert say(repo, "two").clock == 2


def test_what_comes_from_elsewhere_moves_the_clock_however_it_comes(repo: Repository, git: Git) -> None:
    """Every way to a ref that the clock's file was not written for: a copy, a packed one, a ledger beside our own."""
    old = time.time() - 100
    clock = 1
    for ref in (
        "conductor-remotes/origin/eve.00000000",
        "conductor-remotes/team/x/eve.00000000",
        "conductor/eve.00000000",
    ):
        for again in range(2):
            clock = max(clock, say(repo, "ours").clock) + 10
            import_notes(repo, f"refs/notes/{ref}", note(repo, clock=clock), f"conductor: clock {clock} known 1")
            if again:
                git(repo.root, "pack-refs", "--all", "--prune")
            # As if it had all been long ago, so that the file is believed where nothing else changes.
            for path in [Path(repo.common_dir, "packed-refs"), *Path(repo.common_dir, "refs", "notes").rglob("*")]:
                if path.exists():
                    os.utime(path, (old + clock, old + clock))
            assert say(repo, "ours").clock == clock + 1
            assert say(repo, "ours").clock == clock + 2
            clock += 2


def test_what_was_read_before_changes_nothing(repo: Repository, git: Git) -> None:
    chance = random.Random(7)
    writers = ["w0", "w1", "w2"]
    for step in range(40):
        writer = chance.choice(writers)
        ref = own(repo, writer)
        tip = repo.resolve(ref)
        match chance.randrange(7):
            case 0 if tip:
                git(repo.root, "update-ref", "-d", ref)
            case 1 if tip and repo.resolve(f"{ref}~1"):
                git(repo.root, "update-ref", ref, f"{ref}~1")
            case 2 if tip:
                git(repo.root, "update-ref", f"refs/notes/conductor-remotes/origin/{ref.rsplit('/', 1)[1]}", ref)
            case 3:
                git(repo.root, "notes", f"--ref={ref}", "add", "-f", "-m", str(step), "HEAD")
            case _:
                say(repo, str(step), writer=writer)
        if chance.random() < 0.7:
            assert read_ledger(repo) == read_ledger(repo, use_cache=False), f"after step {step}"
    assert read_ledger(repo).events


@pytest.mark.parametrize("content", [b"", b"garbage", b"0.1.0\n\x81\xa4tips\x80", b"99.0.0\n\x80"])
def test_a_broken_memo_is_as_if_it_were_not_there(repo: Repository, content: bytes) -> None:
    event = say(repo, "hi")
    read_ledger(repo)
    memo = Path(repo.private, "cache", "ledger")
    assert memo.stat().st_size > 100
    memo.write_bytes(content)
    assert read_ledger(repo).events == (event,)


def test_a_ref_that_moves_while_an_append_looks_is_looked_at_again(
    repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(repo, "first")
    tip = ledger_writer._tip
    moves: list[str] = []

    def look_then_move(*args: Any) -> Any:
        known = tip(*args)
        if not moves:
            moves.append(git(repo.root, "notes", f"--ref={own(repo)}", "add", "-m", "by hand", "HEAD"))
        return known

    monkeypatch.setattr(ledger_writer, "_tip", look_then_move)
    assert say(repo, "second").clock == 2
    ledger = read_ledger(repo)
    assert texts(ledger) == ["first", "second"]
    assert len(ledger.bad) == 1


def test_a_ref_that_appears_while_an_append_looks(repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    tip = ledger_writer._tip
    moves: list[str] = []

    def look_then_make(*args: Any) -> Any:
        known = tip(*args)
        if not moves:
            moves.append(git(repo.root, "notes", f"--ref={own(repo)}", "add", "-m", "by hand", "HEAD"))
        return known

    monkeypatch.setattr(ledger_writer, "_tip", look_then_make)
    say(repo, "mine")
    ledger = read_ledger(repo)
    assert (texts(ledger), len(ledger.bad)) == (["mine"], 1)


def test_what_was_read_of_one_ledger_is_not_told_of_another(repo: Repository) -> None:
    blocker = append(repo, writer="agent-1", kind="blocker", data={"message": "why?"}, now=NOW, target=Target("1", 2))
    say(repo, "remembered")
    before = read_ledger(repo)
    assert before.decisions == (blocker,)
    proof = Event(Oid("a" * 40), 3, "agent-1", "attestation", NOW, {})
    waiver = Event(Oid("b" * 40), 4, "conductor", "waiver", NOW, {})
    after = msgspec.structs.replace(before, events=(*before.events, proof, waiver))
    assert after.decisions == (blocker, waiver)
    assert (before.proofs, after.proofs) == ((), ((proof, None),))
    assert before.decisions == (blocker,)
