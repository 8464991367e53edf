"""A ledger's note tree as raw bytes: a root with folders of two hex digits, and in each the notes by the rest of their
oid. What `git notes` may have put beside them stays."""

from __future__ import annotations

from conductor_git.core.targets import Oid
from conductor_git.core.tree import entries

_FILE, _FOLDER = b"100644", b"40000"


def note_path(id: Oid) -> str:
    """Where the note of an event stands in a ledger's tree."""
    return f"{id[:2]}/{id[2:]}"


def with_note(folder: bytes, id: Oid) -> bytes:
    """A folder's raw tree with the note of an event."""
    return _with_entry(folder, _FILE, id[2:].encode("ascii"), id)


def with_folder(root: bytes, name: str, tree: Oid) -> bytes:
    """A root's raw tree with another folder of that name."""
    return _with_entry(root, _FOLDER, name.encode("ascii"), tree)


def folder_of(root: bytes, name: str, oid_size: int) -> Oid | None:
    """The tree of a root's folder; None where it has none."""
    for _, _, entry in entries(root, oid_size):
        if entry.name == name.encode("ascii") and entry.mode == _FOLDER:
            return Oid(entry.oid.hex())
    return None


def _with_entry(tree: bytes, mode: bytes, name: bytes, oid: Oid) -> bytes:
    raw = bytes.fromhex(oid)
    new = mode + b" " + name + b"\0" + raw
    key = _key(mode, name)
    for start, end, entry in entries(tree, len(raw)):
        if entry.name == name:
            return tree[:start] + new + tree[end:]
        if _key(entry.mode, entry.name) > key:
            return tree[:start] + new + tree[start:]
    return tree + new


def _key(mode: bytes, name: bytes) -> bytes:
    # Folders sort as if their names ended with a slash (git's `base_name_compare`).
    return name + b"/" if mode == _FOLDER else name
