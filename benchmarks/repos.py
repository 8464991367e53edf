"""Repositories with very many commits, made by git fast-import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from place import Place

_BEGINNING = 1_700_000_000


def import_commits(
    place: Place, root: Path, branches: Mapping[str, Iterable[str]], *, folders: Mapping[str, str] | None = None
) -> None:
    """Add one commit a message to each branch (full name), on what it points to now.

    With `folders` each commit of that branch changes one of a hundred files below its folder; without, none.
    """
    stream = bytearray()
    for branch, messages in branches.items():
        tip = place.run("git", "for-each-ref", "--format=%(objectname)", branch, cwd=root)
        folder = (folders or {}).get(branch)
        for number, message in enumerate(messages):
            body = message.encode()
            stream += f"commit {branch}\ncommitter Ada <ada@example.org> {_BEGINNING + number} +0000\n".encode()
            stream += b"data %d\n%s\n" % (len(body), body)
            if number == 0 and tip:
                stream += f"from {tip}\n".encode()
            if folder is not None:
                content = f"{number}\n".encode()
                stream += b"M 100644 inline %s/%d\n" % (folder.encode(), number % 100)
                stream += b"data %d\n%s\n" % (len(content), content)
    place.run("git", "fast-import", "--quiet", cwd=root, stdin=bytes(stream))
