"""The door that sees final objects: each attack works where it is away, is refused where it stands, and ordinary git
does the same with it as without."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_git.core.targets import Oid, Target
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.doorfiles import Start, compose, this_python
from conductor_git.store.hookfiles.guards import write_guards
from conductor_git.store.landing.journal import Journal, Landing, write_journal
from conductor_git.store.plumbing.repository import discover
from tests.team import CLAIM, Team

HOOK = ".git/hooks/reference-transaction"
CONDUCTOR = {"CONDUCTOR_WRITER": "conductor"}


@pytest.fixture(autouse=True)
def stands(team: Team) -> None:
    """The door is where `install` puts it."""
    put_back(team)


def away(team: Team) -> None:
    (team.root / HOOK).unlink()


def put_back(team: Team, shell: str = "sh") -> None:
    text = compose("reference-transaction", this_python())
    words = shutil.which(shell) or shell
    if shell == "busybox":
        words += " sh"
    (team.root / HOOK).write_bytes(text.replace(b"#!/bin/sh", f"#!{words}".encode(), 1))
    (team.root / HOOK).chmod(0o755)


def tip(team: Team, ref: str = "HEAD") -> str:
    return team.git(team.root, "rev-parse", ref)


def made(team: Team, text: str, *parents: str) -> str:
    """A commit that no branch has."""
    return team.git(
        team.root, "commit-tree", *(f"-p{parent}" for parent in parents), "-m", text, f"{parents[0]}^{{tree}}"
    )


def commit(team: Team, text: str = "work", path: str = "") -> str:
    if path:
        (team.root / path).parent.mkdir(parents=True, exist_ok=True)
        (team.root / path).write_text(f"{text}\n")
        team.git(team.root, "add", path)
    team.git(team.root, "commit", "-q", "--allow-empty", "-m", text)
    return tip(team)


def proven(team: Team) -> str:
    """Wave 0 of plan 2, claimed and proven on b2."""
    team.prove()
    return commit(team, CLAIM)


# Claims.


def by_commit(team: Team) -> list[str]:
    return ["git", "commit", "--no-verify", "--allow-empty", "-m", CLAIM]


def by_update_ref(team: Team) -> list[str]:
    return ["git", "update-ref", "refs/heads/b2", made(team, CLAIM, "b2")]


def by_reset(team: Team) -> list[str]:
    return ["git", "reset", "--hard", made(team, CLAIM, "b2")]


def by_fast_forward(team: Team) -> list[str]:
    return ["git", "merge", "--ff-only", made(team, CLAIM, "b2")]


def by_cherry_pick(team: Team) -> list[str]:
    return ["git", "cherry-pick", "--allow-empty", made(team, CLAIM, "main")]


def by_branch(team: Team) -> list[str]:
    claim = made(team, CLAIM, "b2")
    team.git(team.root, "checkout", "-q", "--detach")
    return ["git", "branch", "-f", "b2", claim]


def by_fetch(team: Team) -> list[str]:
    team.git(team.root, "branch", "side", made(team, CLAIM, "b2"))
    team.git(team.root, "checkout", "-q", "--detach")
    return ["git", "fetch", "-q", ".", "side:b2"]


def by_rebase(team: Team) -> list[str]:
    commit(team, "on the branch", "b")
    claim = made(team, CLAIM, "b2")
    team.git(team.root, "branch", "side", made(team, "moved on", "main"))
    # A claim that is not on the branch: an interactive rebase that adds it.
    return ["git", "-c", f"sequence.editor=echo pick {claim} >>", "rebase", "-q", "-i", "--empty=keep", "side"]


def by_mail(team: Team) -> list[str]:
    text = (
        f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: A <a@b>\nDate: Mon, 17 Sep 2001 00:00:00 +0000\n"
        f"Subject: {CLAIM}\n\n---\n new | 1 +\n\ndiff --git a/new b/new\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n--\n2.39\n"
    )
    (team.root.parent / "mail").write_text(text)
    return ["git", "am", "-q", "--keep", str(team.root.parent / "mail")]


def by_fast_import(team: Team) -> list[str]:
    who = "A <a@b> 1700000000 +0000"
    text = f"commit refs/heads/b2\ncommitter {who}\ndata {len(CLAIM.encode())}\n{CLAIM}\nfrom refs/heads/b2^0\n\n"
    (team.root.parent / "stream").write_text(text)
    return ["sh", "-c", "git fast-import --quiet <../stream"]


Way = Callable[[Team], list[str]]
WAYS: list[tuple[Way, str]] = [
    (by_commit, ""),
    (by_update_ref, ""),
    (by_branch, ""),
    (by_fetch, ""),
    (by_fast_import, ""),
    (by_reset, "git reset --merge"),
    (by_fast_forward, "git reset --merge"),
    (by_cherry_pick, "git cherry-pick --abort"),
    (by_rebase, "git rebase --abort"),
    (by_mail, "git am --abort"),
]


@pytest.mark.parametrize(("way", "undo"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_an_unproven_claim_arrives_on_a_plans_branch_by_no_way(team: Team, way: Way, undo: str) -> None:
    away(team)
    argv = way(team)
    before = team.git(team.root, "rev-parse", "b2", "HEAD")
    state = team.git(team.root, "status", "--porcelain")
    put_back(team)
    code, said = team.run(*argv)
    assert code != 0
    assert "[CG201]" in said
    assert ("nothing was committed" if argv[:2] == ["git", "commit"] else "no branch was moved") in said
    assert (f"hint: {undo}    # takes back" in said) == bool(undo), said
    if undo:
        assert team.run("sh", "-c", undo)[0] == 0
    assert team.git(team.root, "rev-parse", "b2", "HEAD") == before
    assert team.git(team.root, "status", "--porcelain") == state
    away(team)
    assert team.run(*argv)[0] == 0, "without the door it works"
    subjects = team.git(team.root, "log", "--format=%s", "b2")
    assert CLAIM in subjects


def test_a_proven_claim_may_arrive_by_any_way(team: Team) -> None:
    team.prove()
    for way in (by_commit, by_update_ref, by_cherry_pick):
        argv = way(team)
        code, said = team.run(*argv)
        assert code == 0, said


def counted(team: Team) -> Path:
    """Let every start of Python be written down."""
    log, python = team.root.parent / "starts", team.root.parent / "python"
    python.write_text(f"#!/bin/sh\necho \"$*\" >>'{log}'\nexec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    for door in ("pre-commit", "commit-msg", "pre-merge-commit", "reference-transaction"):
        (team.root / ".git/hooks" / door).write_bytes(compose(door, Start(str(python), this_python().package)))
    return log


def starts(log: Path) -> list[str]:
    """The doors for which Python was started since the last time."""
    found = [line.split("leave()")[1].split()[0] for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def test_a_claim_starts_python_once_and_its_receipt_serves_it_only(team: Team) -> None:
    log = counted(team)
    receipt = team.root / ".git/conductor-receipt"
    team.prove()
    starts(log)
    commit(team, CLAIM)
    assert starts(log) == ["commit-msg"]
    assert receipt.read_text() == "", "it was used"
    team.git(team.root, "commit", "-q", "--amend", "--allow-empty", "-m", f"{CLAIM} - said again\n\nWhy.")
    assert starts(log) == ["commit-msg"]
    team.git(team.root, "commit", "-q", "--allow-empty", "-m", "work")
    assert starts(log) == []
    # One that a refused commit has left serves no other content.
    team.prove("2.1")
    (team.root / ".git/hooks/reference-transaction.kept-by-conductor").write_text("#!/bin/sh\nexit 1\n")
    (team.root / ".git/hooks/reference-transaction.kept-by-conductor").chmod(0o755)
    assert team.commit("--allow-empty", "-m", "✅ Wave 1 Complete")[0] != 0
    (team.root / ".git/hooks/reference-transaction.kept-by-conductor").unlink()
    assert receipt.read_text().startswith("✅ Wave 1 Complete\nConductor-Plan: 2\x1fConductor-Wave: 1\x1f")
    (team.root / "state").write_text("bad\n")
    code, said = team.commit("-a", "--no-verify", "-m", "✅ Wave 1 Complete")
    assert (code != 0, "[CG201]" in said) == (True, True)
    assert starts(log)[-1] == "reference-transaction"


def test_the_move_of_an_open_landing_was_judged_and_no_other_move(team: Team) -> None:
    log = counted(team)
    repo = discover(str(team.root))
    base = Oid(tip(team, "main"))
    commit(team, "▶ PLAN 2 START - agent-2\n\nConductor-Plan: 2")
    # A merge of what no claim covers: refused wherever it is judged.
    bad, other = (Oid(made(team, text, base, tip(team, "b2"))) for text in ("one", "another"))
    move = ("git", "update-ref", "refs/heads/main", bad, base)
    landing = Landing("2", Target("2"), Oid(tip(team, "b2")), bad, "")
    for ref, old, new in (
        ("refs/heads/main", base, other),
        ("refs/heads/b2", base, bad),
        ("refs/heads/main", bad, bad),
    ):
        write_journal(repo, Journal(ref, old, new, (landing,), 1))
        starts(log)
        assert team.run(*move)[0] != 0
        assert starts(log) == ["reference-transaction"]
    write_journal(repo, Journal("refs/heads/main", base, bad, (landing,), 1))
    code, said = team.run(*move)
    assert (code, starts(log)) == (0, []), said


def test_what_a_plans_commit_may_not_touch_is_asked_of_the_final_commit(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    log = counted(team)
    for folder in ("docs", "src"):
        (team.root / folder).mkdir()
        (team.root / folder / "a").write_text("x\n")
        team.git(team.root, "add", folder)
        team.commit("--no-verify", "-m", "work")
        assert starts(log) == (["reference-transaction"] if folder == "src" else [])


def two_plans(team: Team, *, started: bool) -> None:
    """Work on b3 and b2, each above its plan's start commit or on a branch that was made by hand; b2 is checked out."""
    for plan in ("3", "2"):
        team.git(team.root, "checkout", "-q", "-B", f"b{plan}", "main")
        if started:
            start = ("-m", f"▶ PLAN {plan} START - agent-{plan}", "-m", f"Conductor-Plan: {plan}")
            team.git(team.root, "commit", "-q", "--allow-empty", *start)
        commit(team, f"work on {plan}", "docs/3" if plan == "3" else "src/2")


