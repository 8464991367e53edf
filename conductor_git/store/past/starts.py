"""Start commits: the empty commit a plan's branch begins with, which makes a delegation exclusive."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.messages.message import (
    DELEGATION_TRAILER,
    PLAN_TRAILER,
    WAVE_TRAILER,
    PartStart,
    Start,
    parse_start,
    render_part_start,
    render_start,
)
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.repository import Repository


class Begun(msgspec.Struct, frozen=True):
    """A start commit that was found: whose branch it is, since when, and the delegation event it names."""

    oid: Oid
    plan: str
    agent: str
    time: int
    """Committer time, seconds since the epoch."""
    event: Oid | None


def find_start(repo: Repository, tip: Oid, plan: str, *, since: str = "") -> Begun | None:
    """The start commit nearest below `tip` on its first-parent chain, not going below the commit `since`.

    Where there is none the branch may have been forwarded onto what it landed on: then the plan's own, anywhere below.
    """
    chain = _starts(repo, tip, "--first-parent", since=since)
    landed = (begun for begun in _starts(repo, tip, since=since) if begun.plan == plan)
    return next(chain, None) or next(landed, None)


def _starts(repo: Repository, tip: Oid, *walk: str, since: str) -> Iterator[Begun]:
    trailer = f"%(trailers:key={DELEGATION_TRAILER},valueonly)"
    listed = repo.git(
        "-c",
        "log.showSignature=false",
        "log",
        "-z",
        *walk,
        "--encoding=UTF-8",
        f"--format=%H%x01%ct%x01{trailer}%x01%B",
        "--fixed-strings",
        # Only to keep git from printing every message: what the line really is, parse_start says.
        f"--grep={_first_word()}",
        "--end-of-options",
        tip,
        *([f"^{since}"] if since and repo.resolve(since) else []),
    )
    for field in listed.fields():
        oid, time, event, message = field.split("\x01", 3)
        start = parse_start(message)
        if start is not None:
            yield Begun(Oid(oid), start.plan, start.agent, int(time), Oid(event.strip()) if event.strip() else None)


def make_start(repo: Repository, start: Start, event: Oid, parent: Oid) -> Oid:
    """Write the start commit on `parent`, with its tree; no ref is moved. Raises CannotRun without an identity."""
    return _write(
        repo, f"{render_start(start)}\n\n{PLAN_TRAILER}: {start.plan}\n{DELEGATION_TRAILER}: {event}\n", parent
    )


def make_part_start(repo: Repository, start: PartStart, event: Oid, parent: Oid) -> Oid:
    """As `make_start`, for the branch of a wave executor."""
    trailers = {PLAN_TRAILER: start.target.plan, WAVE_TRAILER: start.target.wave, DELEGATION_TRAILER: event}
    lines = "".join(f"{key}: {value}\n" for key, value in trailers.items())
    message = f"{render_part_start(start)}\n\n{lines}"
    return _write(repo, message, parent)


def _write(repo: Repository, message: str, parent: Oid) -> Oid:
    written = repo.git(
        "commit-tree", "-p", parent, "-F", "-", f"{parent}^{{tree}}", stdin=message.encode(), writes=True
    )
    return Oid(written.text())


def create_branch(repo: Repository, branch: str, oid: Oid, *, why: str) -> bool:
    """Create a branch (short name); False where it exists by now."""
    ref = f"refs/heads/{branch}"
    try:
        repo.git("update-ref", "--create-reflog", "-m", why, ref, oid, repo.zero, writes=True)
    except GitFailed as error:
        if repo.resolve(ref) is not None:
            return False
        raise CannotRun(f"branch '{branch}' could not be created", detail=error.said) from error
    return True


def delete_branch(repo: Repository, branch: str, oid: Oid) -> None:
    """Take back a branch that still stands where `create_branch` put it."""
    repo.git("update-ref", "-d", f"refs/heads/{branch}", oid, ok=(0, 1, 128), writes=True)


def _first_word() -> str:
    return render_start(Start("0", "x")).partition(" ")[0]
