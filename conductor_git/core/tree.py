"""Raw tree objects, and the product tree: a commit's tree without the control folder.

Source of the format: git's `tree.c` / gitformat-pack: entries `<octal mode> SP <name> NUL <oid bytes>`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

CONTROL_FOLDER = b".conductor"


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a tree. `mode` is git's octal text, `name` raw bytes, `oid` raw bytes (20 or 32)."""

    mode: bytes
    name: bytes
    oid: bytes


def entries(raw: bytes, oid_size: int) -> Iterator[tuple[int, int, Entry]]:
    """Each entry with where it starts and ends in `raw`. Raises ValueError on bytes that are no tree."""
    start, size = 0, len(raw)
    while start < size:
        space = raw.index(b" ", start)
        nul = raw.index(b"\0", space)
        end = nul + 1 + oid_size
        if end > size:
            raise ValueError("tree object ends inside an entry")
        yield start, end, Entry(raw[start:space], raw[space + 1 : nul], raw[nul + 1 : end])
        start = end


def strip_control(raw: bytes, object_format: str) -> bytes:
    """The raw tree without its top-level `.conductor` entry; the same bytes where there is none."""
    for start, end, entry in entries(raw, 20 if object_format == "sha1" else 32):
        if entry.name == CONTROL_FOLDER:
            return raw[:start] + raw[end:]
    return raw


def control_entry(raw: bytes, object_format: str) -> str:
    """The oid of the top-level `.conductor` entry in hex; empty where there is none."""
    for _, _, entry in entries(raw, 20 if object_format == "sha1" else 32):
        if entry.name == CONTROL_FOLDER:
            return entry.oid.hex()
    return ""
