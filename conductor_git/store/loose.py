"""Looking at git's own files without starting git: a short cut, never the last word.

None says nothing: the ref or object may be packed, in an alternate or in a reftable. Then git is asked.
"""

from __future__ import annotations

import os
import zlib

from conductor_git.core.targets import Oid
from conductor_git.store.repository import Repository


def read_ref(repo: Repository, ref: str) -> Oid | None:
    """What a loose ref points to. Source of the format: gitrepository-layout, "refs"."""
    try:
        with open(os.path.join(repo.common_dir, ref), "rb") as file:
            return Oid(file.read().decode("ascii").strip())
    except (OSError, UnicodeDecodeError):
        return None


def read_object(repo: Repository, oid: Oid) -> bytes | None:
    """The content of a loose object. Source of the format: git-hash-object and gitformat-loose."""
    try:
        with open(os.path.join(repo.common_dir, "objects", oid[:2], oid[2:]), "rb") as file:
            return zlib.decompress(file.read()).partition(b"\0")[2]
    except (OSError, zlib.error):
        return None
