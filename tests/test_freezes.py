"""Frozen paths stay as they are where their claim is built upon, and what comes past pre-commit stays in bounds."""

from __future__ import annotations

import json

import msgspec
import pytest

from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.freezes import descendants, freezes_in_force, judge_frozen
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.snapshot import Bounds, Snapshot, Touch
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Wave
from conductor_git.core.targets import Target
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.plumbing.repository import discover
from tests.scene import Scene, oid, plan
from tests.team import Team

API = "src/api.py"
PLANS = {
    "2": "agent: agent-2\nbranch: b2\nscope: [src]\nwaves:\n  0: {title: A, freezes: ['src/**']}\n  1: {title: B}\n",
    "3": "agent: agent-3\nbranch: b3\nneeds: [2.0]\nscope: ['docs/**', 'src/**']\nwaves:\n  0: {title: All}\n",
}


def frozen_scene() -> Scene:
    """Plan 2 froze `src/` at `claim`; `main` and the branch of plan 3 go on."""
    scene = Scene(plan("2", Wave(0, freezes=("src/**",)), Wave(1)), plan("3", Wave(0)))
    scene.commit("root")
    scene.commit("claim", "root", line="✅ Wave 0 Complete", plan="2", wave="0")
    scene.attest(Target("2", 0), "claim")
    scene.commit("work", "root")
    scene.commit("built", "claim")
    scene.commit("merge", "work", "claim")
    scene.branch("b2", "built")
    scene.branch("b3", "merge")
    scene.branch("main", "root")
    return scene


def looked_at(scene: Scene) -> Snapshot:
    snapshot = scene.snapshot()
    freezes = freezes_in_force(Verdicts(snapshot, Claims(snapshot.history, snapshot.plans)))
    bounds = Bounds(freezes=freezes, kept={(oid("claim"), API): "1"})
    return msgspec.structs.replace(snapshot, bounds=bounds)


@pytest.mark.parametrize(
    ("parents", "blob", "differs", "codes"),
    [
        pytest.param(["claim"], "2", ["claim"], ["error"], id="another content above the claim"),
        pytest.param(["claim"], "", ["claim"], ["error"], id="gone above the claim"),
        pytest.param(["built"], "1", ["built"], [], id="as it was frozen, whatever its parent had"),
        pytest.param(["work"], "2", ["work"], [], id="not above the claim"),
        pytest.param(["work", "claim"], "1", ["work"], [], id="taken over by merge"),
        pytest.param(["work", "claim"], "2", ["claim"], ["error"], id="the merge kept the other side's"),
        pytest.param(["work", "claim"], "3", ["work", "claim"], ["error"], id="the merge made a third"),
        pytest.param(["built", "merge"], "2", ["built"], [], id="as one parent has it that is judged itself"),
    ],
)
def test_a_commit_answers_for_what_it_did(parents: list[str], blob: str, differs: list[str], codes: list[str]) -> None:
    touch = Touch(API, blob, tuple(map(oid, differs)))
    found = judge_frozen([touch], list(map(oid, parents)), None, looked_at(frozen_scene()))
    assert [finding.severity for finding in found] == codes
    for finding in found:
        assert finding.code == "CG405"
        claim = oid("claim")[:7]
        assert finding.message == (
            f"'{API}' is frozen by 2.0 (agent-2) since 1970-01-01 00:00 UTC, as claim {claim} has it: "
            "others build on it as it is there"
        )


def test_a_step_of_integration_answers_for_all_that_it_brings() -> None:
    touch = Touch(API, "2", (oid("built"),))
    snapshot = looked_at(frozen_scene())
    parents = [oid("built"), oid("merge")]
    assert judge_frozen([touch], parents, None, snapshot) == []
    (found,) = judge_frozen([touch], parents, None, snapshot, step=True)
    assert found.severity == "error"


@pytest.mark.parametrize(("target", "until", "severity"), [("2", 0, "error"), ("3", 99, "error"), ("2.0", 99, "info")])
def test_whoever_names_the_wave_that_froze_it_waives_it_for_everybody(target: str, until: int, severity: str) -> None:
    scene = frozen_scene()
    plan_id, _, wave = target.partition(".")
    about = Target(plan_id, int(wave) if wave else None)
    scene.event("waiver", about, "conductor", rule="CG405", reason="a typo", until=until)
    touch = Touch(API, "2", (oid("built"),))
    (found,) = judge_frozen([touch], [oid("built")], oid("built"), looked_at(scene))
    assert found.severity == severity


