"""Rows about doors that everything passes: reference-transaction where it has nothing to judge, and a hub's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from pairs import Planned, Row, Side
from place import Place
from repos import import_commits
from scenes import coordinated, delegated

_DOOR = "reference-transaction"
_READS = "#!/bin/sh\nwhile read -r was to name; do :; done\n"
_REBASED, _FETCHED, _LONG = 20, 200, 20_000
_UNHOOKED = ("-c", "core.hooksPath=/dev/null")
_Job = Callable[[Place, Path, str], Side]


def rows(place: Place) -> list[Planned]:
    """What moves no branch of ours, beside a hook that does nothing; a push, beside a hub without one."""

    @cache
    def judged() -> Path:
        root = coordinated(place, "judged")
        for hook in (root / ".git/hooks").iterdir():
            if hook.is_file() and hook.name != _DOOR:
                hook.unlink()
        return _elsewhere(place, root)

    @cache
    def unjudged() -> Path:
        root = _elsewhere(place, place.new_repository("unjudged"))
        hook = root / ".git/hooks" / _DOOR
        hook.write_text(_READS)
        hook.chmod(0o755)
        return root

    def row(job: _Job) -> Callable[[], Row]:
        return lambda: Row(job(place, judged(), _DOOR), job(place, unjudged(), "an sh hook that reads its input"), 1.3)

    return [
        ("commit on a branch of no plan", row(_commits)),
        (f"rebase of {_REBASED} commits of no plan", row(_rebases)),
        (f"fetch of {_FETCHED} new branches", row(_fetches)),
        (f"push of a commit to a hub with {_LONG:,} commits", lambda: _pushes(place)),
    ]


def _elsewhere(place: Place, root: Path) -> Path:
    """The repository on a branch that nothing guards, with another one beside it."""
    place.git(root, "checkout", "-q", "-b", "elsewhere")
    place.git(root, "branch", "beside")
    import_commits(place, root, {"refs/heads/beside": ["Go another way"]}, folders={"refs/heads/beside": "beside"})
    return root


def _commits(place: Place, root: Path, label: str) -> Side:
    return Side(label, lambda turn: place.time("git", "commit", "-q", "--allow-empty", "-m", f"Turn {turn}", cwd=root))


def _rebases(place: Place, root: Path, label: str) -> Side:
    work = "refs/heads/work"
    place.git(root, "branch", "work", "elsewhere")
    import_commits(place, root, {work: [f"Step {step}" for step in range(_REBASED)]}, folders={work: "work"})
    tip = place.git(root, "rev-parse", work)

    def back(turn: int) -> None:
        place.git(root, *_UNHOOKED, "checkout", "-q", "-B", "work", tip)

    return Side(label, lambda turn: place.time("git", "rebase", "-q", "beside", cwd=root), back)


def _fetches(place: Place, root: Path, label: str) -> Side:
    source = root.parent / f"{root.name}.git"
    place.git(root, "clone", "-q", "--bare", str(root), str(source))
    tip = place.git(source, "rev-parse", "elsewhere")
    many = "".join(f"create refs/heads/many/{number} {tip}\n" for number in range(_FETCHED))
    place.run("git", "update-ref", "--stdin", cwd=source, stdin=many.encode())

    def forget(turn: int) -> None:
        gone = place.git(root, "for-each-ref", "--format=delete %(refname)", "refs/remotes/many/")
        place.run("git", *_UNHOOKED, "update-ref", "--stdin", cwd=root, stdin=f"{gone}\n".encode() if gone else b"")

    many_refs = "refs/heads/many/*:refs/remotes/many/*"
    return Side(label, lambda turn: place.time("git", "fetch", "-q", str(source), many_refs, cwd=root), forget)


def _pushes(place: Place) -> Row:
    """A clone without doors pushes a plan's work, one commit a time."""
    root = coordinated(place, "long")
    import_commits(
        place,
        root,
        {"refs/heads/main": (f"Change {number} of the parser" for number in range(_LONG))},
        folders={"refs/heads/main": "src/more"},
    )
    place.git(root, *_UNHOOKED, "reset", "-q", "--hard")
    branch = place.git(delegated(place, root, 1, waves=2), "branch", "--show-current")
    plain, hub = place.work / "plain.git", place.work / "hub.git"
    place.git(root, *_UNHOOKED, "clone", "-q", "--bare", str(root), str(plain))
    shutil.copytree(plain, hub)
    place.ours(hub, "hub", "install", "--conductor", "ada", "--identity", "BENCH_LOGIN")

    def side(to: Path, label: str) -> Side:
        clone = place.work / f"to-{to.stem}"
        place.git(place.work, "clone", "-q", "-b", branch, str(to), str(clone))
        push = ("env", "BENCH_LOGIN=agent-1", "git", "push", "-q", "origin", "HEAD")

        def work(turn: int) -> None:
            (clone / "part1").mkdir(exist_ok=True)
            (clone / "part1/a").write_text(f"{turn}\n")
            place.git(clone, "add", "part1")
            place.git(clone, "commit", "-q", "-m", f"Turn {turn}")

        return Side(label, lambda turn: place.time(*push, cwd=clone), work)

    return Row(side(hub, "pre-receive judges it"), side(plain, "a bare repository without hooks"), None)