def merged(team: Team, branch: str) -> str:
    return made(team, "take", tip(team), tip(team, branch))


FOREIGN: dict[str, tuple[Callable[[Team], list[str]], str]] = {
    "merge": (lambda _: ["git", "merge", "--no-verify", "--no-ff", "-m", "take", "b3"], "git merge --abort"),
    "pull": (
        lambda _: ["git", "pull", "-q", "--no-rebase", "--no-verify", "--no-edit", ".", "b3"],
        "git merge --abort",
    ),
    "reset": (lambda team: ["git", "reset", "-q", "--hard", merged(team, "b3")], "git reset --merge"),
    "fast-forward": (lambda team: ["git", "merge", "-q", "--ff-only", merged(team, "b3")], "git reset --merge"),
    "update-ref": (lambda team: ["git", "update-ref", "HEAD", merged(team, "b3")], ""),
}


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("way", FOREIGN)
def test_another_plans_work_is_merged_into_a_plans_branch_by_no_way(team: Team, way: str, started: bool) -> None:
    """By nobody, and as the report and the audit would say it of a merge that is there."""
    two_plans(team, started=started)
    make, undo = FOREIGN[way]
    argv, before = make(team), tip(team)
    for env in ({}, CONDUCTOR):
        code, said = team.run(*argv, env=env)
        assert code != 0
        assert "merge into plan 2 took in work of plan 3, which it does not need [CG406]" in said
        assert (f"hint: {undo}    # takes back" in said) == bool(undo), said
        if undo:
            assert team.run("sh", "-c", undo)[0] == 0
        assert (tip(team), team.git(team.root, "status", "--porcelain")) == (before, "")
    away(team)
    assert team.run(*argv)[0] == 0, "without the door it works"
    for reader in ("log-status", "audit"):
        assert "took in work of plan 3, which it does not need [CG406]" in team.run("conductor-git", reader)[1]


