"""Rows about `git commit`: what the doors cost beside other hooks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pairs import Planned, Row, Side
from place import Place
from scenes import coordinated, delegated

_WAVES = 40

_PREK = """\
repos:
  - repo: local
    hooks:
      - {id: nothing, name: nothing, entry: 'true', language: system, always_run: true, pass_filenames: false}
"""


def rows(place: Place) -> list[Planned]:
    """Ordinary commits and claims."""

    @cache
    def with_doors() -> Path:
        return coordinated(place, "doors")

    @cache
    def on_a_plan() -> Path:
        return delegated(place, coordinated(place, "planned"), 1, waves=_WAVES)

    @cache
    def with_prek() -> Path:
        root = place.new_repository("prek")
        (root / ".pre-commit-config.yaml").write_text(_PREK)
        place.git(root, "add", ".pre-commit-config.yaml")
        place.git(root, "commit", "-q", "-m", "Add hooks")
        place.run(place.peer("prek"), "install", cwd=root)
        return root

    @cache
    def with_gitlint() -> Path:
        root = place.new_repository("gitlint")
        place.run(place.peer("gitlint"), "install-hook", cwd=root)
        return root

    @cache
    def bare_of_hooks() -> Path:
        return place.new_repository("plain")

    prek = "prek running `true`"
    return [
        (
            "ordinary commit, every door",
            lambda: Row(_commits(place, with_doors(), "src", "doors"), _commits(place, with_prek(), "src", prek), 0.7),
        ),
        (
            "ordinary commit on a plan's branch with a scope",
            lambda: Row(
                _commits(place, on_a_plan(), "part1", "doors"), _commits(place, with_prek(), "part1", prek), 0.7
            ),
        ),
        (
            "ordinary commit, every door, beside no hooks at all",
            lambda: Row(
                _commits(place, with_doors(), "src", "doors"), _commits(place, bare_of_hooks(), "src", "no hooks"), None
            ),
        ),
        (
            "claim commit, fully judged",
            lambda: Row(_claims(place, on_a_plan()), _linted(place, with_gitlint()), 0.6),
        ),
    ]


def _commits(place: Place, root: Path, folder: str, label: str) -> Side:
    def prepare(turn: int) -> None:
        file = root / folder / "a"
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as lines:
            lines.write(f"{turn}\n")
        place.git(root, "add", folder)

    return Side(label, lambda turn: place.time("git", "commit", "-q", "-m", f"Add line {turn}", cwd=root), prepare)


def _claims(place: Place, root: Path) -> Side:
    def claim(turn: int) -> float:
        line = f"✅ Wave {turn + 1} Complete"
        return place.time("git", "commit", "-q", "--allow-empty", "-m", line, cwd=root)

    return Side(
        "commit-msg judges the claim", claim, lambda turn: str(place.ours(root, "validate", f"1.{turn + 1}")) and None
    )


def _linted(place: Place, root: Path) -> Side:
    words = ("-m", "Complete the third wave", "-m", "Everything that it needs is there, and all of it is tested.")
    return Side(
        "gitlint's native hook", lambda turn: place.time("git", "commit", "-q", "--allow-empty", *words, cwd=root)
    )
