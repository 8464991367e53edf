"""What was derived once from objects that never change, kept in the git directory. Disposable: whatever is wrong with a
memo, it is as if it were not there."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from conductor_git import __version__
from conductor_git.store.plumbing.repository import Repository

T = TypeVar("T")

_VERSION = __version__.encode("ascii")


def load(repo: Repository, name: str, kind: type[T] | Any) -> T | None:
    """Read a memo of that type; None when it is missing, of another version, broken or unreadable."""
    try:
        with open(os.path.join(repo.private, "cache", name), "rb") as file:
            version, _, body = file.read().partition(b"\n")
        value: T | None = msgspec.msgpack.decode(body, type=kind) if version == _VERSION else None
    except (OSError, msgspec.DecodeError, ValueError):
        return None
    return value


def save(repo: Repository, name: str, value: object) -> None:
    """Replace a memo in one step. One that cannot be written is no error: the next reader is slower."""
    folder = os.path.join(repo.private, "cache")
    # What is named by a ref that is no text is read anew each time.
    with suppress(OSError, UnicodeEncodeError):
        content = _VERSION + b"\n" + msgspec.msgpack.encode(value)
        os.makedirs(folder, exist_ok=True)
        # One process writes one memo at a time: its number is name enough, and `tempfile` takes long to load.
        temporary = os.path.join(folder, f"{name}.{os.getpid()}")
        try:
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, os.path.join(folder, name))
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise
