"""Wave executors: who they are by their branch, what they may do there, and what of it counts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.judge import Saying, judge_saying
from conductor_git.core.messages.message import Ordinary, PartStart, parse, parse_part_start, render_part_start
from conductor_git.core.planning.executors import executor_branch, plan_at, read_executor
from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Target
from tests.scene import Scene, oid, plan
from tests.team import PLANS, Team

DECLARED = (
    Plan("2", "", "2.md", "agent-2", branch="b2"),
    Plan("12", "", "12.md", "agent-2", branch="agent-2/9-w1-own"),
    Plan("fast", "", "f.md", "agent-f", branch="agent-f"),
    Plan("fast-w1-x", "", "g.md", "agent-g", branch="bg"),
)


@pytest.mark.parametrize(
    ("branch", "whose"),
    [
        ("agent-2/2-w1-bob", ("2.1", "bob")),
        ("agent-2/12-w0-bob", ("12.0", "bob")),
        ("whoever/2-w10-bob-w2-x", ("2.10", "bob-w2-x")),
        ("agent-f/fast-w1-x", ("fast.1", "x")),
        ("agent-g/fast-w1-x-w2-bob", ("fast-w1-x.2", "bob")),
        ("b2", None),
        ("agent-2/9-w1-own", None),
        ("agent-2/3-w1-bob", None),
        ("agent-2/2-w01-bob", None),
        ("agent-2/2-w1-Bob", None),
        ("agent-2/2-w1-", None),
        ("2-w1-bob", None),
        ("a/b/2-w1-bob", None),
        (None, None),
    ],
)
def test_an_executor_is_known_by_its_branch(branch: str | None, whose: tuple[str, str] | None) -> None:
    found = read_executor(branch, DECLARED)
    assert (None if found is None else (str(found.target), found.name)) == whose


def test_an_executors_branch_is_its_plans_and_stands_beside_a_branch_named_like_the_agent() -> None:
    assert executor_branch("agent-2", Target("2", 1), "bob", {"b2"}) == "agent-2/2-w1-bob"
    assert executor_branch("agent-f", Target("fast", 1), "bob", {"agent-f"}) == "executors/fast-w1-bob"
    assert plan_at("executors/fast-w1-bob", DECLARED) is DECLARED[2]
    assert plan_at("b2", DECLARED) is DECLARED[0]
    assert plan_at("main", DECLARED) is None


@pytest.mark.parametrize("name", ["bob", "done", "finisher"])
def test_the_start_of_an_executor_is_no_claim(name: str) -> None:
    line = render_part_start(PartStart(Target("2", 1), name))
    assert line == f"▶ WAVE 2.1 START - {name}"
    assert parse(line) == Ordinary()
    assert parse_part_start(line) == PartStart(Target("2", 1), name)


def scene() -> Scene:
    """Plan 2 with its start; bob begins wave 1 there, works, and says that the wave is complete."""
    made = Scene(plan("2", Wave(1), Wave(2)))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("begin", "start", line="▶ WAVE 2.1 START - bob", tree="root", plan="2", wave="1")
    made.commit("work", "begin")
    made.commit("said", "work", line="✅ Wave 1 Complete", tree="work", plan="2", wave="1")
    made.attest(Target("2", 1), "work")
    made.branch("main", "root")
    made.branch("b2", "start")
    return made


def state(made: Scene) -> tuple[str, list[str]]:
    board = fold(made.snapshot(), 0)
    status = board.plan("2")
    assert status is not None
    return status.waves[0].state, [finding.code for finding in board.findings if finding.code == "CG107"]


def test_what_an_executor_claims_counts_for_nothing_where_it_is_merged() -> None:
    made = scene()
    assert state(made) == ("active", [])
    made.commit("merge", "start", "said", tree="work")
    made.branch("b2", "merge")
    assert state(made) == ("active", ["CG107"])
    made.commit("own", "merge", line="✅ Wave 1 Complete", tree="work", plan="2", wave="1")
    made.branch("b2", "own")
    assert state(made)[0] == "complete"


def test_what_a_plan_was_forwarded_onto_is_the_plans_own() -> None:
    made = scene()
    made.commit("own", "work", line="✅ Wave 1 Complete", tree="work", plan="2", wave="1")
    made.branch("b2", "own")
    assert state(made) == ("complete", [])
    made.commit("landing", "root", "own", tree="work", plan="2", wave="1")
    made.branch("main", "landing")
    made.tips.pop("b2")
    assert not Claims(made.snapshot().history, made.plans).executor_of(oid("own"))


@pytest.mark.parametrize(("branch", "parent"), [("agent-2/2-w1-bob", "start"), ("b2", "work"), (None, "work")])
def test_an_executor_is_told_who_claims(branch: str | None, parent: str) -> None:
    made = scene()
    saying = Saying("✅ Wave 1 Complete\n", (), branch, ((oid(parent),),), oid("t:work"), "linux-x86_64")
    (finding,) = judge_saying(saying, made.snapshot()).findings
    assert finding.code == "CG107"
    assert finding.message == (
        "'bob' carries out 2.1 and claims nothing: 'agent-2' takes the work in and claims it on 'b2'"
    )


def room(team: Team, name: str) -> Path:
    return team.root.parent / "shop.worktrees" / f"agent-2-2-w0-{name}"


def board(team: Team) -> dict[str, object]:
    _, said = team.run("conductor-git", "log-status", "--format", "json")
    (found,) = json.loads(said)["plans"][0]["waves"][0]["executors"]
    assert isinstance(found, dict)
    return found


def test_an_executor_works_in_the_plans_bounds_is_merged_and_does_not_claim(armed: Team) -> None:
    git, root = armed.git, armed.root
    code, said = armed.run("conductor-git", "delegate", "2.0", "--to", "bob", "--task", "the solver")
    assert code == 0, said
    there = room(armed, "bob")
    assert git(there, "symbolic-ref", "--short", "HEAD") == "agent-2/2-w0-bob"
    assert git(there, "log", "-1", "--format=%s%n%P") == f"▶ WAVE 2.0 START - bob\n{git(root, 'rev-parse', 'b2')}"
    assert armed.run("conductor-git", "whoami", at=there)[1].startswith("bob: executor of 2.0 (")
    assert "- [ ] the solver" in armed.run("conductor-git", "brief", at=there)[1].splitlines()

    # Another plan's path is refused early, with the owner named.
    (there / "docs").mkdir()
    (there / "docs/a.md").write_text("a\n")
    git(there, "add", "-A")
    code, said = armed.commit("-m", "write docs", at=there)
    assert code == 1
    assert "'docs/a.md' belongs to plan 3 (agent-3), not to plan 2 [CG402]" in said
    git(there, "reset", "-q")

    (there / "solver").write_text("x\n")
    git(there, "add", "solver")
    assert armed.commit("-m", "solve", at=there)[0] == 0
    armed.prove("2.0", at=there)
    for around in ([], ["--no-verify"]):
        code, said = armed.commit("--allow-empty", "-m", "✅ Wave 0 Complete", *around, at=there)
        assert code != 0
        assert "'bob' carries out 2.0 and claims nothing: 'agent-2' takes the work in" in said
    assert git(there, "log", "-1", "--format=%s") == "solve"
    found = board(armed)
    assert (found["name"], found["branch"], found["ahead"], found["tasks"]) == (
        "bob",
        "agent-2/2-w0-bob",
        1,
        ["the solver"],
    )
    assert "git merge agent-2/2-w0-bob" in armed.run("conductor-git", "ready")[1]
    told = "  executor of 2.0: bob on agent-2/2-w0-bob: 1 commit to take in, 0s ago"
    assert told.rpartition(",")[0] in armed.run("conductor-git", "log-status")[1]

    git(root, "merge", "-q", "--no-ff", "--no-edit", "agent-2/2-w0-bob")
    assert board(armed)["ahead"] == 0
    assert armed.run("conductor-git", "claim", "2.0")[0] == 0
    # Nothing of it has landed.
    conductor = {"CONDUCTOR_WRITER": "conductor"}
    assert "it has work that has not landed" in armed.run("conductor-git", "clean", "2", env=conductor)[1]
    assert there.is_dir()


def test_of_many_at_once_one_hands_out_and_who_died_goes_on(armed: Team) -> None:
    asked = [sys.executable, "-m", "conductor_git", "delegate", "2.0", "--to", "bob", "--json"]
    running = [
        subprocess.Popen(asked, cwd=armed.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(3)
    ]
    codes = sorted((done.communicate()[0] and done.returncode) for done in running)
    assert codes == [0, 1, 1]
    events = armed.run("conductor-git", "log-status", "--format", "json")[1]
    assert events.count('"name": "bob"') == 1
    # Its folder is gone, as after a crash: the same agent goes on, and nobody is handed it a second time.
    armed.run("rm", "-rf", str(room(armed, "bob")))
    code, said = armed.run("conductor-git", "delegate", "2.0", "--to", "bob")
    assert (code, "conductor-git delegate 2.0 --to bob --resume" in said) == (1, True)
    assert armed.run("conductor-git", "delegate", "2.0", "--to", "bob", "--resume")[0] == 0
    assert (room(armed, "bob") / "state").read_text() == "good\n"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["2.0"], 2, "a wave is handed to somebody: '2.0' needs '--to NAME'"),
        (["2.0", "--to", "conductor"], 2, "that is the name of the conductor, a runner or a user"),
        (["2.0", "--to", "agent-2"], 2, "'agent-2' leads plan 2: what it does itself needs no executor"),
        (["2.7", "--to", "bob"], 2, "plan '2' declares no wave 7"),
        (["3.0", "--to", "bob"], 1, "'agent-2' cannot hand out 3.0: 'agent-3', who has the plan, does"),
        (["2.0", "--to", "bob", "--resume"], 2, "nothing of '2.0' is handed to 'bob' here"),
        (["2.0", "--to", "bob", "--reason", "x"], 2, "'--reason' is for plans"),
        (["2", "--task", "x"], 2, "'--task' is for a wave"),
    ],
)
def test_what_cannot_be_handed_out_changes_nothing(team: Team, args: list[str], code: int, said: str) -> None:
    before = team.git(team.root, "for-each-ref")
    got, told = team.run("conductor-git", "delegate", *args)
    assert (got, said in told) == (code, True), told
    assert team.git(team.root, "for-each-ref") == before


def edit(team: Team, path: str, text: str, message: str) -> None:
    """Commit a change on main, where no worktree stands."""
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=team.root, input=text, capture_output=True, text=True, check=True
    ).stdout.strip()
    index = {"GIT_INDEX_FILE": str(team.root.parent / "index")}
    for args in (["read-tree", "main"], ["update-index", "--add", "--cacheinfo", f"100644,{blob},{path}"]):
        assert team.run("git", *args, env=index)[0] == 0
    tree = team.run("git", "write-tree", env=index)[1].strip()
    commit = team.git(team.root, "commit-tree", "-p", "main", "-m", message, tree)
    team.git(team.root, "update-ref", "refs/heads/main", commit)


def test_the_brief_that_was_printed_is_on_the_record_and_what_changed_since_is_said(team: Team) -> None:
    done = subprocess.run(
        ["conductor-git", "delegate", "2.0", "--to", "bob"], cwd=team.root, capture_output=True, check=True
    )
    printed = hashlib.sha256(done.stdout).hexdigest()
    assert board(team)["brief"] == f"sha256:{printed}"
    told = team.run("conductor-git", "brief", "--short", at=room(team, "bob"))[1].splitlines()
    assert not [line for line in told if line.startswith("new:")]

    edit(team, ".conductor/plans/2.md", PLANS["2"] + "\n## Wave 0: A\n\n- [ ] look twice\n", "change the plan")
    told = team.run("conductor-git", "brief", "--short", at=room(team, "bob"))[1].splitlines()
    assert [line for line in told if line.startswith(("new:", "to do:"))] == [
        "new: plan 2 was edited since it was handed over, so the brief given then is not this one",
        "new: 'main' is 1 step ahead of your branch: git merge main",
        "to do: look twice",
    ]

    edit(team, ".conductor/templates/wave.md.j2", "{{ share.name }} does {{ wave }}\n", "say it shorter")
    assert team.run("conductor-git", "brief", at=room(team, "bob"))[1] == "bob does 2.0\n"
    edit(team, ".conductor/templates/wave.md.j2", "{{ share.nobody }}\n", "break it")
    code, said = team.run("conductor-git", "brief", at=room(team, "bob"))
    assert code == 2
    assert "template '.conductor/templates/wave.md.j2' cannot be filled: line 1: " in said
