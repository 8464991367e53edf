"""When a remote was last seen: how old what we know of its branches and of the ledger is, without asking git."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from conductor_git.store.plumbing.questions import LEDGER, LEDGER_COPIES
from conductor_git.store.plumbing.refs import REMOTES, Refs
from conductor_git.store.plumbing.repository import Repository


def record_seen(repo: Repository, remote: str, began: float) -> None:
    """Note that all of a remote's branches and ledgers that are meant to be here were fetched, beginning then.

    One that cannot be noted makes the view look older than it is, and fails nobody.
    """
    path = _file(repo, remote)
    draft = f"{path}.{os.getpid()}"
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(draft, "w", encoding="ascii") as file:
            file.write(f"{began:.3f}\n")
        os.replace(draft, path)


def seen_by_us(repo: Repository, remote: str) -> float | None:
    """When the newest fetch of ours that ended well began, seconds since the epoch; None where there was none."""
    with suppress(OSError, ValueError), open(_file(repo, remote), encoding="ascii") as file:
        return float(file.read())
    return None


def was_seen(repo: Repository) -> bool:
    """Whether a fetch of ours ever brought a remote's ledger, or found that it has none."""
    return os.path.isdir(os.path.join(repo.private, "seen"))


def last_seen(repo: Repository, remote: str, refs: Refs) -> int | None:
    """When this clone last fetched the ledger of a remote, by us or by a git that somebody called; None where nobody
    can tell."""
    times = [seen_by_us(repo, remote)]
    if {ref.removeprefix(LEDGER_COPIES).rpartition("/")[0] for ref in refs.oids if ref.startswith(LEDGER_COPIES)} == {
        remote
    }:
        # git says by URL where it fetched from, so only of a single ledger can be told whose it was.
        times += _by_git(repo)
    return max((int(time) for time in times if time is not None), default=None)


def remote_of(refs: Refs, integration: str) -> str:
    """The remote that a team meets at: that of integration's upstream, else origin where it has that branch; empty
    where there is none."""
    above = refs.upstream.get(f"refs/heads/{integration}", "")
    if above.startswith(REMOTES):
        name = above.removeprefix(REMOTES)
        # A remote's name may have slashes in it, and so may a branch's.
        return name.removesuffix(f"/{integration}") if name.endswith(f"/{integration}") else name.partition("/")[0]
    return "origin" if f"{REMOTES}origin/{integration}" in refs.oids else ""


def _by_git(repo: Repository) -> Iterator[float]:
    """The times of each worktree's FETCH_HEAD that names a ledger: a fetch that failed leaves an empty one."""
    folder = os.path.join(repo.common_dir, "worktrees")
    linked = os.listdir(folder) if os.path.isdir(folder) else []
    for place in (repo.common_dir, *(os.path.join(folder, name) for name in linked)):
        path = os.path.join(place, "FETCH_HEAD")
        with suppress(OSError), open(path, "rb") as file:
            if LEDGER.encode() in file.read():
                yield os.stat(path).st_mtime


def _file(repo: Repository, remote: str) -> str:
    from urllib.parse import quote

    return os.path.join(repo.private, "seen", quote(remote, safe=""))
