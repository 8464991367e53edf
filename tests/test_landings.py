"""Landings in real repositories: done again from what git holds, wherever and however they were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.merges import Conflict, merger, product_of_merge, products_of_merges
from conductor_git.store.plumbing.repository import discover
from tests.team import CLAIM, Team


def board(team: Team, at: Path | None = None) -> dict[str, Any]:
    code, said = team.run("conductor-git", "log-status", "--json", at=at)
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    return found


def faults(team: Team, at: Path | None = None) -> list[tuple[str, str]]:
    return [(finding["code"], finding["severity"]) for finding in board(team, at)["findings"]]


def put(team: Team, path: str, text: str = "text\n") -> None:
    (team.root / path).parent.mkdir(parents=True, exist_ok=True)
    (team.root / path).write_text(text)
    team.git(team.root, "add", "--", path)
    team.git(team.root, "commit", "-q", "--no-verify", "-m", f"change {path}")


def claim(team: Team, plan: str, path: str) -> str:
    """Work on a plan's branch, and its wave 0 claimed with a proof."""
    team.git(team.root, "checkout", "-q", "-B", f"b{plan}", f"b{plan}" if plan == "2" else "main")
    put(team, path)
    team.prove(f"{plan}.0")
    code, said = team.commit("--allow-empty", "-m", CLAIM)
    assert code == 0, said
    return team.git(team.root, "rev-parse", "HEAD")


def land(team: Team, *commits: str, options: tuple[str, ...] = ()) -> None:
    team.git(team.root, "checkout", "-q", "main")
    code, said = team.run("git", "merge", "-q", "--no-ff", "--no-verify", "-m", "land", *options, *commits)
    assert code == 0, said


def test_a_landing_on_an_integration_that_moved_is_done_again_and_needs_its_own_proof(team: Team) -> None:
    commit = claim(team, "2", "new")
    team.git(team.root, "checkout", "-q", "main")
    put(team, "other")
    land(team, commit)
    assert faults(team) == [("CG504", "alarm")]
    code, said = team.run("conductor-git", "validate", "2.0", "--commit", "HEAD")
    assert code == 0, said
    assert faults(team) == []
    put(team, "smuggled")
    tree = team.git(team.root, "rev-parse", "HEAD^{tree}")
    team.git(team.root, "reset", "-q", "--hard", "HEAD~1")
    evil = team.git(team.root, "commit-tree", "-p", "HEAD^1", "-p", "HEAD^2", "-m", "land", tree)
    team.git(team.root, "update-ref", "refs/heads/main", evil)
    assert faults(team) == [("CG505", "alarm"), ("CG504", "alarm")]


def test_two_claims_that_land_in_one_octopus_are_both_asked_for(team: Team) -> None:
    commits = claim(team, "2", "new"), claim(team, "3", "docs/new")
    land(team, *commits)
    assert len(team.git(team.root, "log", "-1", "--format=%P").split()) == 3
    assert faults(team) == [("CG504", "alarm"), ("CG504", "alarm")]
    for target in ("2.0", "3.0"):
        assert team.run("conductor-git", "validate", target, "--commit", "HEAD")[0] == 0
    assert faults(team) == []


def test_an_evil_octopus_is_an_alarm(team: Team) -> None:
    commits = claim(team, "2", "new"), claim(team, "3", "docs/new")
    land(team, *commits)
    evil = team.git(team.root, "commit-tree", *(f"-pHEAD^{n}" for n in (1, 2, 3)), "-m", "land", "HEAD^2^{tree}")
    team.git(team.root, "update-ref", "refs/heads/main", evil)
    assert ("CG505", "alarm") in faults(team)


def test_a_history_of_its_own_can_land(team: Team) -> None:
    team.git(team.root, "checkout", "-q", "--orphan", "unrelated")
    team.git(team.root, "rm", "-q", "-r", "--cached", ".conductor")
    team.git(team.root, "commit", "-q", "--no-verify", "-m", "another beginning")
    team.git(team.root, "branch", "-q", "-f", "b2", "unrelated")
    team.git(team.root, "clean", "-q", "-f", "-d", ".conductor")
    commit = claim(team, "2", "new")
    land(team, commit, options=("--allow-unrelated-histories",))
    assert faults(team) == []


