"""A landing that dies at any point, or is lost to somebody else: nothing is lost, nothing is done twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.events.landings import standing_landings
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.landings import Yard

pytestmark = pytest.mark.long

DYING = """\
import os, signal, sys
from conductor_git import cli
from conductor_git.store.landing import moving

def dying(function, after):
    def die(*args, **named):
        if after:
            function(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    return die

name, when = sys.argv[1], sys.argv[2]
setattr(moving, name, dying(getattr(moving, name), when == "after"))
sys.exit(cli.main(["merge", "2"]))
"""

POINTS = [
    ("write_journal", "before"),
    ("write_journal", "after"),
    ("record_landings", "after"),
    ("push_landing", "after"),
    ("advance", "after"),
    ("close_journal", "before"),
    ("close_journal", "after"),
]


@pytest.fixture
def origin(yard: Yard, git: Git) -> Path:
    """A bare origin that main comes from; it takes the ledger."""
    bare = yard.root.parent / "origin.git"
    git(yard.root, "clone", "-q", "--bare", str(yard.root), str(bare))
    git(yard.root, "remote", "add", "origin", str(bare))
    git(
        yard.root,
        "config",
        "--add",
        "remote.origin.fetch",
        "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*",
    )
    git(yard.root, "fetch", "-q", "origin")
    git(yard.root, "branch", "-q", "--set-upstream-to=origin/main", "main")
    return bare


def landings(yard: Yard) -> list[str]:
    return [str(event.plan) for event in standing_landings(read_ledger(discover(str(yard.root))).events)]


def landed_once(yard: Yard) -> None:
    assert yard.first_parents() == ["Land plan 2: Job 2", "begin"]
    assert landings(yard) == ["2"]
    assert not (yard.root / ".git" / "conductor" / "landing.json").exists()
    assert yard.git(yard.root, "status", "--porcelain") == ""


@pytest.mark.parametrize(("name", "when"), [point for point in POINTS if point[0] != "push_landing"])
def test_killed_at_any_point_and_called_again(yard: Yard, name: str, when: str) -> None:
    code, _ = yard.run(sys.executable, "-c", DYING, name, when)
    assert code == -9
    code, said = yard.merge("2")
    assert code == 0, said
    landed_once(yard)


@pytest.mark.parametrize(("name", "when"), POINTS)
def test_killed_at_any_point_with_an_origin(yard: Yard, origin: Path, name: str, when: str) -> None:
    assert yard.run(sys.executable, "-c", DYING, name, when)[0] == -9
    code, said = yard.merge("2")
    assert code == 0, said
    landed_once(yard)
    assert yard.git(origin, "rev-parse", "main") == yard.tip()


@pytest.mark.parametrize("state", ["prepared", "committed"])
def test_killed_with_git_while_integration_moves_and_called_again(yard: Yard, state: str) -> None:
    """The whole group dies in the middle of git's own work: files may have moved, and locks stay behind."""
    door = yard.root / ".git/hooks/reference-transaction"
    kept = door.read_text()
    door.write_text(f"#!/bin/sh\n[ $1 != {state} ] || ! grep -q ' refs/heads/main' || kill -9 0\n")
    dying = "import os, sys; from conductor_git import cli; os.setsid(); sys.exit(cli.main(['merge', '2']))"
    assert yard.run(sys.executable, "-c", dying)[0] == -9
    door.write_text(kept)
    locks = [yard.root / ".git" / name for name in ("HEAD.lock", "refs/heads/main.lock")]
    left = [lock for lock in locks if lock.exists()]
    assert (left == locks) == (state == "prepared")
    if left:
        # Nobody knows whether its owner lives: it stays, and is named.
        code, said = yard.merge("2")
        assert (code, "error: 'main' could not be moved\n" in said, ".lock': File exists" in said) == (2, True, True)
        assert landings(yard) == []
        for lock in left:
            lock.unlink()
    # What git had brought into the worktree before it died is what lands: nobody has to take it away.
    code, said = yard.merge("2")
    assert code == 0, said
    landed_once(yard)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_again_while_the_landing_is_taken_back(yard: Yard, when: str) -> None:
    for name, at in (("record_landings", "after"), ("withdraw_landings", when)):
        assert yard.run(sys.executable, "-c", DYING, name, at)[0] == -9
    code, said = yard.merge("2")
    assert code == 0, said
    landed_once(yard)


def test_resume_only_brings_to_its_end_what_was_begun(yard: Yard) -> None:
    yard.run(sys.executable, "-c", DYING, "advance", "after")
    assert landings(yard) == ["2"]
    code, said = yard.merge("--resume")
    assert (code, said.strip()) == (0, "the landing of 2 that was cut short is complete now")
    landed_once(yard)
    assert yard.merge("--resume") == (0, "no landing was cut short\n")


def test_doctor_names_a_landing_that_was_cut_short_with_its_age(yard: Yard) -> None:
    yard.run(sys.executable, "-c", DYING, "write_journal", "after")
    code, said = yard.run("conductor-git", "doctor")
    assert code == 1
    assert "warning: the landing of 2 was cut short 0 minutes ago, and its journal is open [CG518]" in said
    assert "hint: conductor-git merge --resume" in said
    assert "the landing of 2 that was cut short is taken back" in yard.merge("--resume")[1]
    assert "cut short" not in yard.run("conductor-git", "doctor")[1]


def test_integration_and_ledger_are_pushed_together(yard: Yard, origin: Path) -> None:
    assert yard.merge("2", "3")[0] == 0
    assert yard.git(origin, "rev-parse", "main") == yard.tip() == yard.tip("origin/main")
    ledger = yard.git(yard.root, "for-each-ref", "--format=%(objectname)", "refs/notes/conductor/conductor.*")
    assert ledger in yard.git(origin, "for-each-ref", "--format=%(objectname)", "refs/notes")


def hook(origin: Path, text: str) -> None:
    path = origin / "hooks" / "update"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_an_origin_that_takes_no_notes_gets_integration_alone(yard: Yard, origin: Path) -> None:
    hook(origin, "case $1 in refs/notes/*) exit 1 ;; esac")
    code, said = yard.merge("2")
    assert code == 0, said
    assert "warning: 'origin' takes no ledger; it has the landing, and not its proof" in said
    assert yard.git(origin, "rev-parse", "main") == yard.tip()
    landed_once(yard)


def test_an_origin_that_takes_nothing_leaves_all_as_it_was(yard: Yard, origin: Path) -> None:
    hook(origin, "exit 1")
    code, said = yard.merge("2")
    assert code == 2
    assert "error: 'origin' did not take the landing" in said
    assert (yard.first_parents(), landings(yard)) == (["begin"], [])
    assert not (yard.root / ".git" / "conductor" / "landing.json").exists()


def test_a_push_that_is_lost_begins_again_on_the_new_tip(yard: Yard, origin: Path, git: Git) -> None:
    other = yard.root.parent / "other"
    git(yard.root.parent, "clone", "-q", str(origin), str(other))
    (other / "elsewhere").write_text("x\n")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "meanwhile")
    # Somebody pushes between our fetch and our push: once.
    race = yard.root / ".git" / "hooks" / "pre-push"
    race.write_text(
        f"#!/bin/sh\nmkdir '{yard.root.parent}/raced' 2>/dev/null && git -C '{other}' push -q origin main\nexit 0\n"
    )
    race.chmod(0o755)
    code, said = yard.merge("2")
    assert code == 0, said
    assert "'main' was moved meanwhile; everything again on its new tip" in said
    assert yard.first_parents() == ["Land plan 2: Job 2", "meanwhile", "begin"]
    assert landings(yard) == ["2"]
    assert yard.git(origin, "rev-parse", "main") == yard.tip()


