"""Many objects from one git process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.repository import Repository


class Object(msgspec.Struct, frozen=True):
    """One object as `git cat-file --batch` prints it; `body` is its raw content."""

    name: str
    """What it was asked for as."""
    oid: Oid
    kind: str
    body: bytes


def read_objects(repo: Repository, names: Iterable[str]) -> Iterator[Object]:
    """Read objects by any name git resolves, in one process; those that are missing or ambiguous are left out.

    Source of the framing: git-cat-file, "BATCH OUTPUT". Raises GitFailed when git itself fails.
    """
    asked = list(names)
    if not asked:
        return
    stdin = "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape")
    out = repo.git("cat-file", "--batch", stdin=stdin).out
    position = 0
    for name in asked:
        end = out.index(b"\n", position)
        words = out[position:end].split(b" ")
        position = end + 1
        if len(words) == 3 and words[2].isdigit():
            size = int(words[2])
            body = out[position : position + size]
            position += size + 1
            yield Object(name, Oid(words[0].decode("ascii")), words[1].decode("ascii"), body)
