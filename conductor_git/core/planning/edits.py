"""What a working tree changed of the control tree, and where others changed the same file meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.targets import Oid


class Version(msgspec.Struct, frozen=True):
    """One state of a file: git's mode as octal text, and the blob."""

    mode: str
    oid: Oid


Files = Mapping[str, Version]


class Edits(msgspec.Struct, frozen=True):
    """Paths that were changed here and not there (None: deleted), and paths that both changed differently."""

    made: dict[str, Version | None]
    clashes: tuple[str, ...] = ()
    there: dict[str, Version] = {}
    """The files of the control tip."""

    @property
    def result(self) -> dict[str, Version]:
        """The files of the control tip once the edits are made there."""
        whole = {**self.there, **self.made}
        return {path: version for path, version in sorted(whole.items()) if version is not None}


def compare(base: Files, here: Files, there: Files) -> Edits:
    """Compare a working tree and the control tip, both with the commit they have in common."""
    made: dict[str, Version | None] = {}
    clashes = []
    for path in sorted({*base, *here}):
        before, mine, theirs = base.get(path), here.get(path), there.get(path)
        if mine in (before, theirs):
            continue
        if theirs == before:
            made[path] = mine
        else:
            clashes.append(path)
    return Edits(made, tuple(clashes), dict(there))