def test_two_conductors_in_one_clone_land_everything_once(yard: Yard) -> None:
    beside = yard.root.parent / "beside"
    yard.git(yard.root, "worktree", "add", "-q", "--detach", str(beside))
    call = ["conductor-git", "merge", "2", "3"]
    both = [
        subprocess.Popen(call, cwd=at, stdout=-1, stderr=-2, text=True, env=yard.env()) for at in (yard.root, beside)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert yard.first_parents() == ["Land plan 3: Job 3", "Land plan 2: Job 2", "begin"]
    assert sorted(landings(yard)) == ["2", "3"]


def test_two_conductors_in_two_clones_land_everything_once(yard: Yard, origin: Path, git: Git) -> None:
    other = yard.root.parent / "other"
    shutil.copytree(yard.root, other, symlinks=True)
    call = ["conductor-git", "merge", "2", "3"]
    both = [
        subprocess.Popen(call, cwd=at, stdout=-1, stderr=-2, text=True, env=yard.env()) for at in (yard.root, other)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert yard.first_parents("origin/main")[-3:] == ["Land plan 3: Job 3", "Land plan 2: Job 2", "begin"]
    git(other, "fetch", "-q")
    assert git(other, "rev-parse", "main", "origin/main").split()[0] == git(origin, "rev-parse", "main")


def test_nobody_commits_on_integration_while_a_landing_is_open(yard: Yard) -> None:
    yard.run(sys.executable, "-c", DYING, "write_journal", "after")
    code, said = yard.run("git", "commit", "--allow-empty", "-m", "in between")
    assert code == 1
    assert "error: the landing of 2 on 'main' is under way, or was cut short [CG518]" in said
    assert "hint: conductor-git merge --resume" in said
    yard.git(yard.root, "branch", "aside")
    yard.git(yard.root, "switch", "-q", "aside")
    assert yard.run("git", "commit", "--allow-empty", "-m", "elsewhere")[0] == 0
    yard.git(yard.root, "switch", "-q", "main")
    assert "the landing of 2 that was cut short is taken back" in yard.merge("--resume")[1]
    assert yard.run("git", "commit", "--allow-empty", "-m", "after it")[0] == 0


def test_a_pull_request_that_a_button_merges_is_the_landing(yard: Yard, origin: Path, git: Git) -> None:
    code, said = yard.merge("--pr", "2", "3")
    assert code == 0, said
    assert "hint: gh pr create --base main --head landing/2-3 --title 'Land plan 2, plan 3' --body " in said
    assert (yard.first_parents(), landings(yard)) == (["begin"], [])
    forge = yard.root.parent / "forge"
    git(yard.root.parent, "clone", "-q", str(origin), str(forge))
    git(forge, "merge", "-q", "--no-ff", "-m", "Merge pull request #7", "origin/landing/2-3")
    git(forge, "push", "-q", "origin", "main")
    git(origin, "branch", "-q", "-D", "landing/2-3", "b2", "b3")
    code, said = yard.merge("2", "3")
    assert (code, said) == (0, "  2: on 'main' already\n  3: on 'main' already\n")
    code, said = yard.run("conductor-git", "audit")
    assert code == 0, said
