"""The file with the message of a commit that is about to be made: read as git will clean it, and written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from conductor_git.core.errors import CannotRun
from conductor_git.core.messages import message
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.proposed import merge_heads

if TYPE_CHECKING:
    from conductor_git.core.judgement.judge import Ruling


def find_message_file(repo: Repository) -> str:
    """The file that git will take the message from, where nobody named it. Raises CannotRun where there is none."""
    for name in ("MERGE_MSG", "COMMIT_EDITMSG"):
        path = os.path.join(repo.git_dir, name)
        if os.path.exists(path) and (name != "MERGE_MSG" or merge_heads(repo)):
            return path
    raise CannotRun("commit-msg was called without a message file", hint="conductor-git doctor")


def cleaned(repo: Repository, raw: bytes, mode: str) -> str:
    """The message as git will clean it (git-commit, `--cleanup`): what follows a scissors line is cut, comments go
    where an editor was used (git sets GIT_EDITOR to `:` where none was)."""
    if mode in ("", "default"):
        mode = "whitespace" if os.environ.get("GIT_EDITOR") == ":" else "strip"
    if mode == "verbatim":
        return raw.decode("utf-8", "replace")
    text = _above_scissors(raw) if mode != "whitespace" else raw
    if mode == "strip":
        # Which lines are comments, git decides by core.commentChar.
        return repo.git("stripspace", "--strip-comments", stdin=text).out.decode("utf-8", "replace")
    return _stripped(text).decode("utf-8", "replace")


def _stripped(text: bytes) -> bytes:
    """As git-stripspace: no white space at the ends of lines, no empty lines at both ends, one in a row between."""
    kept: list[bytes] = []
    for line in text.split(b"\n"):
        line = line.rstrip(b" \t\r\v\f")
        if line or (kept and kept[-1]):
            kept.append(line)
    return b"\n".join(kept).rstrip(b"\n") + b"\n" if any(kept) else b""


def _above_scissors(raw: bytes) -> bytes:
    kept = []
    for line in raw.splitlines(keepends=True):
        if line[1:].strip() == b"------------------------ >8 ------------------------":
            break
        kept.append(line)
    return b"".join(kept)


def write_message(repo: Repository, path: str, raw: bytes, ruling: Ruling) -> None:
    """Put the exact line and the trailers into the message file, in one step."""
    text = _with_line(raw, ruling.line)
    trailers = [f"{key}: {value}" for key, value in ruling.trailers]
    if text == f"{ruling.line}\n".encode():
        # Nothing that git would have to tell from trailers.
        text += "\n".join(["", *trailers, ""]).encode()
    else:
        args = (
            "interpret-trailers",
            "--no-divider",
            "--if-exists=replace",
            *(f"--trailer={line}" for line in trailers),
        )
        text = repo.git("-c", "trailer.separators=:", *args, stdin=text).out
    temporary = f"{path}.conductor"
    with open(temporary, "wb") as file:
        file.write(text)
    os.replace(temporary, path)


def _with_line(raw: bytes, line: str) -> bytes:
    """The message with its claim's line in exact form and a final newline, without which git-interpret-trailers would
    glue the first trailer to the subject (2.39, after `merge -m`)."""
    lines = raw.split(b"\n")
    for position, found in enumerate(lines):
        spoken = message.parse(found.decode("utf-8", "replace").strip(), keyboard=True)
        if isinstance(spoken, message.Claim):
            lines[position] = line.encode("utf-8")
            break
    return b"\n".join(lines).rstrip(b"\n") + b"\n"