def test_what_a_user_configures_changes_no_merge(team: Team, hermetic: Path) -> None:
    put(team, "list", "one\ntwo\nmine\n")
    team.git(team.root, "checkout", "-q", "main")
    put(team, "list", "one\ntwo\ntheirs\n")
    (hermetic / ".config" / "git").mkdir(parents=True)
    (hermetic / ".config" / "git" / "attributes").write_text("* merge=union\n")
    repo = discover(str(team.root))
    ours, theirs = repo.resolve("main"), repo.resolve("b2")
    assert product_of_merge(repo, ours or Oid(""), theirs or Oid("")) is None


def test_the_attributes_of_a_tree_count_for_its_own_merges(team: Team) -> None:
    put(team, "list", "one\ntwo\nmine\n")
    mine = Oid(team.git(team.root, "rev-parse", "HEAD"))
    team.git(team.root, "checkout", "-q", "main")
    put(team, "list", "one\ntwo\ntheirs\n")
    plain = Oid(team.git(team.root, "rev-parse", "HEAD"))
    put(team, "deep/.gitattributes", "list merge=binary\n")
    put(team, ".gitattributes", "list merge=union\n")
    united = Oid(team.git(team.root, "rev-parse", "HEAD"))
    repo = discover(str(team.root))
    land(team, mine)
    by_hand = team.git(team.root, "rev-parse", "HEAD^{tree}")
    with merger(repo) as tool:
        found = tool.trees([(plain, mine), (united, mine), (united, plain), (plain, mine), (plain, united)])
        one_by_one = {pair: tool.tree(*pair) for pair in found}
    assert found == one_by_one
    assert (found[plain, mine], found[united, mine]) == (Conflict(("list",)), by_hand)
    assert len(found) == 4


def test_a_merge_that_cannot_be_made_does_not_stop_the_others(team: Team) -> None:
    put(team, "list", "one\n")
    mine, base = (Oid(team.git(team.root, "rev-parse", name)) for name in ("HEAD", "HEAD^"))
    pairs = [(base, mine), (base, Oid("1" * 40)), (Oid("1" * 40), base), (mine, base)]
    with merger(discover(str(team.root))) as tool:
        assert set(tool.trees(pairs)) == {(base, mine), (mine, base)}


@pytest.mark.parametrize("filtered", ["blob:none", "tree:0"])
def test_a_partial_clone_judges_landings_as_the_whole_one_does(team: Team, tmp_path: Path, filtered: str) -> None:
    test_a_landing_on_an_integration_that_moved_is_done_again_and_needs_its_own_proof(team)
    expected = faults(team)
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        team.git(team.root, "config", key, "true")
    partial = tmp_path / "partial"
    team.git(tmp_path, "clone", "-q", f"--filter={filtered}", "--no-checkout", f"file://{team.root}", str(partial))
    team.git(partial, "fetch", "-q", "origin", "+refs/notes/conductor/*:refs/notes/conductor-remotes/origin/*")
    assert faults(team, partial) == expected


def test_a_merge_whose_objects_cannot_be_had_is_left_out(team: Team, tmp_path: Path) -> None:
    put(team, "state", "good and mine\n")
    team.git(team.root, "checkout", "-q", "main")
    put(team, "state", "good and theirs\n")
    team.git(team.root, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    team.git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{team.root}", str(partial))
    (team.root / ".git").rename(team.root / "elsewhere")
    parents = tuple(Oid(team.git(partial, "rev-parse", f"origin/{name}")) for name in ("main", "b2"))
    assert products_of_merges(discover(str(partial)), [parents]) == {}


def test_a_wave_that_is_added_after_the_landing_makes_no_alarm(team: Team) -> None:
    for number, target in enumerate(("2.0", "2.1", "2")):
        put(team, f"step{number}")
        team.prove(target)
        line = "✅ PLAN 2 COMPLETE" if target == "2" else f"✅ Wave {number} Complete"
        assert team.commit("--allow-empty", "-m", line)[0] == 0
    land(team, "b2")
    assert (board(team)["plans"][0]["state"], faults(team)) == ("merged", [])
    plan = team.root / ".conductor" / "plans" / "2.md"
    plan.write_text(plan.read_text().replace("  1: {title: B}\n", "  1: {title: B}\n  2: {title: C}\n"))
    team.git(team.root, "commit", "-q", "--no-verify", "-a", "-m", "one more wave")
    assert (board(team)["plans"][0]["state"], faults(team)) == ("claimed", [])
    plan.write_text("not a plan any more\n")
    team.git(team.root, "commit", "-q", "--no-verify", "-a", "-m", "break the plan")
    assert [fault for fault in faults(team) if fault[1] == "alarm"] == []
    plan.unlink()
    team.git(team.root, "commit", "-q", "--no-verify", "-a", "-m", "the plan is history")
    assert faults(team) == []
