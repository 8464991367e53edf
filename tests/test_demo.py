"""The demo: it runs as a newcomer runs it, and it fails when something is answered otherwise than it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from conductor_git.commands.demo import demo, play, stage
from conductor_git.commands.demo.play import ENDS, PLAY, Scene, Turn
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.board import Board


@pytest.mark.journey
def test_the_whole_play_ends_as_it_should(tmp_path: Path) -> None:
    folder = tmp_path / "a demo"
    done = subprocess.run(
        [sys.executable, "-m", "conductor_git", "demo", str(folder)],
        env={**os.environ, "PATH": os.defpath},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr == ""
    turns = [turn for scene in PLAY for turn in scene.turns]
    assert [line for line in done.stdout.splitlines() if line.endswith(turns[-1].types)]
    assert f"{len(turns)} commands in " in done.stdout
    pasted = done.stdout.rpartition("look around: ")[2]
    looked = subprocess.run(
        ["sh", "-c", pasted],
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.stdout.startswith("5 plans on 'main'"), looked.stderr
    assert claimed_without_proof(folder / "mathlib") == ["4.2"]


def claimed_without_proof(repo: Path) -> list[str]:
    """What a second look at the demo's repository finds unproven."""
    done = subprocess.run(
        [sys.executable, "-m", "conductor_git", "-C", str(repo), "log-status", "--json"],
        capture_output=True,
        check=True,
    )
    board = msgspec.json.decode(done.stdout, type=Board)
    return [
        finding.subject for plan in board.plans for wave in plan.waves for finding in wave.findings if finding.refuses
    ]


def test_every_kind_of_refusal_is_in_the_play() -> None:
    said = {word for scene in PLAY for turn in scene.turns if turn.code for word in turn.says}
    assert {"CG102", "CG201", "CG301", "CG302", "CG303"} <= said
    assert any("--no-verify" in turn.types for scene in PLAY for turn in scene.turns)


def test_the_play_types_nothing_but_git_conductor_git_and_everyday_shell() -> None:
    first = {turn.types.split()[0] for scene in PLAY for turn in scene.turns}
    assert first <= {"git", "conductor-git", "echo", "cp"}


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (Turn("conductor", "git init -q; exit 3"), "exit code 3, and it should be 0"),
        (Turn("conductor", "git init -q", code=1), "exit code 0, and it should be 1"),
        (Turn("conductor", "echo one", says=("one", "two")), "the answer should have 'two'"),
    ],
)
def test_a_wrong_answer_stops_the_demo(turn: Turn, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conductor_git.commands.demo.PLAY", (Scene("t", "w", (turn, Turn("conductor", "echo later"))),))
    said: list[str] = []
    outcome = demo(str(tmp_path / "demo"), say=said.append)
    assert outcome.code == 1
    assert outcome.text.splitlines()[1] == f"the demo stopped: {why}"
    assert said[-1] == f"  ✗ {why}"
    assert not [line for line in said if "later" in line]


def test_an_end_that_is_not_the_right_one_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = tuple(turn for turn in PLAY[0].turns)
    monkeypatch.setattr("conductor_git.commands.demo.PLAY", (Scene("t", "w", turns),))
    outcome = demo(str(tmp_path / "demo"), say=lambda text: None)
    assert outcome.code == 1
    assert "'1': 'ready'" in outcome.text
    assert str(ENDS) in outcome.text


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(CannotRun) as caught:
        demo(str(tmp_path), say=print)
    assert caught.value.what == f"folder '{tmp_path}' is not empty"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotRun, match="cannot be used"):
        demo(str(tmp_path / "file" / "sub"), say=print)


def test_the_demo_takes_nothing_of_the_users_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("CONDUCTOR_WRITER", "Not A Writer")
    shown = stage.Stage(str(tmp_path / "demo"), color=False, width=100)
    played = shown.play(Turn("conductor", 'git init -q && echo "$GIT_DIR$CONDUCTOR_WRITER:$GIT_AUTHOR_NAME:$COLUMNS"'))
    assert played == stage.Played(":conductor:100")


def test_long_answers_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = tuple(Turn("conductor", "printf '1\\t.\\n2\\n3\\n'", lines=most) for most in (1, 2, 3))
    monkeypatch.setattr("conductor_git.commands.demo.PLAY", (Scene("t", "w", turns),))
    monkeypatch.setattr("conductor_git.commands.demo.ENDS", {})
    monkeypatch.setattr(stage.Stage, "states", lambda self: {})
    said: list[str] = []
    demo(str(tmp_path / "demo"), say=said.append)
    assert [line for line in said if line.startswith("    ")] == [
        "    1       . …",
        *("    1       .", "    2", "    … 1 more line"),
        *("    1       .", "    2", "    3"),
    ]


def test_every_file_that_is_changed_by_the_play_is_there() -> None:
    changed = [turn.types.split(" >> ")[1].split()[0] for scene in PLAY for turn in scene.turns if " >> " in turn.types]
    assert set(changed) <= play.FILES.keys()
