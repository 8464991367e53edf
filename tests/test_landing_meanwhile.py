"""What others do while the queue works: branches go, integration moves, rules change, runs die."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from conductor_git.core.events.landings import standing_landings
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.landings import Yard, claim_of


def git(yard: Yard, *args: str) -> str:
    """A git command in the yard for a shell, past every door."""
    # A room knows nobody's name.
    who = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
    return shlex.join(["git", "-C", str(yard.root), "-c", "core.hooksPath=/dev/null", *who, *args])


def once(yard: Yard, command: str) -> str:
    """The command, the first time only."""
    return f"! mkdir {shlex.quote(str(yard.root.parent / 'once'))} 2>/dev/null || {{ {command}; }}"


def stepping(yard: Yard, path: str, text: str) -> str:
    """A direct step of integration that puts this into a file."""
    file = shlex.quote(str(yard.root / path))
    said = git(yard, "commit", "-q", "-m", f"meanwhile {path}")
    return f"printf '%s\\n' {shlex.quote(text)} >>{file} && {git(yard, 'add', path)} && {said}"


def recorded(yard: Yard) -> list[str]:
    return [str(event.plan) for event in standing_landings(read_ledger(discover(str(yard.root))).events)]


def test_a_branch_that_is_deleted_while_it_is_queued_takes_only_itself_out(yard: Yard) -> None:
    code, said = yard.merge("2", "3", MEANWHILE=git(yard, "update-ref", "-d", "refs/heads/b2"))
    assert code == 1
    assert "error: plan 2 changed while it was queued: " in said
    assert "[CG515]" in said
    assert yard.first_parents() == ["Land plan 3: Job 3", "begin"]
    assert recorded(yard) == ["3"]


def test_a_branch_that_loses_its_claim_while_it_is_queued_does_not_land(yard: Yard) -> None:
    yard.commit("other")
    code, said = yard.merge("2", MEANWHILE=git(yard, "update-ref", "refs/heads/b2", "b2~2"))
    assert (code, "[CG515]" in said) == (1, True), said
    assert yard.first_parents() == ["change other", "begin"]


def test_of_a_branch_that_goes_on_while_it_is_queued_the_claimed_commit_lands(yard: Yard) -> None:
    claim = claim_of(yard, "2")
    yard.git(yard.root, "branch", "more", "b2")
    on = yard.commit("more", at="more")
    yard.commit("other")
    assert yard.fates("2", MEANWHILE=git(yard, "update-ref", "refs/heads/b2", on)) == {"2": "landed"}
    assert yard.tip("main^2") == claim
    assert not (yard.root / "more").exists()


def test_integration_that_is_moved_once_by_hand_is_built_upon(yard: Yard) -> None:
    yard.commit("other")
    code, said = yard.merge("2", MEANWHILE=once(yard, stepping(yard, "new", "x")))
    assert code == 0, said
    assert yard.first_parents() == ["Land plan 2: Job 2", "meanwhile new", "change other", "begin"]
    assert (yard.ran(), recorded(yard)) == ("2 2", ["2"])


def test_integration_that_is_moved_always_by_hand_ends_the_queue(yard: Yard) -> None:
    yard.commit("other")
    code, said = yard.merge("2", MEANWHILE=stepping(yard, "new", "x"))
    assert code == 1
    assert "error: 'main' was moved each time plan 2 was about to land [CG516]" in said
    assert "hint: conductor-git merge 2\n" in said
    assert set(yard.first_parents()) == {"meanwhile new", "change other", "begin"}
    assert recorded(yard) == []
    assert yard.fates("2") == {"2": "landed"}


def test_a_plan_that_is_edited_on_integration_meanwhile_needs_no_other_run(yard: Yard) -> None:
    yard.commit("other")
    edit = stepping(yard, ".conductor/plans/2.md", "more prose")
    code, said = yard.merge("2", MEANWHILE=once(yard, edit))
    assert code == 0, said
    assert yard.first_parents()[:2] == ["Land plan 2: Job 2", "meanwhile .conductor/plans/2.md"]
    assert yard.ran() == "2"


def test_rules_that_change_meanwhile_need_another_run(yard: Yard) -> None:
    yard.commit("other")
    edit = stepping(yard, ".conductor/scripts/verify.sh", "[ ! -e other ]")
    code, said = yard.merge("2", MEANWHILE=once(yard, edit))
    assert (code, "passed under other rules than those of now ('verify.sh') [CG517]" in said) == (2, True), said
    assert yard.first_parents()[0] == "meanwhile .conductor/scripts/verify.sh"
    # By the rules of now the claim is to be proven first.
    code, said = yard.merge("2")
    assert (code, "error: plan 2 is claimed, and not proven" in said or "[CG203]" in said) == (1, True), said
    assert yard.ran() == "2"


def test_a_run_that_takes_too_long_is_red_and_named_as_such(yard: Yard) -> None:
    path = ".conductor/conductor.toml"
    yard.commit(path, (yard.root / path).read_text() + 'timeout = "1s"\n')
    yard.commit("other")
    code, said = yard.merge("2", MEANWHILE='[ "$CONDUCTOR_PLAN" = integration ] || sleep 5')
    assert code == 1
    assert "error: plan 2 is red on 'main': verify.sh timed out [CG512]" in said
    assert yard.first_parents()[0] == "change other"
    assert recorded(yard) == []


@pytest.mark.parametrize("always", [False, True])
def test_a_run_whose_room_dies_is_tried_once_more(yard: Yard, always: bool) -> None:
    yard.commit("other")
    die = "kill -9 $(ps -o ppid= -p $PPID)"
    code, said = yard.merge("2", MEANWHILE=die if always else once(yard, die))
    assert code == (2 if always else 0), said
    assert ("error: plan 2 could not be judged: " in said) == always
    assert yard.first_parents()[0] == ("change other" if always else "Land plan 2: Job 2")
    assert recorded(yard) == ([] if always else ["2"])


def test_what_was_red_lands_once_integration_is_mended(yard: Yard) -> None:
    yard.commit("poison2")
    assert yard.fates("2") == {"2": "red"}
    yard.git(yard.root, "rm", "-q", "poison2")
    yard.git(yard.root, "commit", "-q", "-m", "mend it")
    assert yard.fates("2") == {"2": "landed"}


def test_a_push_that_is_always_lost_ends_the_queue_and_leaves_all_as_it_was(
    yard: Yard, git: Git, tmp_path: Path
) -> None:
    bare, other = tmp_path / "origin.git", tmp_path / "other"
    git(tmp_path, "clone", "-q", "--bare", str(yard.root), str(bare))
    git(yard.root, "remote", "add", "origin", str(bare))
    git(yard.root, "fetch", "-q", "origin")
    git(yard.root, "branch", "-q", "--set-upstream-to=origin/main", "main")
    git(tmp_path, "clone", "-q", str(bare), str(other))
    race = yard.root / ".git/hooks/pre-push"
    race.write_text(
        f"#!/bin/sh\nunset $(git rev-parse --local-env-vars)\ncd '{other}'\n"
        "git commit -q --allow-empty -m meanwhile && git push -q origin main\n"
    )
    race.chmod(0o755)
    code, said = yard.merge("2")
    assert code == 1
    assert "error: 'main' was moved each time plan 2 was about to land [CG516]" in said
    assert set(yard.first_parents()) == {"meanwhile", "begin"}
    assert (yard.tip(), recorded(yard)) == (git(bare, "rev-parse", "main"), [])
    assert not (yard.root / ".git/conductor/landing.json").exists()


@pytest.mark.long
def test_fifty_branches_land_in_one_call(yard: Yard) -> None:
    names = [f"fix{number:02}" for number in range(50)]
    stream = "".join(
        f"commit refs/heads/{name}\ncommitter a <a@example.org> 1700000000 +0000\ndata 4\nwork\n"
        f"from {yard.tip()}\nM 100644 inline {name}\ndata 2\nx\n\n"
        for name in names
    )
    yard.git(yard.root, "fast-import", "--quiet", stdin=stream)
    assert set(yard.fates(*names).values()) == {"landed"}
    assert yard.ran() == "integration integration integration integration"
    assert yard.first_parents()[:-1] == [f"Land branch '{name}'" for name in reversed(names)]
    assert audit_is_clean(yard)


def audit_is_clean(yard: Yard) -> bool:
    return yard.run("conductor-git", "audit")[0] == 0
