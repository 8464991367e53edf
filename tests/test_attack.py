"""`doctor --attack`: each attack works where the doors are away, and gets no further than promised where they stand."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from conductor_git.commands.attack import attack
from conductor_git.core.attacks.outcome import Fate, fate_lines, weigh
from conductor_git.core.attacks.table import ATTACKS, Attack
from conductor_git.core.errors import CannotRun
from conductor_git.core.standing import Level
from conductor_git.store.attacking.moves import MOVES
from conductor_git.store.hub.founding import make_bare, settle
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.plumbing.repository import discover
from tests.signed import Keys, SignedTeam
from tests.team import Team

NOW = 1_800_000_000


def tried(root: Path, *names: str) -> tuple[int, dict[str, str], dict[str, list[str]]]:
    """Exit code, name -> state, name -> codes."""
    attacks = [each for each in ATTACKS if each.name in names] if names else ATTACKS
    outcome = attack(discover(str(root)), now=NOW, say=lambda _: None, attacks=attacks)
    fates = cast("dict[str, Any]", outcome.data)["attacks"]
    return (
        outcome.code,
        {fate["attack"]: fate["state"] for fate in fates},
        {fate["attack"]: list(fate["codes"]) for fate in fates},
    )


def everything(root: Path) -> dict[str, bytes]:
    """Every file of a repository."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}


def test_every_attack_can_be_carried_out() -> None:
    assert list(MOVES) == [each.name for each in ATTACKS]


def test_with_every_door_each_attack_gets_no_further_than_promised(armed: Team, tmp_path: Path) -> None:
    before = everything(tmp_path)
    code, said = armed.run("conductor-git", "doctor", "--attack", "--json")
    assert code == 0, said
    data = msgspec.json.decode(said[said.index("{") :])
    assert (data["schema"], data["level"], data["holds"]) == (1, "L0", True)
    states = {fate["attack"]: fate["state"] for fate in data["attacks"]}
    codes = {fate["attack"]: fate["codes"] for fate in data["attacks"]}
    stronger = {"forged-line", "edited-line", "ledger-rewound", "evil-merge"}
    assert states == {each.name: "blocked" if each.name in stronger else each.l0 for each in ATTACKS}
    assert codes["no-verify"] == ["CG201"]
    assert codes["lookalike"] == ["CG102"]
    assert codes["weakened-gate"] == ["CG403"]
    assert codes["foreign-merge"] == ["CG406"]
    assert codes["branch-replaced"] == codes["forged-receipt"] == ["CG201"]
    assert codes["integration-moved"] == ["CG502"]
    assert codes["in-conductors-place"] == ["CG503"]
    assert codes["replace-ref"] == ["CG504", "CG505"]
    assert everything(tmp_path) == before


@pytest.mark.long
def test_without_doors_every_attack_goes_through_and_is_seen(armed: Team) -> None:
    shutil.rmtree(armed.root / ".git/hooks")
    code, states, codes = tried(armed.root)
    assert code == 1
    unseen = {each.name for each in ATTACKS if each.l0 == "open"}
    assert states == {each.name: "open" if each.name in unseen else "detected" for each in ATTACKS}
    assert codes["forged-line"] == ["CG602"]
    assert "CG610" in codes["edited-line"]
    assert codes["ledger-rewound"] == ["CG611"]
    assert "CG505" in codes["evil-merge"]
    assert "CG508" in codes["integration-rewound"]


def test_a_door_that_was_taken_away_is_missed(armed: Team) -> None:
    (armed.root / ".git/hooks/reference-transaction").unlink()
    code, states, _ = tried(armed.root, "plain-claim", "no-verify")
    assert (code, states) == (1, {"plain-claim": "blocked", "no-verify": "detected"})


def test_where_signatures_count_nobody_decides_in_the_conductors_name(armed: Team, tmp_path: Path) -> None:
    hooks = armed.root / ".git/hooks"
    shutil.move(hooks, tmp_path / "hooks")
    signed = SignedTeam(armed, Keys(tmp_path))
    signed.rule(
        'attestations = "agent"\nconductor = true', signed.line("*", "agent", "agent"), signed.line("conductor", "boss")
    )
    shutil.move(tmp_path / "hooks", hooks)
    code, states, codes = tried(armed.root, "conductors-word", "plain-claim", "trust-lowered")
    assert (code, states["plain-claim"], states["conductors-word"]) == (0, "blocked", "detected")
    assert "CG621" in codes["conductors-word"]
    assert codes["trust-lowered"] == ["CG734"]