def test_what_another_wave_froze_is_taken_over_from_there_and_not_taken_back() -> None:
    scene = Scene(plan("2", Wave(0, freezes=("src",)), Wave(1, freezes=("src",))), plan("3", Wave(0, freezes=("src",))))
    for name, parents, trailers in (
        ("first", ["root"], {"plan": "2", "wave": "0"}),
        ("second", ["first"], {"plan": "2", "wave": "1"}),
        ("other", ["root"], {"plan": "3", "wave": "0"}),
    ):
        if not scene.nodes:
            scene.commit("root")
        scene.commit(name, *parents, line=f"✅ Wave {trailers['wave']} Complete", **trailers)
        scene.attest(Target(trailers["plan"], int(trailers["wave"])), name)
    scene.branch("b2", "second")
    scene.branch("b3", "other")
    scene.branch("main", "root")
    snapshot = scene.snapshot()
    freezes = freezes_in_force(Verdicts(snapshot, Claims(snapshot.history, snapshot.plans)))
    kept = {(oid("first"), API): "1", (oid("second"), API): "2", (oid("other"), API): "3"}
    snapshot = msgspec.structs.replace(snapshot, bounds=Bounds(freezes=freezes, kept=kept))

    def merged(blob: str, *parents: str) -> list[str]:
        at = [oid(each) for each in parents]
        have = {"first": "1", "second": "2", "other": "3"}
        touch = Touch(API, blob, tuple(oid(each) for each in parents if have[each] != blob))
        return [finding.message.split()[4] for finding in judge_frozen([touch], at, None, snapshot)]

    assert merged("3", "second", "other") == []
    assert merged("2", "second", "other") == []
    # The first one's content is the second one's past.
    assert merged("1", "first", "second") == ["2.1"]
    assert merged("4", "second", "other") == ["2.0", "2.1", "3.0"]


def test_only_what_builds_on_a_claim_is_looked_at() -> None:
    snapshot = looked_at(frozen_scene())
    graph, freezes = Graph(snapshot.history.nodes), snapshot.bounds.freezes
    tips = [oid("built"), oid("merge")]
    assert set(descendants(graph, freezes, tips, [])) == {oid("built"), oid("merge")}
    assert descendants(graph, freezes, tips, [oid("built")]) == [oid("merge")]
    assert descendants(graph, freezes, [oid("work")], []) == []


# --- with git -------------------------------------------------------------------------------------------------------


@pytest.fixture
def frozen(team: Team) -> Team:
    """Plan 2 froze `src/` by its wave 0 and went on; plan 3 needs that wave. The branch b2 is checked out."""
    git, root = team.git, team.root
    git(root, "checkout", "-q", "main")
    for name, text in PLANS.items():
        (root / f".conductor/plans/{name}.md").write_text(f"---\nplan: {name}\ntitle: Plan {name}\n{text}---\n")
    git(root, "commit", "-q", "-a", "--no-verify", "-m", "freeze")
    for branch in ("b3", "b2"):
        git(root, "checkout", "-q", "-B", branch, "main")
    repo = discover(str(root))
    install_doors(repo, read_control(repo))
    write(team, API, "def one(): ...\n")
    assert team.commit("-m", "an interface")[0] == 0
    team.prove()
    assert team.commit("--allow-empty", "-m", "✅ Wave 0 Complete")[0] == 0
    return team


def write(team: Team, path: str, text: str) -> None:
    file = team.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    team.git(team.root, "add", "--", path)


def findings(team: Team, plan_id: str) -> list[tuple[str, str]]:
    code, said = team.run("conductor-git", "log-status", "--json")
    assert code == 0, said
    board = json.loads(said)
    listed = next(each for each in board["plans"] if each["plan"] == plan_id)["findings"]
    return [(each["code"], each["severity"]) for each in [*listed, *board["findings"]] if each["code"] == "CG405"]


