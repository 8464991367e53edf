"""`conductor-git claim`: prove, or find the proof, and commit, in one step."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.outside import say
from tests.team import CLAIM, Team

SLOW = "#!/bin/sh\nsleep 3\ngrep -q good state\n"


def claim(team: Team, *args: str, at: Path | None = None) -> tuple[int, str]:
    return team.run("conductor-git", "claim", *args, at=at)


def head(team: Team) -> str:
    return team.git(team.root, "rev-parse", "HEAD")


def script(team: Team, text: str) -> None:
    """Put another validation script on control."""
    team.git(team.root, "checkout", "-q", "main")
    (team.root / ".conductor" / "scripts" / "verify.sh").write_text(text)
    team.git(team.root, "commit", "-q", "-a", "-m", "script", env={"CONDUCTOR_WRITER": "conductor"})
    team.git(team.root, "checkout", "-q", "b2")


def test_the_lowest_open_wave_of_this_branch_is_proven_and_claimed(team: Team) -> None:
    code, said = claim(team)
    assert code == 0, said
    assert team.message().splitlines()[0] == CLAIM
    assert "hint: conductor-git claim 2.1" in said
    assert claim(team)[0] == 0
    assert team.trailers()["Conductor-Wave"] == "1"
    assert claim(team)[0] == 0
    assert team.message().splitlines()[0] == "✅ PLAN 2 COMPLETE"
    board = json.loads(team.run("conductor-git", "log-status", "--json")[1])
    assert board["plans"][0]["state"] == "complete"


def test_a_note_goes_into_the_line(team: Team) -> None:
    assert claim(team, ".0", "-m", "audited")[0] == 0
    assert team.message().splitlines()[0] == f"{CLAIM} - audited"


@pytest.mark.parametrize("note", ["two\nlines", "bidi \u202e", "bell \x07"])
def test_a_note_that_cannot_stand_in_a_claim_is_refused(team: Team, note: str) -> None:
    before = head(team)
    code, said = claim(team, "-m", note)
    assert (code, head(team)) == (2, before)
    assert "Traceback" not in said


def test_what_is_staged_goes_into_the_claim(team: Team) -> None:
    (team.root / "state").write_text("good and staged\n")
    team.git(team.root, "add", "state")
    assert claim(team)[0] == 0
    assert team.git(team.root, "show", "HEAD:state") == "good and staged"


def test_a_claim_says_what_it_does_not_hold_and_what_it_repeats(team: Team) -> None:
    (team.root / "more").write_text("staged\n")
    team.git(team.root, "add", "more")
    (team.root / "state").write_text("bad, but not staged\n")
    said = claim(team)[1]
    assert "note: not part of it: 'state' (not staged)" in said
    assert "the content is the same" not in said
    team.git(team.root, "stash", "-q")
    assert "note: the content is the same as that of 2.0" in claim(team)[1]


def test_a_claim_that_leaves_all_of_the_work_out_is_refused_before_anything_runs(team: Team) -> None:
    assert claim(team)[0] == 0
    before = head(team)
    (team.root / "state").write_text("good, and not staged\n")
    code, said = claim(team)
    assert (code, head(team)) == (1, before)
    assert "wave 2.1 would hold none of the work: 'state' is changed and not staged [CG109]" in said
    assert "hint: git add -- :/state && conductor-git claim 2.1" in said
    team.git(team.root, "add", "state")
    assert claim(team)[0] == 0
    assert team.git(team.root, "show", "HEAD:state") == "good, and not staged"


def test_what_is_not_the_plans_own_is_no_work_left_out(team: Team) -> None:
    (team.root / ".conductor" / "note").write_text("the conductor's\n")
    (team.root / "untracked").write_text("nobody's yet\n")
    code, said = claim(team)
    assert (code, "not part of it" in said) == (0, True)


def test_a_claim_says_how_others_come_to_see_it(team: Team, tmp_path: Path) -> None:
    assert "to share it" not in claim(team, "2.0")[1]
    team.git(tmp_path, "init", "-q", "--bare", "hub.git")
    team.git(team.root, "remote", "add", "origin", str(tmp_path / "hub.git"))
    said = claim(team, "2.1")[1]
    command = next(line for line in said.splitlines() if line.startswith("to share it: ")).removeprefix("to share it: ")
    assert team.run("sh", "-c", command)[0] == 0
    team.git(team.root, "push", "-q", "origin", "main")
    team.git(tmp_path, "clone", "-q", str(tmp_path / "hub.git"), "other")
    assert "[CG604]" in team.run("conductor-git", "log-status", at=tmp_path / "other")[1]
    assert team.run("conductor-git", "install", at=tmp_path / "other")[0] == 0
    team.git(tmp_path / "other", "fetch", "-q")
    board = json.loads(team.run("conductor-git", "log-status", "--json", at=tmp_path / "other")[1])
    assert [wave["state"] for wave in board["plans"][0]["waves"]] == ["complete", "complete"]


def test_a_failing_validation_claims_nothing_and_says_what_is_not_part_of_it(team: Team) -> None:
    (team.root / "state").write_text("bad\n")
    team.git(team.root, "add", "state")
    (team.root / "state").write_text("good again, but not staged\n")
    (team.root / "untracked").write_text("x")
    before = head(team)
    code, said = claim(team)
    assert (code, head(team)) == (1, before)
    assert "[CG202]" in said
    assert "'state' (not staged)" in said
    assert "'untracked' (untracked)" in said
    assert "nothing was committed" in said


def test_nothing_runs_for_a_claim_that_order_refuses(team: Team) -> None:
    code, said = claim(team, "2.1")
    assert code == 1
    assert "2.1 needs 2.0, which is not complete (not claimed) [CG301]" in said
    assert "hint: conductor-git claim 2.0" in said
    assert team.git(team.root, "for-each-ref", "refs/notes/conductor") == ""


@pytest.mark.parametrize("args", [("9",), ("2.7",), ("nonsense!",), (".",)])
def test_what_does_not_exist_is_a_usage_error(team: Team, args: tuple[str, ...]) -> None:
    code, said = claim(team, *args)
    assert code == 2
    assert said.startswith("error: ")
    assert "Traceback" not in said


def test_a_claim_on_another_plans_branch_is_refused(team: Team) -> None:
    before = head(team)
    code, said = claim(team, "3.0")
    assert (code, head(team)) == (1, before)
    assert "this branch belongs to plan 2, so wave 3.0 is not claimed here [CG103]" in said


def test_twice_is_once(team: Team) -> None:
    assert claim(team, "2.0")[0] == 0
    before = head(team)
    code, said = claim(team, "2.0")
    assert (code, head(team)) == (0, before)
    assert "complete already" in said
    assert "nothing was committed\n" in said


def test_what_is_staged_after_a_claim_is_not_taken_for_a_part_of_it(team: Team) -> None:
    # Where waves land by themselves, a claim of other content is what lands.
    team.git(team.root, "switch", "-q", "main")
    path = team.root / ".conductor/conductor.toml"
    path.write_text(path.read_text().replace("waves = true", "waves = false"))
    team.git(team.root, "commit", "-q", "--no-verify", "-am", "plans land as a whole")
    team.git(team.root, "switch", "-q", "b2")
    assert claim(team, "2.0")[0] == 0
    before = head(team)
    (team.root / "late").write_text("more\n")
    team.git(team.root, "add", "late")
    code, said = claim(team, "2.0")
    assert (code, head(team)) == (0, before)
    assert "nothing was committed; what is staged is still to be committed\n" in said


def test_an_impatient_caller_gets_4_and_attaches_again(team: Team) -> None:
    script(team, SLOW)
    before = head(team)
    code, said = claim(team, "--max", "1s")
    assert (code, head(team)) == (4, before)
    assert "hint: conductor-git claim 2.0" in said
    assert claim(team, "--max", "60s")[0] == 0
    assert (
        len(
            team.git(
                team.root,
                "ls-tree",
                "-r",
                team.git(team.root, "for-each-ref", "--format=%(refname)", "refs/notes/conductor"),
            ).splitlines()
        )
        == 1
    )


def test_an_interrupted_claim_commits_nothing(team: Team) -> None:
    script(team, SLOW)
    before = head(team)
    running = subprocess.Popen(
        ["conductor-git", "claim"], cwd=team.root, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, head(team)) == (130, before)
    assert b"Traceback" not in said


def test_a_users_own_hook_that_refuses_is_quoted(team: Team) -> None:
    hook = team.root / ".git" / "hooks" / "prepare-commit-msg"
    hook.write_text("#!/bin/sh\necho 'no commits on Sunday' >&2\nexit 1\n")
    hook.chmod(0o755)
    code, said = claim(team)
    assert code == 2
    assert "no commits on Sunday" in said


def test_it_works_without_doors_and_leaves_the_same_trailers(team: Team) -> None:
    assert team.run("conductor-git", "uninstall")[0] == 0
    assert claim(team)[0] == 0
    assert list(team.trailers()) == ["Conductor-Plan", "Conductor-Wave", "Conductor-Proof", "Conductor-Rules"]


def test_one_shape_of_values_for_every_end(team: Team) -> None:
    def ask(*args: str) -> dict[str, Any]:
        values: dict[str, Any] = say(team.root, *args, "--json").data
        return values

    (team.root / "state").write_text("bad\n")
    team.git(team.root, "add", "state")
    failed = ask("claim")
    assert (failed["outcome"], failed["commit"], failed["exit_code"]) == ("failed", None, 1)
    assert [finding["code"] for finding in failed["findings"]] == ["CG202"]
    (team.root / "state").write_text("good\n")
    team.git(team.root, "add", "state")
    passed, claimed, repeated, refused = ask("validate"), ask("claim"), ask("claim", "2.0"), ask("claim", "2")
    assert (passed["outcome"], passed["next"][0]["command"]) == ("passed", "conductor-git claim 2.0")
    assert (claimed["outcome"], claimed["commit"]) == ("claimed", team.git(team.root, "rev-parse", "HEAD"))
    assert (claimed["proof"], claimed["rules"]) == (passed["proof"], passed["rules"])
    assert team.trailers()["Conductor-Rules"] == claimed["rules"]
    assert claimed["next"][0]["command"] == "conductor-git claim 2.1"
    assert (repeated["outcome"], repeated["commit"]) == ("repeated", None)
    assert (refused["outcome"], [finding["code"] for finding in refused["findings"]]) == ("refused", ["CG304"])
    shapes = [list(said) for said in (failed, passed, claimed, repeated, refused)]
    assert shapes == [shapes[0]] * 5
    assert claimed["schema"] == 1
