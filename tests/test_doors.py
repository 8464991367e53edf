"""Ordinary git with the doors installed: every way to say a claim, judged on what git really commits."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.team import CLAIM, Team


def test_an_ordinary_commit_starts_no_python(team: Team) -> None:
    assert "import " in team.commit("--allow-empty", "-m", CLAIM, env={"PYTHONVERBOSE": "1"})[1]
    code, said = team.commit("--allow-empty", "-m", "tidy", env={"PYTHONVERBOSE": "1"})
    assert (code, "import " in said) == (0, False)


def test_a_commit_on_the_control_branch_that_leaves_the_rules_alone_starts_no_python(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "main")
    for number in range(2):
        stage(team, f"good {number}\n")
        code, said = team.commit("-m", f"fix {number}", env={"PYTHONVERBOSE": "1"})
        assert (code, "import " in said) == (0, False)
    stage(team, "---\nplan: 4\n---\n", ".conductor/plans/4.md")
    assert "import " in team.commit("-m", "rules", env={"PYTHONVERBOSE": "1", "CONDUCTOR_WRITER": "conductor"})[1]
    stage(team, "good again\n")
    assert "import " in team.commit("-m", "the next one", env={"PYTHONVERBOSE": "1"})[1]
    stage(team, "good at last\n")
    assert "import " not in team.commit("-m", "and one more", env={"PYTHONVERBOSE": "1"})[1]


def test_an_unproven_claim_is_refused_and_nothing_is_committed(team: Team) -> None:
    before = team.git(team.root, "rev-parse", "HEAD")
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert code == 1
    assert "has no passing validation [CG201]" in said
    assert "hint: conductor-git claim 2.0" in said
    assert team.git(team.root, "rev-parse", "HEAD") == before


def test_a_malformed_claim_is_refused_with_the_line_to_write(team: Team) -> None:
    code, said = team.commit("--allow-empty", "-m", "Wave 0 done")
    assert code == 1
    assert "[CG102]" in said
    assert f"the line to write is '{CLAIM}'" in said
    assert "hint: conductor-git claim .0" in said


def test_a_proven_claim_gets_trailers_that_git_reads(team: Team) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    found = team.trailers()
    assert (found["Conductor-Plan"], found["Conductor-Wave"]) == ("2", "0")
    assert found["Conductor-Proof"].startswith("sha256:")
    assert team.message().splitlines()[0] == CLAIM


@pytest.mark.parametrize(
    "body",
    [
        "prose\n\nSigned-off-by: Ada <a@b>",
        "prose: not a trailer\nmore prose",
        "---\nbelow a divider",
        "a\n\n# not a comment",
    ],
)
def test_trailers_survive_whatever_stands_in_the_body(team: Team, body: str) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", f"{CLAIM} - noted\n\n{body}")[0] == 0
    assert team.trailers()["Conductor-Wave"] == "0"
    assert body.splitlines()[0] in team.message()


def test_the_keyboards_shortcode_becomes_the_tick(team: Team) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", ":white_check_mark: Wave 0 Complete - typed")[0] == 0
    assert team.message().splitlines()[0] == f"{CLAIM} - typed"


def editor(team: Team, script: str) -> dict[str, str]:
    path = team.root.parent / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"GIT_EDITOR": str(path), "TERM": "dumb"}


@pytest.mark.parametrize("args", [(), ("-v",), ("--cleanup=scissors",)])
def test_a_message_from_an_editor_is_judged_as_git_will_clean_it(team: Team, args: tuple[str, ...]) -> None:
    put = f'{{ printf "\\n# a comment first\\n{CLAIM}\\n"; cat "$1"; }} >"$1.new" && mv "$1.new" "$1"'
    if "--cleanup=scissors" in args:
        put = put.replace("# a comment first\\n", "")
    env = editor(team, put)
    code, said = team.commit("--allow-empty", *args, env=env)
    assert (code, "[CG201]" in said) == (1, True)
    team.prove()
    assert team.commit("--allow-empty", *args, env=env)[0] == 0
    assert (team.message().splitlines()[0], team.trailers()["Conductor-Wave"]) == (CLAIM, "0")


def stage(team: Team, text: str, path: str = "state") -> None:
    (team.root / path).parent.mkdir(parents=True, exist_ok=True)
    (team.root / path).write_text(text)
    team.git(team.root, "add", path)


def test_what_is_judged_is_what_is_committed_with_a(team: Team) -> None:
    team.prove()
    (team.root / "state").write_text("good, and more\n")
    code, said = team.commit("-a", "-m", CLAIM)
    assert (code, "[CG201]" in said) == (1, True)
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    assert team.git(team.root, "show", "HEAD:state") == "good"


def test_what_is_judged_is_what_is_committed_with_paths(team: Team) -> None:
    stage(team, "good staged\n")
    team.prove()
    stage(team, "other\n", "other")
    assert team.commit("-m", CLAIM)[0] == 1
    assert team.commit("-m", CLAIM, "--", "state")[0] == 0
    assert team.git(team.root, "status", "--porcelain") == "A  other"


def test_what_is_judged_is_what_is_committed_with_p(team: Team) -> None:
    (team.root / "state").write_text("good hunk\n")
    code, said = team.commit("-p", "-m", CLAIM, stdin="y\n")
    assert (code, "[CG201]" in said) == (1, True)


def test_a_claim_may_be_amended_and_reworded(team: Team) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    assert team.commit("--allow-empty", "--amend", "-m", f"{CLAIM} - reworded")[0] == 0
    assert team.message().splitlines()[0] == f"{CLAIM} - reworded"
    assert list(team.trailers()) == ["Conductor-Plan", "Conductor-Wave", "Conductor-Proof", "Conductor-Rules"]
    assert team.commit("--allow-empty", "--amend", "-m", "no claim after all")[0] == 0


def test_an_amend_that_brings_other_content_is_refused(team: Team) -> None:
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    stage(team, "bad\n")
    code, said = team.commit("--amend", "--no-edit")
    assert (code, "[CG201]" in said) == (1, True)


def test_a_merge_with_a_claims_message_is_a_claim(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "-b", "side", "main")
    stage(team, "side\n", "side")
    team.commit("-m", "side")
    team.git(team.root, "checkout", "-q", "b2")
    stage(team, "mine\n", "mine")
    team.commit("-m", "mine")
    code, said = team.run("git", "merge", "--no-ff", "-m", CLAIM, "side")
    assert (code, "[CG201]" in said) == (1, True)
    team.prove()
    assert team.commit("-m", CLAIM)[0] == 0
    assert len(team.git(team.root, "log", "-1", "--format=%P").split()) == 2
    assert team.trailers()["Conductor-Wave"] == "0"


def test_a_linked_worktree_is_judged_by_its_own_branch_and_index(team: Team, tmp_path: Path) -> None:
    team.git(team.root, "checkout", "-q", "main")
    linked = tmp_path / "linked tree"
    team.git(team.root, "worktree", "add", "-q", str(linked), "b2")
    assert team.commit("--allow-empty", "-m", CLAIM, at=linked)[0] == 1
    assert "[CG105]" in team.commit("--allow-empty", "-m", CLAIM)[1]
    team.prove(at=linked)
    (linked / "sub").mkdir()
    assert team.commit("--allow-empty", "-m", CLAIM, at=linked / "sub")[0] == 0


@pytest.mark.parametrize(
    "env",
    [
        {"GIT_OPTIONAL_LOCKS": "1", "GIT_NAMESPACE": "x"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_ICASE_PATHSPECS": "1"},
        {"GIT_REPLACE_REF_BASE": "refs/heads/"},
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nonexistent"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "conductor.control", "GIT_CONFIG_VALUE_0": "b2"},
        {"GIT_EDITOR": ":"},
        {"PYTHONPATH": "/nonexistent", "PYTHONHOME": "/nonexistent"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "cp1252"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_hostile_variables_change_no_verdict(team: Team, env: dict[str, str]) -> None:
    code, said = team.commit("--allow-empty", "-m", CLAIM, env=env)
    assert (code, "[CG201]" in said) == (1, True)
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM, env=env)[0] == 0


def test_another_index_is_the_one_that_is_judged(team: Team, tmp_path: Path) -> None:
    team.prove()
    other = tmp_path / "other-index"
    shutil.copy(team.root / ".git" / "index", other)
    env = {"GIT_INDEX_FILE": str(other)}
    (team.root / "state").write_text("bad\n")
    assert team.run("git", "add", "state", env=env)[0] == 0
    assert team.commit("-m", CLAIM, env=env)[0] == 1
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0


def test_a_megabyte_of_message_and_other_encodings_pass_or_are_refused_cleanly(team: Team) -> None:
    assert team.commit("--allow-empty", "-F", "-", stdin="x" * 1_000_000)[0] == 0
    assert team.commit("--allow-empty", "-F", "-", stdin="long body\n\n" + "line\n" * 200_000)[0] == 0
    path = team.root.parent / "latin"
    path.write_bytes("Größe geändert\n".encode("latin-1"))
    assert team.run("git", "-c", "i18n.commitEncoding=latin-1", "commit", "--allow-empty", "-F", str(path))[0] == 0


@pytest.mark.parametrize(
    ("path", "code"),
    [("docs/a.md", ""), ("lib/a.py", "[CG401]"), (".conductor/plans/3.md", "[CG403]"), ("docs/ü b.md", "")],
)
def test_a_plan_stays_inside_its_scope(team: Team, path: str, code: str) -> None:
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    (team.root / path).parent.mkdir(parents=True, exist_ok=True)
    stage(team, "text\n", path)
    status, said = team.commit("-m", "write")
    assert (status, code in said) == (1 if code else 0, True)


def conflict(team: Team) -> None:
    """b3 (scope docs/) and main both change docs/a.md; main changes more. The merge into b3 waits to be concluded."""
    team.git(team.root, "checkout", "-q", "main")
    (team.root / "docs").mkdir()
    stage(team, "theirs\n", "docs/a.md")
    stage(team, "good changed\n")
    assert team.commit("-m", "main moves on")[0] == 0
    team.git(team.root, "checkout", "-q", "-b", "b3", "HEAD~1")
    (team.root / "docs").mkdir(exist_ok=True)
    stage(team, "mine\n", "docs/a.md")
    assert team.commit("-m", "mine")[0] == 0
    assert team.run("git", "merge", "main")[0] == 1
    stage(team, "both\n", "docs/a.md")


def test_a_merge_is_asked_only_for_its_own_changes(team: Team) -> None:
    conflict(team)
    assert team.commit("-m", "take main in")[0] == 0
    assert len(team.git(team.root, "log", "-1", "--format=%P").split()) == 2


def test_a_merge_may_not_smuggle_a_path_in(team: Team) -> None:
    conflict(team)
    stage(team, "smuggled\n", "smuggled")
    code, said = team.commit("-m", "take main in")
    assert (code, "'smuggled' is outside the scope of plan 3 [CG401]" in said) == (1, True)


def test_a_plans_branch_takes_in_what_is_for_it(team: Team) -> None:
    """Integration and its own branches; of other plans nothing but what it needs, claimed or made by hand."""
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    stage(team, "theirs\n", "docs/theirs")
    team.commit("-m", "theirs")
    team.git(team.root, "checkout", "-q", "-b", "helper", "b2")
    stage(team, "ours\n", "ours")
    team.commit("-m", "ours")
    team.git(team.root, "checkout", "-q", "main")
    stage(team, "main\n", "main")
    team.commit("-m", "main")
    team.git(team.root, "checkout", "-q", "b2")
    stage(team, "mine\n", "mine")
    team.commit("-m", "mine")
    for branch in ("main", "helper"):
        assert team.run("git", "merge", "-q", "--no-ff", "-m", "take in", branch)[0] == 0
    code, said = team.run("git", "merge", "--no-ff", "-m", "take in", "b3")
    assert (code, "takes work of plan 3 into 'b2', which is plan 2's [CG406]" in said) == (1, True)
    code, said = team.commit("--no-edit")
    assert (code, "[CG406]" in said, "hint: git merge --abort" in said) == (1, True, True)
    assert team.run("git", "merge", "--abort")[0] == 0
    assert team.git(team.root, "status", "--porcelain") == ""


def test_a_plans_branch_takes_in_the_claim_that_it_needs(team: Team) -> None:
    plan = team.root / ".conductor/plans/3.md"
    team.git(team.root, "checkout", "-q", "main")
    plan.write_text(plan.read_text().replace("title: Three\n", "title: Three\nneeds: [2.0]\n"))
    assert team.commit("-a", "-m", "rules", env=CONDUCTOR)[0] == 0
    team.git(team.root, "checkout", "-q", "-b", "b3", "main")
    stage(team, "ours\n", "docs/ours")
    assert team.commit("-m", "ours")[0] == 0
    team.git(team.root, "checkout", "-q", "b2")
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    claim = team.git(team.root, "rev-parse", "HEAD")
    stage(team, "more\n", "more")
    assert team.commit("-m", "more")[0] == 0
    team.git(team.root, "checkout", "-q", "b3")
    assert "[CG406]" in team.run("git", "merge", "--no-ff", "-m", "too much", "b2")[1]
    assert team.run("git", "merge", "--abort")[0] == 0
    code, said = team.run("git", "merge", "--no-ff", "-m", "what it needs", claim)
    assert code == 0, said


def test_only_the_conductor_merges_into_integration(team: Team) -> None:
    stage(team, "more\n", "more")
    team.commit("-m", "more")
    team.git(team.root, "checkout", "-q", "main")
    agent = {"CONDUCTOR_WRITER": "agent-2"}
    code, said = team.run("git", "merge", "--no-ff", "-m", "land", "b2", env=agent)
    assert (code, "[CG501]" in said) == (1, True)
    team.git(team.root, "merge", "--abort")


def test_the_conductor_merges_what_is_claimed_and_proven(team: Team) -> None:
    stage(team, "more\n", "more")
    team.commit("-m", "more")
    land = ("git", "merge", "--no-ff", "-m", "land", "b2")
    team.git(team.root, "checkout", "-q", "main")
    code, said = team.run(*land, env=CONDUCTOR)
    assert (code, "brings plan 2, and no proven claim covers it [CG503]" in said) == (1, True)
    team.git(team.root, "merge", "--abort")
    team.git(team.root, "checkout", "-q", "b2")
    team.prove()
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0
    team.git(team.root, "checkout", "-q", "main")
    assert team.run(*land, env=CONDUCTOR)[0] == 0


AGENT = {"CONDUCTOR_WRITER": "agent-2"}
CONDUCTOR = {"CONDUCTOR_WRITER": "conductor"}


def test_a_refused_merge_cannot_be_concluded_by_commit(team: Team) -> None:
    stage(team, "more\n", "more")
    team.commit("-m", "more")
    team.git(team.root, "checkout", "-q", "main")
    assert team.run("git", "merge", "--no-ff", "-m", "land", "b2", env=AGENT)[0] == 1
    code, said = team.commit("--no-edit", env=AGENT)
    assert (code, "[CG501]" in said, "hint: git merge --abort" in said) == (1, True, True)
    assert team.run("git", "merge", "--abort")[0] == 0


def complete(team: Team) -> None:
    """Plan 2, claimed whole on b2."""
    for target in ("2.0", "2.1", "2"):
        code, said = team.run("conductor-git", "claim", target)
        assert code == 0, said


def test_conflicts_are_settled_on_the_plans_branch(team: Team) -> None:
    team.git(team.root, "commit", "-q", "--allow-empty", "-m", "▶ PLAN 2 START - agent-2", "-m", "Conductor-Plan: 2")
    stage(team, "good theirs\n")
    team.commit("-m", "theirs")
    complete(team)
    team.git(team.root, "checkout", "-q", "main")
    stage(team, "good ours\n")
    team.commit("-m", "ours")
    assert team.run("git", "merge", "--no-ff", "-m", "land", "b2", env=CONDUCTOR)[0] == 1
    stage(team, "good both\n")
    code, said = team.commit("--no-edit", env=CONDUCTOR)
    assert (code, "[CG505]" in said, "its agent runs 'git merge main' on the plan's branch" in said) == (1, True, True)
    team.git(team.root, "merge", "--abort")
    team.git(team.root, "checkout", "-q", "b2")
    assert team.run("git", "merge", "main")[0] == 1
    stage(team, "good both\n")
    assert team.commit("--no-edit")[0] == 0
    assert team.run("conductor-git", "claim", "2")[0] == 0
    team.git(team.root, "checkout", "-q", "main")
    assert team.run("git", "merge", "--no-ff", "-m", "land", "b2", env=CONDUCTOR)[0] == 0
    board = team.run("conductor-git", "log-status")[1]
    assert ("alarm" in board, "1 merged" in board) == (False, True)


def test_a_worktrees_own_modules_cannot_stand_in_for_ours(team: Team) -> None:
    for name in ("conductor_git", "msgspec", "subprocess"):
        (team.root / f"{name}.py").write_text("raise SystemExit(0)\n")
    loaded = team.run(sys.executable, "-c", "import msgspec; raise SystemExit(1)")
    assert loaded[0] == 0, "Python itself would load them"
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert (code, "[CG201]" in said) == (1, True), said


def test_a_control_ref_that_is_gone_refuses_claims_and_nothing_else(team: Team) -> None:
    # By hand: its deletion is refused.
    (team.root / ".git/refs/heads/main").unlink()
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert code == 1
    assert "Traceback" not in said
    assert "hint: " in said


@pytest.mark.parametrize(("how", "refusal"), [((), 1), (("--no-verify",), 128)])
def test_whose_plan_was_taken_over_claims_nothing_of_it(armed: Team, how: tuple[str, ...], refusal: int) -> None:
    lead, old, new = ({"CONDUCTOR_WRITER": name} for name in ("conductor", "agent-3", "agent-9"))
    code, said = armed.run("conductor-git", "delegate", "3", env=lead)
    assert code == 0, said
    there = next(
        Path(line.removeprefix("worktree "))
        for line in armed.git(armed.root, "worktree", "list", "--porcelain").splitlines()
        if line.startswith("worktree ") and "b3" in line
    )
    code, said = armed.run("conductor-git", "validate", "3.0", env=old, at=there)
    assert code == 0, said
    taking = ("delegate", "3", "--take-over", "--to", "agent-9", "--reason", "agent-3 is silent")
    code, said = armed.run("conductor-git", *taking, env=lead)
    assert code == 0, said
    tip = armed.git(there, "rev-parse", "HEAD")
    code, said = armed.commit("--allow-empty", *how, "-m", CLAIM, env=old, at=there)
    assert code == refusal, said
    assert "plan 3 was taken over: 'agent-9' claims 3.0 now, and this is 'agent-3'" in said
    assert "[CG108]" in said
    code, said = armed.run("conductor-git", "claim", "3.0", env=old, at=there)
    assert (code, armed.git(there, "rev-parse", "HEAD")) == (1, tip), said
    code, said = armed.commit("--allow-empty", "-m", "ordinary work", env=old, at=there)
    assert code == 0, said
    code, said = armed.commit("--allow-empty", *how, "-m", CLAIM, env=new, at=there)
    assert code == 0, said
