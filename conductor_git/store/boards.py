"""The board of this repository, kept as long as nothing changes that it was folded from."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

import msgspec

from conductor_git.core.reporting.board import Board
from conductor_git.store.control.joined import joined_file
from conductor_git.store.files import memo
from conductor_git.store.plumbing.aside import Aside
from conductor_git.store.plumbing.refs import Refs, read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import was_seen
from conductor_git.store.plumbing.settings import read_settings

_MEMO = "board"


class _Kept(msgspec.Struct, frozen=True):
    key: bytes
    board: Board


def read_board(repo: Repository, now: int, *, refs: Refs | None = None) -> Board:
    """The board of now: one git process where nothing changed since the last time, a fold where something did.

    Raises CannotRun where there is no policy, or git cannot be read.
    """
    kept = memo.load(repo, _MEMO, _Kept)
    refs = read_refs(repo) if refs is None else refs
    key = board_key(repo, refs)
    if kept is not None and kept.key == key:
        return kept.board
    settings = Aside(partial(read_settings, repo))
    from conductor_git.store.snapshot import take

    known = msgspec.structs.replace(refs, settings=settings.answer())
    taken = take(repo, refs=known, meanwhile=_load_judges)
    from conductor_git.core.planning.plans import declares_freezes
    from conductor_git.core.reporting.conflicts import to_land
    from conductor_git.core.reporting.fold import fold
    from conductor_git.store.past.changes import with_changes

    snapshot = with_changes(repo, taken)
    if declares_freezes(snapshot.plans):
        from conductor_git.store.hookfiles.guards import note_frozen
        from conductor_git.store.past.freezes import with_freezes

        snapshot = with_freezes(repo, snapshot)
        note_frozen(repo, snapshot.bounds.freezes)
    board = fold(snapshot, now)
    if to_land(board):
        from conductor_git.store.past.conflicts import with_conflicts

        board = with_conflicts(repo, snapshot, board)
    memo.save(repo, _MEMO, _Kept(key, board))
    return board


def _load_judges() -> None:
    from conductor_git.core.reporting import fold  # noqa: F401
    from conductor_git.store.past import changes  # noqa: F401


def board_key(repo: Repository, refs: Refs) -> bytes:
    """Everything that a board is folded from, as bytes to compare.

    Commits and notes are named by their refs; which of them are read depends on configuration (conductor.control and
    remotes, in the repository's own; init.defaultBranch, most likely in the user's) and on the remote's default branch,
    and how far history goes on git's list of shallow commits. Files, not git's answers: nothing else costs less.
    """
    names = ("config", "shallow", "refs/remotes/origin/HEAD")
    files = [_content(os.path.join(repo.common_dir, name)) for name in names] + [_content(path) for path in _of_user()]
    place = os.fsencode(repo.common_dir)
    # As bytes: a ref's name need not be text.
    oids = sorted((os.fsencode(ref), oid) for ref, oid in refs.oids.items())
    upstream = sorted((os.fsencode(ref), os.fsencode(above)) for ref, above in refs.upstream.items())
    files.append(_content(joined_file(repo)))
    return msgspec.msgpack.encode((place, files, was_seen(repo), oids, upstream))


def _of_user() -> list[str]:
    """The user's configuration files (git-config, "FILES")."""
    home = os.path.expanduser("~")
    given = os.environ.get("GIT_CONFIG_GLOBAL")
    if given is not None:
        return [given]
    xdg = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return [os.path.join(home, ".gitconfig"), os.path.join(xdg, "git", "config")]


def _content(path: str) -> bytes:
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""
