"""Blockers: who raises, answers and closes them, what counts for nothing, and what two writers see of each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.shortids import find_id
from conductor_git.core.planning.plan import Wave
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.overdue import Seen, timely
from conductor_git.core.targets import Oid, Target
from tests.conftest import Git
from tests.scene import Scene, oid, plan
from tests.team import CLAIM, Team

MINUTE, HOUR = 60, 3600


@pytest.fixture
def scene() -> Scene:
    """Plan 2 of agent-2, begun with one commit."""
    made = Scene(plan("2", Wave(0, "Audit"), Wave(1, "Build")))
    made.commit("root")
    made.commit("start", "root", line="▶ PLAN 2 START - agent-2", tree="root", plan="2")
    made.commit("work", "start")
    made.branch("main", "root")
    made.branch("b2", "work")
    return made


def board(scene: Scene, now: int = 10) -> Board:
    return fold(scene.snapshot(), now)


def codes(found: Board) -> list[str]:
    return [finding.code for finding in found.findings]


@pytest.mark.parametrize(
    ("level", "limit"), [("low", 72 * HOUR), ("high", 4 * HOUR), ("critical", 30 * MINUTE), ("??", 4 * HOUR)]
)
def test_a_blocker_that_nobody_answers_is_an_error_after_its_levels_limit(scene: Scene, level: str, limit: int) -> None:
    raised = scene.event("blocker", Target("2", 0), "agent-2", level=level, message="the tests hang")
    late = raised.time + limit
    assert codes(timely(board(scene), late - 1, {})) == []
    (finding, *_) = timely(board(scene), late, {}).findings
    assert (finding.code, finding.severity) == ("CG306", "error")
    assert finding.message == (f"{level} blocker '{raised.id[:7]}' on 2.0 is unanswered past its limit: the tests hang")
    scene.event("guidance", Target("2", 0), "conductor", blocker=raised.id, message="skip them")
    assert codes(timely(board(scene), late, {})) == []


def test_an_answer_goes_to_who_raised_it(scene: Scene) -> None:
    raised = scene.event("blocker", Target("2", 0), "agent-2", level="high", message="the tests hang")
    name = raised.id[:7]
    (step,) = board(scene).next
    assert (step.who, step.command) == ("conductor", f"conductor-git guide {name} -m 'WHAT TO DO'")
    scene.event("guidance", Target("2", 0), "conductor", blocker=raised.id, message="skip them")
    found = board(scene)
    assert [(step.who, step.command) for step in found.next] == [("agent-2", f"conductor-git resolve {name}")]
    assert [answer.message for answer in found.plans[0].blockers[0].guidance] == ["skip them"]


@pytest.mark.parametrize("kind", ["guidance", "resolution", "waiver", "acceptance", "reopening"])
def test_what_is_not_a_writers_to_decide_counts_for_nothing_and_is_shown(scene: Scene, kind: str) -> None:
    raised = scene.event("blocker", Target("2", 0), "agent-2", level="high", message="the tests hang")
    for _ in range(2):
        scene.event(kind, Target("2", 0), "agent-9", blocker=raised.id, commit=oid("work"), message="mine to say")
    found = board(scene)
    assert [(each.state, len(each.blockers), each.blockers[0].guidance) for each in found.plans] == [("blocked", 1, ())]
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("CG802", "warning")
    assert finding.message.startswith(f"{kind} of 2.0 by 'agent-9' counts for nothing: ")
    assert finding.detail.endswith("; 1 more of 'agent-9'")


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (None, "no worktree on this machine"),
        (Seen("/w", 0), "worktree '/w' is clean"),
        (Seen("/w", 2), "worktree '/w' has 2 paths not committed"),
        (Seen("/w", None), "worktree '/w' cannot be read"),
    ],
)
def test_an_agent_that_fell_silent_is_shown(scene: Scene, seen: Seen | None, told: str) -> None:
    known = {} if seen is None else {"b2": seen}
    last = scene.clock
    assert timely(board(scene), last + 24 * HOUR, known).plans[0].findings == ()
    (finding,) = timely(board(scene), last + 25 * HOUR, known).plans[0].findings
    assert (finding.code, finding.severity) == ("CG803", "warning")
    assert finding.message == f"agent-2 is silent for 25h: 1 commit since the last claim, {told}"


IDS = [Oid(digit * 40) for digit in "ab"] + [Oid("a" * 6 + "b" * 34)]


@pytest.mark.parametrize(("text", "found"), [("bbbb", 1), ("BBBBB", 1), ("aaaaaab", 2), ("a" * 40, 0)])
def test_an_id_may_be_shortened_to_what_is_unambiguous(text: str, found: int) -> None:
    assert find_id(text, IDS, what="blocker", listing="look") == IDS[found]


@pytest.mark.parametrize(
    ("text", "what", "detail"),
    [
        ("aaaaa", "'aaaaa' is the beginning of 2 blockers: 'aaaaaaa', 'aaaaaab'", ""),
        ("bbb", "'bbb' is no blocker's id: at least 4 digits of it are needed", "the nearest is 'bbbbbbb'"),
        ("bbbbbbc", "'bbbbbbc' is no blocker's id", "the nearest is 'bbbbbbb'"),
        ("", "'' is no blocker's id", "the nearest is 'aaaaaaa'"),
    ],
)
def test_what_names_no_id_is_told_the_nearest(text: str, what: str, detail: str) -> None:
    with pytest.raises(CannotRun) as caught:
        find_id(text, IDS, what="blocker", listing="look")
    assert (caught.value.what, caught.value.detail, caught.value.hint) == (what, detail, "look")


def said(team: Team, *args: str, code: int = 0, writer: str = "agent-2", at: Path | None = None) -> dict[str, object]:
    done, out = team.run("conductor-git", *args, "--json", env={"CONDUCTOR_WRITER": writer}, at=at)
    assert done == code, out
    found: dict[str, object] = json.loads(out[out.index("{") :])
    return found


def test_raised_guided_and_resolved_by_two_writers(team: Team) -> None:
    raised = said(team, "block", "--level", "critical", "-m", "no database", "--context", "since 3f2a91c")
    assert (raised["target"], raised["level"], raised["recorded"]) == ("2.0", "critical", True)
    again = said(team, "block", "--level", "critical", "-m", "no database", "--context", "since 3f2a91c")
    assert (again["blocker"], again["recorded"]) == (raised["blocker"], False)
    name = str(raised["blocker"])[:7]
    team.prove()
    code, shown = team.commit("--allow-empty", "-m", CLAIM)
    assert code
    assert "2.0 has an open blocker of agent-2: no database [CG305]" in shown
    assert f"hint: conductor-git resolve {str(raised['blocker'])[:12]}" in shown
    refused = said(team, "guide", name, "-m", "my own answer", code=1)
    assert "only the conductor guides" in str(refused["findings"])
    assert said(team, "guide", name, "-m", "use tests/db.py", writer="conductor")["recorded"] is True
    assert said(team, "guide", name, "-m", "use tests/db.py", writer="conductor")["recorded"] is False
    code, shown = team.run("conductor-git", "status")
    assert f"blocker {name} on 2.0 critical: no database (agent-2, " in shown
    assert "\n    since 3f2a91c\n    guidance: use tests/db.py (" in shown
    assert "guidance: 2.0: use tests/db.py" in team.run("conductor-git", "brief", "2")[1]
    refused = said(team, "resolve", name, code=1, writer="agent-3")
    assert "closed by 'agent-2', who raised it, or by the conductor" in str(refused["findings"])
    assert said(team, "resolve", name)["recorded"] is True
    assert said(team, "resolve", name, writer="conductor")["recorded"] is False
    assert team.commit("--allow-empty", "-m", CLAIM)[0] == 0


def test_a_blocker_is_seen_in_another_clone_and_answered_there(team: Team, tmp_path: Path, git: Git) -> None:
    git(team.root, "checkout", "-q", "main")
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    git(tmp_path, "clone", "-q", "--bare", str(team.root), str(hub))
    git(team.root, "remote", "add", "origin", str(hub))
    git(team.root, "fetch", "-q", "origin")
    git(tmp_path, "clone", "-q", str(hub), str(other))
    assert team.run("conductor-git", "install", at=other)[0] == 0
    raised = said(team, "block", "2.1", "-m", "no database")
    git(other, "fetch", "-q")
    said(team, "guide", str(raised["blocker"])[:8], "-m", "wait for 3", writer="conductor", at=other)
    assert team.run("conductor-git", "install")[0] == 0
    git(team.root, "fetch", "-q")
    assert "guidance: wait for 3" in team.run("conductor-git", "status")[1]


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["block", "2.7", "-m", "x"], "error: plan '2' declares no wave 7"),
        (["block", "9", "-m", "x"], "error: there is no plan '9'"),
        (["block", "2.0", "-m", " "], "error: a blocker says something: it has no message"),
        (["block", "2.0", "-m", "x", "--level", "urgent"], "error: invalid value for '--level'"),
        (["resolve", "3f2a91c"], "error: '3f2a91c' is no blocker's id\n       no blocker is open"),
    ],
)
def test_bad_input_is_one_clear_error(team: Team, args: list[str], what: str) -> None:
    code, shown = team.run("conductor-git", *args)
    assert (code, shown.startswith(what)) == (2, True), shown


def test_who_has_the_plan_closes_what_its_executors_raised(team: Team) -> None:
    for asked in (["delegate", "3", "--to", "agent-3"], ["delegate", "3.0", "--to", "sam"]):
        code, shown = team.run("conductor-git", *asked, env={"CONDUCTOR_WRITER": "conductor"})
        assert code == 0, shown
    of_sam = str(said(team, "block", "3.0", "-m", "which limit?", writer="sam")["blocker"])
    of_another = str(said(team, "block", "3.0", "-m", "wait for 2", writer="agent-2")["blocker"])
    refused = said(team, "resolve", of_sam, code=1, writer="agent-2")
    assert "closed by 'sam', who raised it, by 'agent-3', who has plan 3, or by the conductor" in str(
        refused["findings"]
    )
    said(team, "resolve", of_another, code=1, writer="agent-3")
    assert said(team, "resolve", of_sam, writer="agent-3")["recorded"] is True
    shown = team.run("conductor-git", "status")[1]
    assert (of_sam[:7] in shown, of_another[:7] in shown, "CG802" in shown) == (False, True, False)


@pytest.mark.parametrize(("handed", "state"), [("before", "active"), ("after", "blocked"), ("never", "blocked")])
def test_a_leader_closes_nothing_of_whom_he_made_an_executor_afterwards(scene: Scene, handed: str, state: str) -> None:
    def hand() -> None:
        part = {"agent": "sam", "branch": "agent-2/2-w0-sam", "workspace": "../sam"}
        scene.event("delegation", Target("2", 0), "agent-2", **part)

    if handed == "before":
        hand()
    raised = scene.event("blocker", Target("2", 0), "sam", level="high", message="the tests hang")
    if handed == "after":
        hand()
    scene.event("resolution", Target("2", 0), "agent-2", blocker=raised.id)
    found = board(scene)
    assert [each.state for each in found.plans] == [state]
    assert [finding.code for finding in found.findings] == ([] if state == "active" else ["CG802"])


def test_a_leader_closes_nothing_of_the_conductors(scene: Scene) -> None:
    part = {"agent": "conductor", "branch": "agent-2/2-w0-conductor", "workspace": "../c"}
    scene.event("delegation", Target("2", 0), "agent-2", **part)
    raised = scene.event("blocker", Target("2", 0), "conductor", level="high", message="stop here")
    scene.event("resolution", Target("2", 0), "agent-2", blocker=raised.id)
    found = board(scene)
    assert [each.state for each in found.plans] == ["blocked"]
    assert [finding.code for finding in found.findings] == ["CG802"]
