"""`ready`, `why` and `wait`: what can go on, what stands in the way, and when it does no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conductor_git.commands.wait import Clock, wait
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Wave
from conductor_git.core.reporting.fold import fold
from conductor_git.core.reporting.ready import ready_steps, ready_text
from conductor_git.core.reporting.why import Why, ask_why, why_text
from conductor_git.core.targets import Target
from conductor_git.store.plumbing.repository import discover
from tests.conftest import Git
from tests.scene import Scene, oid, plan
from tests.team import CLAIM, Team

NOW = 100


@pytest.fixture
def scene() -> Scene:
    """Plan 3's wave 1 needs 2.0; plan 4 needs plan 3; plans 2 and 3 are begun."""
    waves = (Wave(0), Wave(1, needs=(Target("2", 0),)), Wave(2, after_none=True))
    made = Scene(plan("2", Wave(0)), plan("3", *waves), plan("4", Wave(0), needs=(Target("3"),)))
    made.commit("root")
    made.branch("main", "root")
    for name in ("2", "3"):
        made.commit(f"start{name}", "root", line=f"▶ PLAN {name} START - agent-{name}", tree="root", plan=name)
        made.branch(f"b{name}", f"start{name}")
    return made


def claim(scene: Scene, name: str, number: int) -> None:
    tip = f"start{name}" if number == 0 else f"{name}.{number - 1}"
    scene.commit(f"{name}.{number}", tip, line=f"✅ Wave {number} Complete", tree="root", plan=name, wave=str(number))
    scene.attest(Target(name, number), "root")
    scene.branch(f"b{name}", f"{name}.{number}")


def ready(scene: Scene) -> list[tuple[str, str, str]]:
    return [(step.target, step.who, step.command) for step in ready_steps(fold(scene.snapshot(), NOW))]


def why(scene: Scene, *target: object) -> Why:
    snapshot = scene.snapshot()
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    return ask_why(Target(*target), snapshot, verdicts, fold(snapshot, NOW))  # type: ignore[arg-type]


def told(scene: Scene, *target: object) -> list[str]:
    return why_text(why(scene, *target), fold(scene.snapshot(), NOW), NOW).splitlines()


def test_waves_that_need_nothing_open_go_on_meanwhile(scene: Scene) -> None:
    assert ready(scene) == [
        ("2.0", "agent-2", "conductor-git claim 2.0"),
        ("3.0", "agent-3", "conductor-git claim 3.0"),
        ("3.2", "agent-3", "conductor-git claim 3.2"),
    ]
    claim(scene, "3", 0)
    # 3.1 waits for 2.0 now, and 3.2 does not.
    assert ready(scene)[1:] == [("3.2", "agent-3", "conductor-git claim 3.2")]


def test_a_need_that_is_complete_elsewhere_is_merged_first(scene: Scene) -> None:
    claim(scene, "3", 0)
    claim(scene, "2", 0)
    merge = f"git merge {oid('2.0')[:12]}"
    assert ready(scene) == [
        ("2", "agent-2", "conductor-git claim 2"),
        ("3.1", "agent-3", merge),
        ("3.2", "agent-3", "conductor-git claim 3.2"),
    ]
    found = why(scene, "3", 1)
    assert ([finding.code for finding in found.findings], found.next and found.next.command) == (["CG303"], merge)
    scene.commit("took", "3.0", "2.0", tree="root")
    scene.branch("b3", "took")
    assert ready(scene)[1] == ("3.1", "agent-3", "conductor-git claim 3.1")
    assert told(scene, "3", 1)[0] == "nothing stands in the way of 3.1: it is active"


def test_why_goes_down_to_what_all_waits_for(scene: Scene) -> None:
    for wave in (0,):
        claim(scene, "3", wave)
    assert told(scene, "4", 0) == [
        "4.0 is waiting",
        "error: 4.0 needs 3, which is not complete (not claimed) [CG302]",
        "all of it waits for 2.0: 4.0 <- 3 <- 3.1 <- 2.0",
        "next: agent-2: work on 2.0, commit, then claim it",
        "hint: conductor-git claim 2.0",
    ]


def test_a_blocker_is_what_stands_in_the_way(scene: Scene) -> None:
    raised = scene.event("blocker", Target("2", 0), "agent-2", level="high", message="no database")
    found = why(scene, "2", 0)
    assert [finding.code for finding in found.findings] == ["CG305"]
    assert found.next is not None
    assert found.next.command == f"conductor-git guide {raised.id[:7]} -m 'WHAT TO DO'"
    shown = ready_text(fold(scene.snapshot(), raised.time + 60), raised.time + 60)
    assert shown.endswith(f"\nblocked: 2.0, high {raised.id[:7]}: no database (agent-2, 60s ago)")