def test_what_is_for_a_plan_is_merged_and_a_merge_that_is_there_is_carried(team: Team) -> None:
    two_plans(team, started=True)
    team.git(team.root, "checkout", "-q", "-b", "helper")
    commit(team, "help", "help")
    team.git(team.root, "checkout", "-q", "main")
    team.run("git", "commit", "-q", "--allow-empty", "-m", "meanwhile", env=CONDUCTOR)
    team.git(team.root, "checkout", "-q", "b2")
    for branch in ("main", "helper"):
        code, said = team.run("git", "merge", "--no-verify", "--no-ff", "-m", f"take {branch}", branch)
        assert code == 0, said
    away(team)
    team.git(team.root, "merge", "-q", "--no-verify", "--no-ff", "-m", "take b3", "b3")
    put_back(team)
    assert team.commit("--amend", "-m", "take it all in")[0] == 0
    commit(team, "on", "on")
    code, said = team.run("git", "rebase", "-q", "--rebase-merges", "--onto", "HEAD~2^0", "HEAD~2", "b2")
    assert code == 0, said


def test_an_executor_may_do_what_its_plan_may(team: Team) -> None:
    two_plans(team, started=True)
    team.git(team.root, "checkout", "-q", "-b", "agent-2/2-w0-bob")
    commit(team, "part", "part")
    before = tip(team)
    away(team)
    (team.root / "docs").mkdir()
    (team.root / "docs/bob").write_text("x\n")
    team.git(team.root, "add", "docs")
    team.git(team.root, "commit", "-q", "--no-verify", "-m", "outside")
    team.git(team.root, "merge", "-q", "--no-verify", "--no-ff", "-m", "take", "b3")
    after = [tip(team), tip(team, "HEAD~1")]
    team.git(team.root, "reset", "-q", "--hard", before)
    put_back(team)
    for oid, found in zip(
        after, ("[CG406]", "'docs/bob' belongs to plan 3 (agent-3), not to plan 2 [CG402]"), strict=True
    ):
        code, said = team.run("git", "reset", "-q", "--hard", oid)
        assert (code != 0, found in said, tip(team)) == (True, True, before), said
        assert team.run("git", "reset", "--merge")[0] == 0


