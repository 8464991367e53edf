"""Rows about `log-status`: how fast the picture is rebuilt, small and over a very long history."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from pairs import Planned, Row, Side
from place import Place
from repos import import_commits
from scenes import coordinated, delegated

_PLANS = 10
_COMMITS = 100_000
_ON_EACH_BRANCH = 8_000


def rows(place: Place) -> list[Planned]:
    """Warm and cold, small and large."""

    @cache
    def small() -> Path:
        return _ten_plans(place, "small")

    @cache
    def large() -> Path:
        return _long_history(place)

    @cache
    def beads() -> Path:
        root = place.new_repository("beads")
        place.run(place.peer("microbeads"), "init", "--stealth", cwd=root)
        for number in range(_PLANS):
            place.run(place.peer("microbeads"), "create", f"Part {number}", cwd=root)
        return root

    def ready() -> Side:
        root, tool = beads(), place.peer("microbeads")
        return Side("`microbeads ready`, 10 items", lambda turn: place.time(tool, "ready", cwd=root))

    return [
        ("status of 10 plans, unchanged", lambda: Row(_status(place, small()), ready(), 1.0)),
        ("status of 10 plans, cold", lambda: Row(_status(place, small(), cold=True), ready(), 1.6)),
        (
            f"status over {_COMMITS:,} commits, cold",
            lambda: Row(_status(place, large(), cold=True), _log(place, large()), 1.5),
        ),
        (
            f"status over {_COMMITS:,} commits, unchanged",
            lambda: Row(_status(place, large()), _small(place, small()), 1.2),
        ),
    ]


def _status(place: Place, root: Path, *, cold: bool = False) -> Side:
    def forget(turn: int) -> None:
        if cold:
            shutil.rmtree(root / ".git" / "conductor" / "cache", ignore_errors=True)

    place.ours(root, "log-status", "--json")
    return Side("`log-status`", lambda turn: place.time(place.conductor, "log-status", "--json", cwd=root), forget)


def _small(place: Place, root: Path) -> Side:
    return Side("the same over a few commits", _status(place, root).run)


def _log(place: Place, root: Path) -> Side:
    argv = ("git", "log", "-z", "--format=%H %T %ct %P%n%B", "--branches")
    return Side("`git log` of the same commits", lambda turn: place.time(*argv, cwd=root))


def _ten_plans(place: Place, name: str) -> Path:
    root = coordinated(place, name)
    for plan in range(1, _PLANS + 1):
        worktree = delegated(place, root, plan, waves=3)
        if plan <= _PLANS // 2:
            place.ours(worktree, "claim", f"{plan}.1")
    return root


def _long_history(place: Place) -> Path:
    root = _ten_plans(place, "large")
    branches = place.git(root, "for-each-ref", "--format=%(refname)", "refs/heads/agent-*/*").splitlines()
    rest = _COMMITS - _ON_EACH_BRANCH * len(branches)
    counts = {**dict.fromkeys(branches, _ON_EACH_BRANCH), "refs/heads/main": rest}
    folders = {branch: f"part{branch.split('/')[2].removeprefix('agent-')}" for branch in branches}
    import_commits(
        place,
        root,
        {
            branch: (f"Change {number} of the parser\n\nWhy it had to be." for number in range(count))
            for branch, count in counts.items()
        },
        folders={**folders, "refs/heads/main": "src/more"},
    )
    return root