def test_a_claim_without_proof_is_proven_first(scene: Scene) -> None:
    scene.commit("said", "start2", line="✅ Wave 0 Complete", tree="other", plan="2", wave="0")
    scene.branch("b2", "said")
    validate = f"conductor-git validate 2.0 --commit {oid('said')[:12]}"
    assert ready(scene)[0] == ("2", "agent-2", validate)
    assert told(scene, "2", 0)[-1] == f"hint: {validate}"


def test_what_is_complete_waits_for_nothing(scene: Scene) -> None:
    claim(scene, "2", 0)
    found = why(scene, "2", 0)
    assert (found.complete, found.commit, found.findings) == (True, oid("2.0"), ())
    assert told(scene, "2", 0)[0] == f"nothing stands in the way of 2.0: it is complete ({oid('2.0')[:7]})"


def test_a_circle_ends() -> None:
    scene = Scene(plan("2", Wave(0, needs=(Target("3", 0),))), plan("3", Wave(0, needs=(Target("2", 0),))))
    scene.commit("root")
    scene.branch("main", "root")
    assert why(scene, "2", 0).chain == (Target("2", 0), Target("3", 0))


class Hours:
    """A clock that stands still but for the pauses, in which something may happen."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self.seconds, self.happenings = 0.0, list(happenings)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.happenings:
            self.happenings.pop(0)()

    @property
    def clock(self) -> Clock:
        return Clock(lambda: 2_000_000_000 + int(self.seconds), lambda: self.seconds, self.sleep)


def claims(team: Team) -> None:
    team.prove()
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert code == 0, said


def test_wait_comes_back_when_it_is_complete(team: Team, git: Git) -> None:
    said: list[str] = []
    hours = Hours(lambda: None, lambda: claims(team))
    found = wait(discover(str(team.root)), "2.0", max_seconds=1800, say=said.append, clock=hours.clock)
    head = git(team.root, "rev-parse", "HEAD")
    assert (found.code, found.text) == (0, f"2.0 is complete: {head[:7]}")
    assert [line.partition(",")[0] for line in said] == ["waiting for 2.0: agent-2"]
    git(team.root, "checkout", "-q", "main")
    again = wait(discover(str(team.root)), "2.0", max_seconds=0, say=said.append, clock=Hours().clock)
    assert again.text.splitlines()[1] == f"not in this branch yet: git merge {head[:12]}"


def test_wait_ends_when_its_time_is_over(team: Team) -> None:
    hours = Hours()
    found = wait(discover(str(team.root)), "2.1", max_seconds=60, say=lambda _: None, clock=hours.clock)
    assert (found.code, hours.seconds) == (4, 60)
    assert found.text.splitlines()[1] == "hint: conductor-git why 2.1    # what it waits for"


def test_wait_sees_what_another_clone_pushed(team: Team, tmp_path: Path, git: Git) -> None:
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    git(tmp_path, "clone", "-q", "--bare", str(team.root), str(hub))
    git(team.root, "remote", "add", "origin", str(hub))
    git(tmp_path, "clone", "-q", "-b", "main", str(hub), str(other))
    assert team.run("conductor-git", "install", at=other)[0] == 0

    def push() -> None:
        claims(team)
        git(team.root, "push", "-q", "origin", "b2")

    git(other, "branch", "-q", "--track", "b2", "origin/b2")
    git(other, "branch", "-q", "-D", "b2")
    hours = Hours(push)
    found = wait(discover(str(other)), "2.0", max_seconds=600, say=lambda _: None, clock=hours.clock)
    assert (found.code, hours.seconds < 60) == (0, True)


def test_a_remote_that_is_gone_is_said_once_and_waited_for(team: Team, git: Git) -> None:
    git(team.root, "remote", "add", "origin", str(team.root / "gone.git"))
    git(team.root, "update-ref", "refs/remotes/origin/main", "main")
    said: list[str] = []
    assert wait(discover(str(team.root)), "2.0", max_seconds=300, say=said.append, clock=Hours().clock).code == 4
    assert [line for line in said if "fetch" in line] == [
        "'origin' could not be fetched from; waiting goes on with what is here"
    ]


def test_the_commands_answer_in_json(team: Team) -> None:
    code, said = team.run("conductor-git", "ready", "--json")
    shown = json.loads(said)
    assert (code, shown.keys()) == (0, {"schema", "ready", "executors", "blockers", "findings"})
    assert [(step["target"], step["command"]) for step in shown["ready"]] == [
        ("2.0", "conductor-git claim 2.0"),
        ("3", "conductor-git delegate 3"),
    ]
    shown = json.loads(team.run("conductor-git", "why", ".1", "--json")[1])
    keys = {"schema", "target", "state", "complete", "commit", "findings", "chain", "next", "frozen"}
    assert (shown.keys(), shown["chain"]) == (keys, ["2.1", "2.0"])
    code, said = team.run("conductor-git", "wait", "2.0", "--max", "0s", "--json")
    assert (code, '"complete": false' in said) == (4, True)
    assert team.run("conductor-git", "wait", "2.9")[0] == 2
