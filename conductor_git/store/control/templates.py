"""A project's own templates of briefs, in the control tree."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.policy import TEMPLATES_FOLDER
from conductor_git.core.targets import Oid
from conductor_git.store.control.controltree import list_files
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository


def read_templates(repo: Repository, control: Oid) -> dict[str, str]:
    """The project's own templates of briefs on a control commit, by name. Raises CannotRun where one is no text."""
    listed = list_files(repo, control, [TEMPLATES_FOLDER])
    names = {
        path.removeprefix(f"{TEMPLATES_FOLDER}/"): entry.oid
        for path, entry in listed.items()
        if path.endswith(".j2") and entry.kind == "blob"
    }
    bodies = {found.oid: found.body for found in read_objects(repo, names.values())} if names else {}
    return {name: _text(name, bodies[oid]) for name, oid in names.items()}


def _text(name: str, body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise CannotRun(f"template '{TEMPLATES_FOLDER}/{name}' is not UTF-8 in line {line}") from error
