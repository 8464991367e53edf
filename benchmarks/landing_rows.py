"""Rows about landing: ten branches that are ready, beside a merge queue of another kind, and one landing by itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pairs import Planned, Row, Side
from place import Place
from scenes import coordinated, delegated

_READY = 10
_PLAIN = f"git -c core.hooksPath={os.devnull}"
_BY_HAND = f"{_PLAIN} fetch -q; {_PLAIN} merge -q --no-ff ready; {_PLAIN} push -q"
"""What a landing is without us: our doors do not stand in its way."""


def rows(place: Place) -> list[Planned]:
    """Both sides validate with `true`, and push to an origin on the same disk."""

    @cache
    def ours() -> Path:
        return _ready(place, "ready")

    @cache
    def one() -> Path:
        return _ready(place, "single", plans=1)

    @cache
    def theirs() -> Path:
        return _queued(place, "train")

    return [
        (
            f"{_READY} ready branches land, trivial validation",
            lambda: Row(
                _again(place, ours(), "`merge`", (place.conductor, "merge")),
                _again(place, theirs(), "mergetrain 3.7.1", (place.peer("mergetrain"), "daemon", "--once")),
                1.0,
            ),
        ),
        (
            "one landing that needs no validation",
            lambda: Row(
                _again(place, one(), "`merge 1`", (place.conductor, "merge", "1")),
                _again(place, one(), "fetch, `git merge --no-ff`, push", ("sh", "-e", "-c", _BY_HAND)),
                None,
            ),
        ),
    ]


def _again(place: Place, yard: Path, label: str, argv: tuple[str, ...]) -> Side:
    """The same landing from the same start each time: the yard is put back as it was."""
    root = yard / "shop"

    def restore(turn: int) -> None:
        shutil.rmtree(yard)
        shutil.copytree(_kept(yard), yard, symlinks=True)
        place.git(root, "update-index", "-q", "--refresh")

    def land(turn: int) -> float:
        before = place.git(root, "rev-parse", "main")
        seconds = place.time(*argv, cwd=root)
        place.git(root, "fetch", "-q", "origin")
        if before == place.git(root, "rev-parse", "main") == place.git(root, "rev-parse", "origin/main"):
            raise RuntimeError(f"{' '.join(argv)} landed nothing")
        return seconds

    return Side(label, land, restore)


def _kept(yard: Path) -> Path:
    return yard.with_name(f"{yard.name}.kept")


def _yard(place: Place, name: str, begin: Callable[[str], Path]) -> Path:
    """A folder of its own, with a repository `shop` and the origin that it comes from."""
    yard = place.work / name
    yard.mkdir()
    root = begin(f"{name}/shop")
    origin = yard / "origin.git"
    place.git(place.work, "init", "-q", "--bare", str(origin))
    place.git(root, "remote", "add", "origin", str(origin))
    place.git(root, "push", "-q", "-u", "origin", "main")
    return yard


def _ready(place: Place, name: str, *, plans: int = _READY) -> Path:
    yard = _yard(place, name, lambda folder: coordinated(place, folder))
    root = yard / "shop"
    for plan in range(1, plans + 1):
        worktree = delegated(place, root, plan, waves=1)
        _work(place, worktree, plan)
        place.ours(worktree, "claim", f"{plan}.1")
        place.ours(worktree, "claim", str(plan))
        place.git(root, "branch", "-f", "ready", place.git(worktree, "rev-parse", "HEAD"))
    place.git(root, "push", "-q")
    shutil.copytree(yard, _kept(yard), symlinks=True)
    return yard


def _queued(place: Place, name: str) -> Path:
    tool = place.peer("mergetrain")
    yard = _yard(place, name, place.new_repository)
    root = yard / "shop"
    place.run(tool, "init", "--project", "shop", "--write", cwd=root)
    config = root / ".mergetrain.yaml"
    config.write_text(config.read_text().replace("gates: []", "gates:\n  - {name: check, run: 'true'}"))
    place.git(root, "add", "-A")
    place.git(root, "commit", "-q", "-m", "Begin")
    place.git(root, "push", "-q")
    for task in range(1, _READY + 1):
        worktree = yard / f"task-{task}"
        place.git(root, "worktree", "add", "-q", "-b", f"task-{task}", str(worktree))
        _work(place, worktree, task)
        words = ("--task", f"Part {task}", "--branch", f"task-{task}", "--auto")
        place.run(tool, "enqueue", *words, cwd=worktree)
    shutil.copytree(yard, _kept(yard), symlinks=True)
    return yard


def _work(place: Place, worktree: Path, number: int) -> None:
    folder = worktree / f"part{number}"
    folder.mkdir()
    (folder / "a").write_text("1\n")
    place.git(worktree, "add", "-A")
    place.git(worktree, "commit", "-q", "-m", f"Do part {number}")