def test_hooks_that_stand_in_a_folder_of_the_working_tree_are_tried(armed: Team) -> None:
    shutil.move(armed.root / ".git/hooks", armed.root / ".hooks")
    armed.git(armed.root, "config", "core.hooksPath", ".hooks")
    assert tried(armed.root, "plain-claim", "update-ref")[1] == {"plain-claim": "blocked", "update-ref": "blocked"}
    armed.git(armed.root, "config", "core.hooksPath", os.devnull)
    code, states, _ = tried(armed.root, "plain-claim")
    assert (code, states) == (1, {"plain-claim": "detected"})


def test_it_is_told_in_any_folder_and_without_a_policy_it_is_one_clear_error(armed: Team, repo_dir: Path) -> None:
    linked = armed.root.parent / "linked"
    armed.git(armed.root, "worktree", "add", "-q", "--detach", str(linked))
    (linked / "docs").mkdir()
    assert tried(linked / "docs", "plain-claim")[0] == 0
    with pytest.raises(CannotRun):
        tried(repo_dir, "plain-claim")


@pytest.mark.long
def test_a_hub_answers_to_what_hooks_let_through(armed: Team, tmp_path: Path) -> None:
    make_bare(str(tmp_path / "hub.git"))
    armed.git(armed.root, "remote", "add", "origin", str(tmp_path / "hub.git"))
    armed.git(armed.root, "push", "-q", "--no-verify", "-u", "origin", "main")
    settle(discover(str(tmp_path / "hub.git")), identity="WHO", founder="ada")
    ensure_refspecs(discover(str(armed.root)))
    armed.git(armed.root, "fetch", "-q")
    shutil.rmtree(armed.root / ".git/hooks")
    before = everything(tmp_path)
    code, states, codes = tried(armed.root)
    through = {name: state for name, state in states.items() if state != "blocked"}
    # For every reader such a line says nothing; that a clone has no door to tell its writer is no matter of the hub's.
    assert (code, through) == (1, {"lookalike": "detected", "invented-result": "open"})
    assert codes["hooks-path-flag"] == ["CG201"]
    assert "CG652" in codes["conductors-word"]
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("level", "hub", "promised"),
    [("L0", False, "open"), ("L1", True, "blocked"), ("L2", False, "detected"), ("L2", True, "blocked")],
)
def test_what_is_promised(level: Level, hub: bool, promised: str) -> None:
    assert LOOSE.promised(level, hub=hub) == promised


def fate(promised: Attack, *, refused: bool = False, found: tuple[str, ...] = ()) -> Fate:
    by = ("commit-msg",) if refused else ()
    return weigh(promised, promised.l0, refused_by=by, said="error: no [CG201]\nhint: x [CG201]", found=found)


STRICT = Attack("strict", "do it", "blocked", "blocked", "blocked")
LOOSE = Attack("loose", "say it", "open", "blocked", "detected")


@pytest.mark.parametrize(
    ("found", "line", "broken"),
    [
        (fate(STRICT, refused=True), "blocked   strict  do it: by commit-msg [CG201]", False),
        (fate(STRICT, found=("CG9", "CG1")), "detected  strict  do it: by audit [CG1] [CG9] (should be blocked)", True),
        (fate(STRICT), "open      strict  do it: (should be blocked)", True),
        (fate(LOOSE), "open      loose  say it: (no more is promised at this level)", False),
        (
            weigh(LOOSE, LOOSE.promised("L2"), refused_by=(), said="", found=()),
            "open      loose  say it: (should be detected)",
            True,
        ),
    ],
)
def test_what_is_weaker_than_promised_is_said(found: Fate, line: str, broken: bool) -> None:
    assert found.broken == broken
    lines = fate_lines([found], "L0")
    assert lines[0] == line
    assert ("L0 promises more against: " in lines[-1]) == broken