def test_a_commit_without_an_editor_is_asked_about_its_paths_once(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    log, hook = counted(team), team.root / HOOK
    (team.root / "src").write_text("x\n")
    team.git(team.root, "add", "src")
    before = tip(team)
    for args, env, door in [
        (["-m", "work"], {}, "reference-transaction"),
        ([], {"GIT_EDITOR": "false"}, "pre-commit"),
        (["-m", "work"], {"CONDUCTOR_PROBE": "1"}, "pre-commit"),
    ]:
        code, said = team.commit(*args, env=env)
        assert (code != 0, starts(log)) == (True, [door]), said
    # Where the other door is not ours, this one asks.
    ours = hook.read_bytes()
    for other in (b"#!/bin/sh\n", ours.replace(b"conductor-git 0", b"conductor-git 7", 1)):
        hook.write_bytes(other)
        assert team.commit("-m", "work")[0] != 0
        assert starts(log) == ["pre-commit"]
    hook.write_bytes(ours)
    # While rebasing the branch moves at the end only.
    team.git(team.root, "checkout", "-q", "--detach")
    (team.root / ".git/rebase-merge").mkdir()
    (team.root / ".git/rebase-merge/head-name").write_text("refs/heads/b3\n")
    assert team.commit("-m", "work")[0] != 0
    assert (starts(log), tip(team)) == (["pre-commit"], before)


def test_a_plain_step_on_control_leaves_the_guards_as_good_as_new(team: Team) -> None:
    log = counted(team)
    team.git(team.root, "checkout", "-q", "main")
    same = next((team.root / ".git/conductor/guards").iterdir()) / "same"
    for number in "12":
        commit(team, "a direct step", number)
        assert same.read_text().strip() == tip(team)
    assert starts(log) == []
    same.write_text(tip(team)[:20])
    commit(team, "another", "3")
    assert (starts(log), same.read_text().strip()) == ([], tip(team)), "one that was half-written is made again"


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_what_concerns_nobody_starts_no_python(team: Team, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    log = counted(team)
    text = (team.root / HOOK).read_bytes()
    path = f"{shutil.which(shell)}{' sh' if shell == 'busybox' else ''}"
    (team.root / HOOK).write_bytes(text.replace(b"#!/bin/sh", f"#!{path}".encode(), 1))
    git, root = team.git, team.root
    proven(team)
    starts(log)
    commit(team, "work", "work")
    commit(team, "talk of waves\n\n✅ maybe", "more")
    git(root, "tag", "v1")
    git(root, "branch", "copy", "b2")
    git(root, "branch", "-D", "copy")
    git(root, "stash", "list")
    git(root, "notes", "add", "-m", "a note")
    git(root, "checkout", "-q", "-b", "free", "main")
    commit(team, CLAIM.replace("✅", "note:"), "free")
    git(root, "commit", "-q", "--no-verify", "--allow-empty", "-m", CLAIM)
    git(root, "rebase", "-q", "--root", "--empty=keep")
    git(root, "update-ref", "-d", "refs/heads/nothing")
    git(root, "pack-refs", "--all", "--prune")
    git(root, "gc", "-q")
    git(root, "branch", "b3", "main")
    git(root, "worktree", "add", "-q", "../tree", "b2")
    git(root, "worktree", "remove", "../tree")
    git(root, "checkout", "-q", "main")
    commit(team, "a direct step", "direct")
    git(root, "merge", "-q", "--ff-only", "main")
    assert starts(log) == []
    git(root, "checkout", "-q", "b2")
    git(root, "rebase", "-q", "--empty=keep", "main")
    assert starts(log) == ["reference-transaction"], "the claim on it is another commit now"


def test_a_rewrite_carries_its_claims(team: Team) -> None:
    commit(team, "base work", "one")
    proven(team)
    commit(team, "work", "two")
    team.git(team.root, "checkout", "-q", "main")
    commit(team, "main moves", "main")
    team.git(team.root, "checkout", "-q", "b2")
    team.git(team.root, "rebase", "-q", "--empty=keep", "main")
    assert CLAIM in team.git(team.root, "log", "--format=%s", "main..b2")
    team.git(team.root, "reset", "-q", "--hard", "ORIG_HEAD")
    team.git(team.root, "reset", "-q", "--hard", "HEAD~1")
    # With its parents and other content it is no rewrite of what stood.
    (team.root / "state").write_text("bad\n")
    code, said = team.commit("-a", "--amend", "--no-verify", "--no-edit")
    assert (code != 0, "[CG201]" in said) == (True, True)


def test_two_claims_at_once_are_judged_one_on_the_other(team: Team) -> None:
    team.prove("2.0")
    team.prove("2.1")
    first = made(team, CLAIM, "b2")
    second = made(team, "✅ Wave 1 Complete", first)
    team.git(team.root, "update-ref", "refs/heads/b2", second)
    assert tip(team, "b2") == second


# Integration.


@pytest.mark.parametrize("writer", ["conductor", "agent-2"])
def test_integration_is_not_moved_onto_a_plans_branch(team: Team, writer: str) -> None:
    proven(team)
    commit(team, "one more", "more")
    ways = [
        ["update-ref", "refs/heads/main", "b2"],
        ["fetch", "-q", ".", "b2:main"],
        ["branch", "-f", "main", "b2~1"],
        ["push", "-q", ".", "b2:main"],
    ]
    for way in ways:
        code, said = team.run("git", *way, env={"CONDUCTOR_WRITER": writer})
        assert (code != 0, "[CG502]" in said) == (True, True), said
    away(team)
    for way in ways:
        before = tip(team, "main")
        assert team.run("git", *way)[0] == 0, "without the door it works"
        team.git(team.root, "update-ref", "refs/heads/main", before)


def test_a_hand_made_branch_of_a_plan_is_the_plans_too(team: Team) -> None:
    one = commit(team, "work without a start commit", "one")
    code, said = team.run("git", "update-ref", "refs/heads/main", one, env=CONDUCTOR)
    assert (code != 0, "is a commit of 'b2'" in said) == (True, True)


def test_a_landing_is_the_conductors_and_of_what_is_proven(team: Team) -> None:
    claim = proven(team)
    more = commit(team, "more")
    for parent, writer, code in (
        (claim, "agent-2", "[CG501]"),
        (more, "conductor", "[CG503]"),
        (claim, "conductor", ""),
    ):
        merge = made(team, "land", "main", parent)
        ended, said = team.run("git", "update-ref", "refs/heads/main", merge, env={"CONDUCTOR_WRITER": writer})
        assert (ended == 0, code in said) == (not code, True), (code, said)
    reworded = made(team, "land plan 2", "main^1", "main^2")
    assert team.run("git", "update-ref", "refs/heads/main", reworded, env=CONDUCTOR)[0] == 0
    lost = made(team, "nothing landed", "main^1")
    assert "[CG508]" in team.run("git", "update-ref", "refs/heads/main", lost, env=CONDUCTOR)[1]


def test_integration_is_not_rewound(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "main")
    commit(team, "one", "one")
    last = commit(team, "two", "two")
    code, said = team.run("git", "reset", "-q", "--hard", "HEAD~1")
    assert (code != 0, "[CG508]" in said) == (True, True)
    assert f"hint: git revert {last[:12]}" in said
    assert team.run("git", "reset", "-q", "--merge")[0] == 0
    assert team.git(team.root, "status", "--porcelain") == ""
    assert "[CG508]" in team.run("git", "update-ref", "refs/heads/main", made(team, "elsewhere", "main~2"))[1]
    assert "[CG510]" in team.run("git", "update-ref", "-d", "refs/heads/main")[1]
    assert team.commit("--amend", "-q", "-m", "two, amended")[0] == 0
    away(team)
    assert team.run("git", "reset", "-q", "--hard", "HEAD~1")[0] == 0


def test_policy_and_plans_are_the_conductors(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "main")
    (team.root / ".conductor/plans/4.md").write_text("mine\n")
    team.git(team.root, "add", ".conductor")
    code, said = team.commit("--no-verify", "-m", "rules")
    assert (code != 0, "[CG403]" in said) == (True, True)
    assert team.commit("--no-verify", "-m", "rules", env=CONDUCTOR)[0] == 0


def test_a_plans_branch_goes_when_its_claims_have_landed(team: Team) -> None:
    claim = proven(team)
    team.git(team.root, "checkout", "-q", "--detach")
    for packed, way in (
        (False, ["branch", "-D", "b2"]),
        (False, ["branch", "-m", "b2", "other"]),
        (True, ["update-ref", "-d", "refs/heads/b2", claim]),
    ):
        if packed:
            team.git(team.root, "pack-refs", "--all")
        code, said = team.run("git", *way)
        assert (code != 0, "[CG510]" in said) == (True, True), said
        assert tip(team, "b2") == claim
    hint = said.partition("hint: ")[2].partition("    #")[0]
    assert team.run("sh", "-c", f"{hint} && git branch -D b2")[0] == 0
    team.git(team.root, "branch", "b2", claim)
    team.git(team.root, "tag", "-d", "kept/b2")
    merge = made(team, "land", "main", claim)
    team.git(team.root, "update-ref", "refs/heads/main", merge, env=CONDUCTOR)
    assert team.run("git", "branch", "-D", "b2")[0] == 0


# The ledger.


def test_a_ledger_is_only_added_to(team: Team) -> None:
    team.prove()
    ref = team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor").splitlines()[0]
    theirs = "refs/notes/conductor/agent-9.0123abcd"
    empty = team.git(team.root, "commit-tree", "-m", "x", team.git(team.root, "hash-object", "-t", "tree", "/dev/null"))
    assert team.run("git", "update-ref", theirs, ref)[0] == 0
    for argv in (
        ["update-ref", "-d", ref],
        ["update-ref", ref, empty],
        ["notes", f"--ref={ref}", "add", "-m", "forged", "HEAD"],
        ["update-ref", "-d", theirs],
        ["update-ref", theirs, empty],
    ):
        before = tip(team, ref), tip(team, theirs)
        code, said = team.run("git", *argv)
        assert (code != 0, "[CG606]" in said) == (True, True), said
        assert (tip(team, ref), tip(team, theirs)) == before
    away(team)
    for argv in (
        ["update-ref", ref, empty],
        ["notes", f"--ref={ref}", "add", "-m", "forged", "HEAD"],
        ["update-ref", "-d", ref],
    ):
        assert team.run("git", *argv)[0] == 0, "without the door it works"
    put_back(team)
    ref = theirs
    copy = "refs/notes/conductor-remotes/origin/agent-9.0123abcd"
    team.git(team.root, "update-ref", copy, ref)
    team.git(team.root, "update-ref", "-d", copy)


# Following.


def two_clones(team: Team) -> Path:
    """A remote, and a clone with the doors whose main is behind by a landing it knows nothing of."""
    origin, clone = team.root.parent / "origin.git", team.root.parent / "clone"
    claim = proven(team)
    team.git(team.root, "clone", "-q", "--bare", str(team.root), str(origin))
    team.git(team.root.parent, "clone", "-q", "-b", "main", str(origin), str(clone))
    assert team.run("conductor-git", "install", at=clone)[0] == 0
    merge = made(team, "land", "main", claim)
    team.git(
        team.root, "push", "-q", str(origin), f"{merge}:refs/heads/main", f"{made(team, 'more', 'b2')}:refs/heads/b2"
    )
    return clone


@pytest.mark.parametrize(
    "way",
    [
        ["pull", "-q"],
        ["pull", "-q", "--rebase"],
        ["pull", "-q", "{origin}", "main"],
        ["-c", "advice.detachedHead=false", "fetch", "-q", "--update-head-ok", "origin", "main:main"],
    ],
)
def test_following_the_upstream_is_nobodys_landing(team: Team, way: list[str]) -> None:
    clone = two_clones(team)
    origin = str(team.root.parent / "origin.git")
    code, said = team.run("git", *(word.format(origin=origin) for word in way), at=clone)
    assert code == 0, said
    assert team.git(clone, "rev-parse", "main") == team.git(Path(origin), "rev-parse", "main")
    assert team.run("git", "checkout", "-q", "b2", at=clone)[0] == 0


def test_what_is_not_pushed_is_not_lost_by_following(team: Team) -> None:
    clone = two_clones(team)
    team.git(clone, "commit", "-q", "--allow-empty", "-m", "mine")
    team.git(clone, "fetch", "-q")
    assert "[CG508]" in team.run("git", "reset", "-q", "--hard", "origin/main", at=clone)[1]
    assert team.run("git", "reset", "--merge", at=clone)[0] == 0
    assert team.run("git", "pull", "-q", "--rebase", at=clone)[0] == 0
    assert team.git(clone, "log", "--format=%s", "-2", "main").splitlines() == ["mine", "land"]


# Where the door itself is in trouble.


def test_without_guards_python_is_asked_and_writes_them(team: Team) -> None:
    log = counted(team)
    shutil.rmtree(team.root / ".git/conductor/guards")
    team.git(team.root, "branch", "free")
    assert starts(log) == ["reference-transaction"]
    team.git(team.root, "branch", "-D", "free")
    assert starts(log) == []
    (next((team.root / ".git/conductor/guards").iterdir()) / "known").unlink()
    team.git(team.root, "branch", "free")
    assert starts(log) == ["reference-transaction"], "an older conductor-git wrote them"


def test_without_python_claims_stay_out_and_work_goes_on(team: Team) -> None:
    (team.root / HOOK).write_bytes(compose("reference-transaction", Start("/nowhere/python", "/nowhere")))
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "conductor-git-hook").exists()
    )
    assert team.commit("--allow-empty", "-m", "work", env={"PATH": path})[0] == 0
    code, said = team.commit("--no-verify", "--allow-empty", "-m", CLAIM, env={"PATH": path})
    assert (code != 0, "no branch was moved [CG711]" in said) == (True, True)


