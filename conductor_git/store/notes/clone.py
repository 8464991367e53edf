"""The clone id: what keeps the ledger refs of two clones of one writer apart."""

from __future__ import annotations

import os

import msgspec

from conductor_git.store.files.exclusive import exclusive
from conductor_git.store.files.refused import cannot
from conductor_git.store.plumbing.repository import Repository


class _Place(msgspec.Struct, frozen=True):
    id: str
    path: str
    """The real path of the common git directory that has this id."""


class _Clone(_Place, frozen=True):
    former: tuple[_Place, ...] = ()
    """Newest first: ids from before this git directory was moved or copied here, or seen under another path."""


def clone_id(repo: Repository) -> str:
    """The eight hex digits of this clone; made where there are none for the place that the git directory is at.

    `cp -r` copies the id with the git directory, and two clones would then write one ref: the path tells them apart.
    Raises CannotRun where the id must be made and cannot be written.
    """
    path = _place(repo)
    known = _read(_file(repo))
    return known.id if known is not None and known.path == path else _renew(repo, path).id


def clone_ids(repo: Repository) -> tuple[str, ...]:
    """This clone's id, then the ids it had elsewhere: their ledgers may hold what was never pushed."""
    clone_id(repo)
    known = _read(_file(repo))
    return () if known is None else (known.id, *(place.id for place in known.former))


def _renew(repo: Repository, path: str) -> _Clone:
    file = _file(repo)
    try:
        with exclusive(os.path.join(repo.private, "locks", "clone")):
            known = _read(file)
            if known is not None and known.path == path:
                return known
            return _write(file, _moved(known, path))
    except OSError as error:
        raise cannot("written", file, error, detail="it has the id of this clone; nothing was recorded") from error


def _moved(known: _Clone | None, path: str) -> _Clone:
    former = () if known is None else (_Place(known.id, known.path), *known.former)
    # One repository can be seen at two paths in turns (a container's mount and the host's): each keeps its id.
    back = next((place.id for place in former if place.path == path), None)
    return _Clone(back or os.urandom(4).hex(), path, tuple(place for place in former if place.path != path))


def _read(file: str) -> _Clone | None:
    try:
        with open(file, "rb") as opened:
            return msgspec.json.decode(opened.read(), type=_Clone)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _write(file: str, clone: _Clone) -> _Clone:
    draft = f"{file}.{os.getpid()}"
    with open(draft, "wb") as opened:
        opened.write(msgspec.json.encode(clone) + b"\n")
    os.replace(draft, file)
    return clone


def _file(repo: Repository) -> str:
    return os.path.join(repo.private, "clone")


def _place(repo: Repository) -> str:
    return os.fsencode(os.path.realpath(repo.common_dir)).decode("utf-8", "backslashreplace")