def test_the_own_plan_keeps_what_it_froze(frozen: Team) -> None:
    head = frozen.git(frozen.root, "rev-parse", "HEAD")
    write(frozen, API, "def two(): ...\n")
    code, said = frozen.commit("-m", "another interface")
    assert code
    assert f"'{API}' is frozen by 2.0 (agent-2) since " in said
    assert f"as claim {head[:7]} has it: others build on it as it is there [CG405]" in said
    assert f"hint: git restore --staged -- :/{API}" in said
    # Past the first door stands the second one.
    code, said = frozen.commit("--no-verify", "-m", "another interface")
    assert code, said
    assert "is frozen by 2.0" in said
    assert frozen.git(frozen.root, "rev-parse", "HEAD") == head
    assert findings(frozen, "2") == []
    # Without any door the report says it, and the landing refuses it.
    assert frozen.commit("-m", "past", env=no_hooks())[0] == 0
    assert findings(frozen, "2") == [("CG405", "error")]
    assert "is frozen by 2.0 (agent-2)" in frozen.run("conductor-git", "why", "2")[1]
    said = frozen.run("conductor-git", "why", "2.0")[1]
    assert ("frozen: src/** by 2.0, since " in said, f" by claim {head[:7]} of agent-2" in said) == (True, True)
    assert "[CG405]" in frozen.run("conductor-git", "audit")[1]


def no_hooks() -> dict[str, str]:
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/dev/null"}


def test_it_is_taken_over_by_merge_and_then_kept(frozen: Team) -> None:
    git, root = frozen.git, frozen.root
    git(root, "checkout", "-q", "b3")
    write(frozen, "src/other.py", "free\n")
    assert frozen.commit("-m", "nothing is frozen here yet")[0] == 0
    code, said = frozen.run("git", "merge", "--no-edit", "b2")
    assert code, said
    assert "'src/other.py' is frozen by 2.0 (agent-2)" in said
    assert "hint: git merge --abort" in said
    git(root, "merge", "--abort")
    git(root, "rm", "-q", "src/other.py")
    assert frozen.commit("-m", "make room")[0] == 0
    code, said = frozen.run("git", "merge", "--no-edit", "b2")
    assert code == 0, said
    assert findings(frozen, "3") == []
    write(frozen, API, "def three(): ...\n")
    code, said = frozen.commit("-m", "change it here")
    assert (code != 0, "is frozen by 2.0 (agent-2)" in said) == (True, True)


def test_the_conductor_waives_it_for_a_while(frozen: Team) -> None:
    write(frozen, API, "def two(): ...\n")
    env = {"CONDUCTOR_WRITER": "conductor"}
    code, said = frozen.commit("-m", "a typo", env=env)
    assert (code != 0, "hint: conductor-git waive CG405 2.0 --reason 'WHY'" in said) == (True, True)
    code, said = frozen.run("conductor-git", "waive", "CG405", "2.0", "--reason", "a typo", "--for", "1h", env=env)
    assert code == 0, said
    code, said = frozen.commit("-m", "a typo")
    assert code == 0, said
    assert findings(frozen, "2") == []


def test_what_comes_into_integration_keeps_it(frozen: Team) -> None:
    git, root = frozen.git, frozen.root
    git(root, "checkout", "-q", "main")
    env = {"CONDUCTOR_WRITER": "conductor"}
    git(root, "merge", "-q", "--no-ff", "--no-edit", "b2", env=no_hooks())
    write(frozen, API, "def two(): ...\n")
    code, said = frozen.commit("-m", "by the conductor", env=env)
    assert (code != 0, "[CG405]" in said) == (True, True), said
    code, said = frozen.commit("--no-verify", "-m", "by the conductor", env=env)
    assert code, said
    assert "hint: conductor-git waive CG405 2.0 --reason 'WHY'" in said
    assert frozen.commit("-m", "past", env=no_hooks())[0] == 0
    assert findings(frozen, "2") == [("CG405", "alarm")]
    git(root, "revert", "--no-edit", "HEAD")
    assert findings(frozen, "2") == []


@pytest.mark.parametrize("how", ["cherry-pick", "rebase", "am"])
def test_what_comes_past_pre_commit_stays_inside_the_scope_too(armed: Team, how: str) -> None:
    git, root = armed.git, armed.root
    git(root, "checkout", "-q", "-b", "b3", "main")
    git(root, "checkout", "-q", "-b", "free", "main")
    write(armed, "src/x", "not plan 3's\n")
    assert armed.commit("-m", "outside")[0] == 0
    (root.parent / "patch").write_text(git(root, "format-patch", "-1", "--stdout") + "\n")
    git(root, "checkout", "-q", "b3")
    source = str(root.parent / "patch") if how == "am" else "free"
    code, said = armed.run("git", how, source)
    assert code, said
    assert "error: 'src/x' is outside the scope of plan 3 [CG401]" in said
    assert f"hint: git {how} --abort" in said
    git(root, how, "--abort")
    assert git(root, "rev-parse", "b3") == git(root, "rev-parse", "main")