@pytest.mark.parametrize("state", ["preparing", "committed", "aborted", "", "a new one"])
def test_other_states_and_empty_transactions_pass(team: Team, state: str) -> None:
    lines = f"{tip(team)} {made(team, CLAIM, 'b2')} refs/heads/b2\n"
    assert team.run(HOOK, state, stdin=lines)[0] == 0
    assert team.run(HOOK, "prepared", stdin=lines)[0] == 1
    assert team.run(HOOK, "prepared", stdin="")[0] == 0
    assert team.run(HOOK, "prepared", stdin="no line of git's\n")[0] == 0


def test_a_users_own_hook_hears_every_state_and_all_lines(team: Team) -> None:
    kept, log = team.root / f"{HOOK}.kept-by-conductor", team.root.parent / "heard"
    kept.write_text(f"#!/bin/sh\n{{ echo \"$1\"; cat; }} >>'{log}'\n")
    kept.chmod(0o755)
    before = tip(team)
    after = commit(team)
    lines = f"{before} {after} HEAD\n{before} {after} refs/heads/b2\n"
    assert log.read_text() == f"prepared\n{lines}committed\n{lines}"
    kept.write_text("#!/bin/sh\nexit 3\n")
    assert team.run("git", "branch", "new")[0] != 0


def test_guards_name_what_is_asked_of_each_branch(team: Team) -> None:
    policy = team.root / ".conductor/conductor.toml"
    team.git(team.root, "checkout", "-q", "main")
    policy.write_text(policy.read_text().replace("[validation]", 'direct = "control"\n[validation]'))
    team.git(team.root, "commit", "-q", "-a", "-m", "rules", env=CONDUCTOR)
    repo = discover(str(team.root))
    write_guards(repo, read_control(repo))
    guards = next((team.root / ".git/conductor/guards").iterdir())
    asked = {str(path.relative_to(guards / "refs/heads")) for path in guards.rglob("refs/heads/*")}
    assert asked == {"main~", "b2~", "b2~work", "b3~", "b3~work"}, "no step on integration goes unjudged"
    code, said = team.commit("--allow-empty", "-m", "direct", env=CONDUCTOR)
    assert (code, said) == (0, "") or "[main" in said, "nothing but .conductor/ is touched"
    (team.root / "direct").write_text("x\n")
    team.git(team.root, "add", "direct")
    code, said = team.commit("-m", "direct", env=CONDUCTOR)
    assert (code != 0, "[CG506]" in said) == (True, True)


