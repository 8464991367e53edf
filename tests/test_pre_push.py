"""The door before a push: claims that are proven go out, and the ledger ahead of them; nothing in a rehearsal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conductor_git.store.hookfiles.doorfiles import Start, compose, this_python
from conductor_git.store.plumbing.caller import Call, read_call
from tests.team import CLAIM, Team


@pytest.fixture
def origin(team: Team) -> Path:
    """A bare remote that has main."""
    path = team.root.parent / "origin.git"
    team.git(team.root, "init", "-q", "--bare", str(path))
    team.git(team.root, "remote", "add", "origin", str(path))
    team.git(team.root, "-c", "core.hooksPath=/dev/null", "push", "-q", "origin", "main")
    assert team.run("conductor-git", "install")[0] == 0
    return path


def ledgers(team: Team, origin: Path) -> list[str]:
    return team.git(origin, "for-each-ref", "--format=%(refname)", "refs/notes/conductor").splitlines()


def claim(team: Team, *options: str) -> None:
    team.git(team.root, *options, "commit", "-q", "--allow-empty", "-m", CLAIM)


def test_the_ledger_goes_ahead_of_what_it_proves(team: Team, origin: Path) -> None:
    team.prove()
    claim(team)
    (origin / "hooks").mkdir(exist_ok=True)
    hook = origin / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nwhile read -r _ _ ref; do echo $ref >>order; done\n")
    hook.chmod(0o755)
    assert team.run("git", "push", "-q", "-u", "origin", "b2")[0] == 0
    (ledger,) = ledgers(team, origin)
    assert (origin / "order").read_text().splitlines() == [ledger, "refs/heads/b2"]
    assert team.run("git", "push", "-q")[0] == 0
    assert len((origin / "order").read_text().splitlines()) == 2, "once is enough"


@pytest.mark.parametrize("rehearsal", [["--dry-run"], ["-n"], ["-un"], ["--dry"]])
def test_a_rehearsal_pushes_nothing(team: Team, origin: Path, rehearsal: list[str]) -> None:
    team.prove()
    assert team.run("git", "push", "-q", *rehearsal, "origin", "b2")[0] == 0
    assert ledgers(team, origin) == []
    team.git(team.root, "config", "alias.try", "push -n")
    assert team.run("git", "try", "-q", "origin", "b2")[0] == 0
    assert ledgers(team, origin) == []
    team.git(team.root, "config", "alias.put", "push")
    assert team.run("git", "put", "-q", "origin", "b2")[0] == 0
    assert len(ledgers(team, origin)) == 1


def test_an_unproven_claim_goes_nowhere_until_it_is_proven(team: Team, origin: Path) -> None:
    claim(team, "-c", "core.hooksPath=/dev/null")
    code, said = team.run("git", "push", "-q", "origin", "b2")
    tip = team.git(team.root, "rev-parse", "HEAD")
    assert (code != 0, "[CG201]" in said, "nothing was pushed" in said) == (True, True, True)
    assert f"hint: conductor-git validate 2.0 --commit {tip[:12]}" in said
    assert team.run("git", "push", "-q", "origin", "b2", "b2:side")[0] != 0, "every ref is looked at"
    assert team.git(origin, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert team.run("conductor-git", "validate", "2.0", "--commit", tip)[0] == 0
    assert team.run("git", "push", "-q", "origin", "b2")[0] == 0
    team.git(team.root, "push", "-q", "origin", ":b2")


def test_a_push_that_takes_the_ledger_along_is_left_to_it(team: Team, origin: Path) -> None:
    team.prove()
    assert team.run("git", "push", "-q", "origin", "b2", "refs/notes/conductor/*")[0] == 0
    assert len(ledgers(team, origin)) == 1


def test_what_the_remote_has_is_not_asked_again(team: Team, origin: Path) -> None:
    claim(team, "-c", "core.hooksPath=/dev/null")
    team.git(team.root, "-c", "core.hooksPath=/dev/null", "push", "-q", "origin", "b2")
    team.git(team.root, "commit", "-q", "--allow-empty", "-m", "work")
    assert team.run("git", "push", "-q", "origin", "b2")[0] == 0


def test_a_remote_that_takes_no_notes_fails_no_push(team: Team, origin: Path) -> None:
    hook = origin / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $1 in refs/notes/*) echo no notes here >&2; exit 1;; esac\n")
    hook.chmod(0o755)
    team.prove()
    claim(team)
    code, said = team.run("git", "push", "-q", "origin", "b2")
    assert (code, "note: the ledger is not on 'origin'" in said) == (0, True)
    assert ledgers(team, origin) == []


def test_a_users_own_hook_reads_the_same_lines_first(team: Team, origin: Path) -> None:
    kept, log = team.root / ".git/hooks/pre-push.kept-by-conductor", team.root.parent / "heard"
    kept.write_text(f"#!/bin/sh\n{{ echo \"$1\"; cat; }} >>'{log}'\n")
    kept.chmod(0o755)
    assert team.run("git", "push", "-q", "origin", "b2", "b2:side")[0] == 0
    tip, zero = team.git(team.root, "rev-parse", "b2"), "0" * 40
    lines = [f"refs/heads/b2 {tip} refs/heads/{name} {zero}" for name in ("b2", "side")]
    assert log.read_text().splitlines() == ["origin", *lines]
    kept.write_text("#!/bin/sh\nexit 3\n")
    team.git(team.root, "commit", "-q", "--allow-empty", "-m", "work")
    assert team.run("git", "push", "-q", "origin", "b2")[0] != 0


@pytest.mark.parametrize(
    ("argv", "call"),
    [
        (["git", "push", "-n"], Call("push", ("-n",))),
        (["/usr/bin/git", "-C", "a b", "-c", "x=y", "--no-pager", "push"], Call("push", ())),
        (["git-upload-pack", "x"], Call("upload-pack", ("x",))),
        (["git"], Call()),
        (["sh", "git"], None),
        ([], None),
    ],
)
def test_a_process_is_read_by_its_words(argv: list[str], call: Call | None) -> None:
    assert read_call(argv) == call


def test_a_landings_own_push_starts_no_python_and_no_other_push_does_without(team: Team, origin: Path) -> None:
    team.prove()
    claim(team)
    log, python = team.root.parent / "starts", team.root.parent / "python"
    python.write_text(f"#!/bin/sh\necho push >>'{log}'\nexec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    (team.root / ".git/hooks/pre-push").write_bytes(compose("pre-push", Start(str(python), this_python().package)))
    (ledger,) = team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/").splitlines()
    for refs, asked in (
        (["main:refs/heads/main", f"{ledger}:{ledger}"], 0),
        (["main:refs/heads/main"], 1),
        ([f"{ledger}:{ledger}", "b2:refs/heads/b2"], 1),
        ([f"{ledger}:{ledger}", "b2:refs/heads/elsewhere"], 1),
        (["--delete", ledger, "main"], 0),
    ):
        log.unlink(missing_ok=True)
        team.git(origin, "update-ref", "--stdin", stdin="".join(f"delete {ref}\n" for ref in everything(team, origin)))
        if refs[0] == "--delete":
            team.git(team.root, "-c", "core.hooksPath=/dev/null", "push", "-q", "origin", "main:main", ledger)
            team.git(origin, "symbolic-ref", "HEAD", "refs/heads/none")
        assert team.run("git", "push", "-q", "origin", *refs)[0] == 0
        assert (log.read_text().count("push") if log.exists() else 0) == asked, refs


def everything(team: Team, origin: Path) -> list[str]:
    return team.git(origin, "for-each-ref", "--format=%(refname)").splitlines()
