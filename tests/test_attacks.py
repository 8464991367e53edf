"""Attacks that need more than one command: each works where the doors are away, and is refused or shown where not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from conductor_git.commands.status import status
from conductor_git.core.reporting.board import Board
from conductor_git.store.past import changes
from conductor_git.store.plumbing.repository import discover
from tests.outside import findings, states
from tests.team import CLAIM, Team

OFF = ("-c", f"core.hooksPath={os.devnull}")
CONDUCTOR = {"CONDUCTOR_WRITER": "conductor"}


def refuses_what_works_without(team: Team, code: str, *argv: str) -> None:
    """Assert that git is refused with that code, and that the same works with hooks off."""
    before = team.git(team.root, "rev-parse", "HEAD")
    ended, said = team.run("git", *argv)
    assert (ended != 0, f"[{code}]" in said) == (True, True), said
    assert team.git(team.root, "rev-parse", "HEAD") == before
    ended, said = team.run("git", *OFF, *argv)
    assert ended == 0, said
    assert team.git(team.root, "rev-parse", "HEAD") != before


@pytest.mark.parametrize(
    "argv",
    [
        ("commit", "--allow-empty", "--cleanup=strip", "-m", f"# a note\n{CLAIM}"),
        ("-c", "core.commentChar=;", "commit", "--allow-empty", "--cleanup=strip", "-m", f"; a note\n{CLAIM}"),
        ("commit", "--allow-empty", "--cleanup=whitespace", "-m", f"\n\n{CLAIM}"),
        ("-c", "commit.cleanup=strip", "commit", "--allow-empty", "-m", f"#\n\n{CLAIM}"),
        ("-c", "i18n.commitEncoding=gb18030", "commit", "--allow-empty", "-F", "../encoded"),
        ("commit", "--allow-empty", "-m", f"{CLAIM}\nin a subject of two lines"),
        ("-c", "commit.template=../template", "commit", "--allow-empty", "--cleanup=strip", "-F", "../template"),
    ],
    ids=["comment", "other-comment-character", "empty-lines", "configured", "encoding", "folded", "template"],
)
def test_what_git_makes_of_a_message_hides_no_claim(armed: Team, argv: tuple[str, ...]) -> None:
    (armed.root.parent / "encoded").write_bytes(CLAIM.encode("gb18030"))
    (armed.root.parent / "template").write_text(f"# what did you do?\n\n{CLAIM}\n# really?\n")
    refuses_what_works_without(armed, "CG201", *argv)
    assert states(armed.root)["2.0"] == "claimed"


@pytest.mark.parametrize("text", [f"\n{CLAIM}", "✅ Wave\n0 Complete", "✅\nWave 0\nComplete"])
def test_a_claim_that_only_gits_subject_line_says_is_none(armed: Team, text: str) -> None:
    armed.prove()
    code, said = armed.commit("--allow-empty", "--cleanup=verbatim", "-m", text)
    assert code == 0, said
    assert armed.git(armed.root, "log", "-1", "--format=%s") == CLAIM, "git shows it as the subject"
    assert states(armed.root)["2.0"] != "complete"


DIRT = {
    "ignored": "echo /state >>.git/info/exclude; git rm -q --cached state; git commit -q -m away",
    "skip-worktree": "git update-index --skip-worktree state",
    "assume-unchanged": "git update-index --assume-unchanged state",
    "fsmonitor": "git config core.fsmonitor .git/lying; git update-index --fsmonitor-valid state",
    "filter": "echo 'state filter=lie' >.git/info/attributes; git config filter.lie.clean 'sed s/good/evil/'",
}
"""Ways in which git does not see that the file, as the validation would find it here, is not the committed one."""


@pytest.mark.parametrize("dirt", DIRT)
def test_what_passes_in_a_dirty_worktree_proves_nothing(armed: Team, dirt: str) -> None:
    (armed.root / "state").write_text("evil\n")
    armed.git(armed.root, "commit", "-q", "-a", "-m", "break it")
    (armed.root / ".git/lying").write_text("#!/bin/sh\nprintf 'token\\0'\n")
    (armed.root / ".git/lying").chmod(0o755)
    code, said = armed.run("sh", "-ec", DIRT[dirt])
    assert code == 0, said
    (armed.root / "state").write_text("good\n")
    # Control: git sees nothing, and whoever runs the validation where he stands sees it pass.
    assert armed.git(armed.root, "status", "--porcelain") == ""
    assert armed.run(".conductor/scripts/verify.sh")[0] == 0
    before = armed.git(armed.root, "rev-parse", "HEAD")
    assert armed.run("conductor-git", "claim", "2.0")[0] == 1
    assert "[CG202]" in armed.commit("--allow-empty", "-a", "-m", CLAIM)[1]
    assert armed.git(armed.root, "rev-parse", "HEAD") == before


def test_a_proof_is_of_one_plan_one_wave_and_the_rules_of_its_time(armed: Team) -> None:
    for target in ("3.0", "2.1"):
        armed.run("conductor-git", "validate", target, "--commit", "HEAD")
    refuses_what_works_without(armed, "CG201", "commit", "--allow-empty", "-m", CLAIM)
    armed.prove("2.0")
    assert states(armed.root)["2.0"] == "complete", "control: the content was good all the time"
    armed.git(armed.root, *OFF, "reset", "-q", "--hard", "HEAD~1")
    change_rules(armed, ".conductor/scripts/verify.sh", "#!/bin/sh\ngrep -q better state\n")
    refuses_what_works_without(armed, "CG203", "commit", "--allow-empty", "-m", CLAIM)


def test_a_validation_that_runs_no_test_proves_nothing(armed: Team) -> None:
    empty = '<testsuites><testsuite name="all" tests="0"/></testsuites>'
    change_rules(armed, ".conductor/scripts/verify.sh", "#!/bin/sh\nexit 0\n")
    assert armed.run("conductor-git", "validate", "2.0")[0] == 0, "a script that reports nothing is believed"
    change_rules(armed, ".conductor/scripts/verify.sh", f"#!/bin/sh\necho '{empty}' >$CONDUCTOR_RESULTS/junit.xml\n")
    code, said = armed.run("conductor-git", "claim", "2.0")
    assert (code, "0 tests ran, at least 1 must" in said) == (1, True), said
    assert armed.message() != CLAIM


def test_commits_are_looked_at_bit_by_bit_newest_first(armed: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_AT_ONCE", 2)
    git, repo = armed.git, discover(str(armed.root))
    git(armed.root, "checkout", "-q", "-b", "b3", "main")
    for number, path in enumerate(["src", "docs/1", "docs/2"]):
        (armed.root / path).parent.mkdir(exist_ok=True)
        (armed.root / path).write_text("x\n")
        git(armed.root, "add", path)
        git(
            armed.root,
            *OFF,
            "commit",
            "-q",
            "-m",
            "work",
            env={"GIT_COMMITTER_DATE": f"{1_700_000_000 + number} +0000"},
        )
    for unseen, strays in [("1 older commit", False), ("", True)]:
        board = status(repo, now=2_000_000_000).data
        assert isinstance(board, Board)
        said = [finding.message for finding in board.findings if finding.code == "CG408"]
        assert [text.partition(" of ")[0] for text in said] == ([unseen] if unseen else [])
        assert any(finding.code == "CG401" for plan in board.plans for finding in plan.findings) == strays
        git(armed.root, "commit", "-q", "--allow-empty", "-m", "more")


def change_rules(team: Team, path: str, text: str) -> None:
    team.git(team.root, "checkout", "-q", "main")
    (team.root / path).write_text(text)
    team.git(team.root, "commit", "-q", "-a", "-m", "other rules", env=CONDUCTOR)
    team.git(team.root, "checkout", "-q", "b2")


def test_protected_tests_are_not_weakened_in_the_change_that_they_judge(armed: Team) -> None:
    policy = (armed.root / ".conductor/conductor.toml").read_text()
    change_rules(armed, ".conductor/conductor.toml", policy.replace("\n", '\nprotect = ["tests/**"]\n', 1))
    (armed.root / "tests").mkdir()
    (armed.root / "tests/test_all").write_text("exit 0\n")
    armed.git(armed.root, "add", "tests")
    refuses_what_works_without(armed, "CG404", "commit", "-m", "mend the tests")
    for _ in range(2):
        assert "CG404" in [code for code, _, _ in findings(armed.root)], "also where the board was kept"
    armed.git(armed.root, *OFF, "commit", "-q", "--allow-empty", "-m", "look elsewhere")
    assert "CG404" in [code for code, _, _ in findings(armed.root)], "also where only the new commit is looked at"
    code, said = armed.run("conductor-git", "audit")
    assert (code, "[CG404]" in said) == (1, True), said


def test_backdated_claims_are_seen(armed: Team) -> None:
    when = {"GIT_COMMITTER_DATE": "@1 +0000", "GIT_AUTHOR_DATE": "@1 +0000"}
    code, said = armed.run("git", *OFF, "commit", "-q", "--allow-empty", "-m", CLAIM, env=when)
    assert code == 0, said
    assert armed.git(armed.root, "log", "--since=2000-01-01", "--format=%s", "b2") == "", "git stops at its date"
    assert states(armed.root)["2.0"] == "claimed"
    assert "[CG201]" in armed.run("conductor-git", "audit")[1]


def test_claims_that_change_places_are_not_both_complete(armed: Team) -> None:
    armed.git(armed.root, "commit", "-q", "--allow-empty", "-m", "work")
    for target, line in (("2.0", CLAIM), ("2.1", "✅ Wave 1 Complete")):
        armed.prove(target)
        assert armed.commit("-q", "--allow-empty", "-m", line)[0] == 0
    assert (states(armed.root)["2.0"], states(armed.root)["2.1"]) == ("complete", "complete")
    swap = 'sequence.editor=sh -c \'tac "$0" | grep -v ^# >"$0.new" && mv "$0.new" "$0"\''
    code, said = armed.run("git", "-c", swap, *OFF, "rebase", "-q", "-i", "--empty=keep", "HEAD~2")
    assert code == 0, said
    assert armed.git(armed.root, "log", "-2", "--format=%s").splitlines() == [CLAIM, "✅ Wave 1 Complete"]
    assert (states(armed.root)["2.0"], states(armed.root)["2.1"]) == ("complete", "claimed")
    assert "CG303" in [code for code, _, _ in findings(armed.root)]


def test_what_was_taken_back_comes_back_by_a_proven_claim_only(armed: Team) -> None:
    armed.prove()
    assert armed.commit("-q", "--allow-empty", "-m", CLAIM)[0] == 0
    claim = armed.git(armed.root, "rev-parse", "HEAD")
    assert states(armed.root)["2.0"] == "complete"
    assert armed.run("conductor-git", "reopen", "2.0", "--reason", "wrong", env=CONDUCTOR)[0] == 0
    armed.git(armed.root, "commit", "-q", "--allow-empty", "-m", "work")
    # The old claim once more: moved back to, merged again, and said again before it.
    for argv in (["reset", "-q", "--hard", claim], ["merge", "-q", "--no-ff", "-m", "again", claim]):
        armed.run("git", *OFF, *argv)
        assert states(armed.root)["2.0"] != "complete"
    armed.git(armed.root, "reset", "-q", "--hard", f"{claim}^")
    (armed.root / "state").write_text("good, and more\n")
    refuses_what_works_without(armed, "CG201", "commit", "-a", "--allow-empty", "-m", CLAIM)
    assert states(armed.root)["2.0"] == "claimed"
    armed.prove()
    assert states(armed.root)["2.0"] == "complete", "control: with a proof it is believed"


ODD = "b-$(touch${IFS}pwned)`touch${IFS}pwned`;touch${IFS}pwned&'\"|\N{RIGHT-TO-LEFT OVERRIDE}"


def test_hostile_names_of_branches_files_and_plans_are_only_names(armed: Team) -> None:
    plan = armed.root / ".conductor/plans"
    armed.git(armed.root, "checkout", "-q", "main")
    text = (plan / "2.md").read_text().replace("plan: 2", "plan: odd").replace("title: Two", "title: '$(touch pwned)'")
    quoted = ODD.replace("'", "''")
    (plan / "$(touch pwned);'\n.md").write_text(text.replace("branch: b2", f"branch: '{quoted}'"))
    armed.git(armed.root, "add", "-A")
    armed.git(armed.root, "commit", "-q", "-m", "an odd plan", env=CONDUCTOR)
    armed.git(armed.root, "checkout", "-q", "-b", ODD)
    for name in ("--force", ":(exclude)*", "$(touch pwned)", "`touch pwned`", "a\nb", "\x1b[2J", "-"):
        (armed.root / name).write_text("x\n")
    armed.git(armed.root, "add", "-A", "--", ".")
    armed.git(armed.root, "commit", "-q", "-m", "odd files")
    refuses_what_works_without(armed, "CG201", "commit", "--allow-empty", "-m", CLAIM)
    assert states(armed.root)["odd.0"] == "claimed"
    armed.prove("odd.0")
    for argv in (["log-status"], ["audit"], ["doctor"], ["whoami"], ["plan", "show", "odd"], ["ready"], ["install"]):
        code, said = armed.run("conductor-git", *argv)
        assert (code, "\x1b[2J" in said, "\N{RIGHT-TO-LEFT OVERRIDE}" in said) == (0, False, False), said
    assert states(armed.root)["odd.0"] == "complete"
    assert not list(armed.root.parent.rglob("*pwned"))


def test_the_ledger_of_another_repository_proves_nothing(armed: Team, tmp_path: Path) -> None:
    other = Team(tmp_path / "other", armed.git)
    shutil.copytree(armed.root, other.root, symlinks=True)
    policy = (other.root / ".conductor/conductor.toml").read_text()
    change_rules(other, ".conductor/conductor.toml", policy.replace("0123456789abcdef", "fedcba9876543210"))
    other.prove()
    notes = "+refs/notes/conductor/*:refs/notes/conductor-remotes/other/*"
    armed.git(armed.root, "fetch", "-q", str(other.root), notes)
    refuses_what_works_without(armed, "CG207", "commit", "--allow-empty", "-m", CLAIM)
    assert "CG207" in [code for code, _, _ in findings(armed.root)]
    # Control: the same proof, of this repository, is believed.
    armed.prove()
    assert states(armed.root)["2.0"] == "complete"


def test_a_huge_note_stops_no_reader(armed: Team) -> None:
    armed.prove()
    assert armed.commit("-q", "--allow-empty", "-m", CLAIM)[0] == 0
    (armed.root.parent / "huge").write_text('{"data":"' + "x" * 5_000_000)
    ref = armed.git(armed.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor/")
    huge = armed.git(armed.root, "hash-object", "-w", "../huge")
    env = {"GIT_INDEX_FILE": str(armed.root / ".git/forged")}
    armed.git(armed.root, "read-tree", ref, env=env)
    entry = f"100644,{huge},{huge[:2]}/{huge[2:]}"
    armed.git(armed.root, "update-index", "--add", "--cacheinfo", entry, env=env)
    tree = armed.git(armed.root, "write-tree", env=env)
    made = armed.git(armed.root, "commit-tree", "-p", ref, "-m", "conductor: clock 9 known 9", tree)
    armed.run("git", *OFF, "update-ref", ref, made)
    assert states(armed.root)["2.0"] == "complete"
    said = armed.run("conductor-git", "audit")[1]
    assert "[CG601]" in said
    assert "Traceback" not in said
    assert len(said) < 20_000
    armed.prove("2.1")