# Ordinary git.

_DAYS_WORK = """
set -e
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git checkout -q -b topic main
for n in 1 2 3; do echo $n >f$n; git add .; git commit -q -m "step $n"; done
git commit -q --amend -m 'step three'
git checkout -q main; echo m >m; git add .; git commit -q -m 'main moves'
git checkout -q topic; git rebase -q main
git checkout -q -b other main; echo x >f1; git add .; git commit -q -m 'in the way'
git checkout -q topic; ! git rebase -q other; git rebase --abort
! git merge -q other; git merge --abort
! git cherry-pick other; git cherry-pick --abort
echo dirty >>f2; git stash -q; git stash pop -q; git checkout -q f2
git bisect start topic main; git bisect run test ! -e f2; git bisect reset
git worktree add -q ../wt other; git -C ../wt commit -q --allow-empty -m there; git worktree remove ../wt
git notes add -m note; git tag -a -m tag v1
git format-patch -q -1 --stdout >../patch; git reset -q --hard HEAD~1; git am -q ../patch
FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --msg-filter 'sed s,step,STEP,' -- main..topic >/dev/null
git clone -q . ../module; git submodule add -q ../module module; git commit -q -m 'a submodule'
git -C module commit -q --allow-empty -m 'in it'; git submodule update -q; git submodule deinit -q -f module
git subtree add -q --prefix=sub ../module topic
echo new >../module/new; git -C ../module add new; git -C ../module commit -q -m new
git subtree pull -q --prefix=sub ../module topic -m 'the subtree'; git subtree split -q --prefix=sub -b parts >/dev/null
git checkout -q -b pulled main; git commit -q --allow-empty -m mine; git pull -q --no-rebase --no-edit ../module topic
git -C ../module commit -q --allow-empty -m 'once more'; git pull -q --rebase ../module topic; git checkout -q topic
git sparse-checkout set .conductor; git sparse-checkout disable
git clone -q --no-local --filter=blob:none . ../partial; git -C ../partial pull -q
git checkout -q b2; echo b >b; git add .; git commit -q -m 'on a plan'; git commit -q --amend -m 'on a plan, amended'
git revert --no-edit HEAD >/dev/null; git reset -q --hard HEAD~2; git rebase -q main
git gc -q; git pack-refs --all
git for-each-ref --format='%(refname) %(objecttype) %(tree)%(*tree) %(contents:subject)' >../refs
git status --porcelain >>../refs
"""


def test_a_days_work_ends_the_same_with_all_doors_as_without(team: Team) -> None:
    said = []
    shutil.copytree(team.root, team.root.parent / "without" / "shop")
    shutil.rmtree(team.root.parent / "without" / "shop" / ".git" / "hooks")
    for root in (team.root, team.root.parent / "without" / "shop"):
        code, text = team.run("sh", "-c", _DAYS_WORK, at=root)
        assert code == 0, text
        said.append((root.parent / "refs").read_text())
    assert said[0] == said[1]
    assert "refs/heads/b2" in said[0]
