"""commit-msg: refuses malformed and unproven claims, writes the trailers of proven ones."""

from __future__ import annotations

import os
import sys

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.core.judgement.history import History, Pairs
from conductor_git.core.judgement.judge import Ruling, Saying, judge_saying, malformed
from conductor_git.core.messages import message
from conductor_git.core.say import say_findings
from conductor_git.core.targets import Oid
from conductor_git.core.tree import strip_control
from conductor_git.store.notes.writer import checked_out
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.loose import read_object
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.plumbing.settings import Settings, read_settings
from conductor_git.store.team.proposed import merge_heads, proposed_parents

_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


def commit_msg(args: list[str]) -> int:
    """Judge the message in the file that git names; without one (pre-commit, filtered), the one git will use."""
    repo = discover()
    settings = read_settings(repo)
    path = args[0] if args else _message_file(repo)
    with open(path, "rb") as file:
        raw = file.read()
    cleaned = _cleaned(repo, raw, settings.cleanup)
    spoken = message.parse(cleaned, keyboard=True)
    if isinstance(spoken, message.Ordinary):
        return 0
    if isinstance(spoken, message.Malformed):
        finding = malformed(cleaned.partition("\n")[0], spoken)
        print(say_findings([finding], unchanged="nothing was committed"), file=sys.stderr)
        return 1
    ruling = _ruling(repo, cleaned, settings)
    if ruling.findings:
        print(say_findings(ruling.findings, unchanged="nothing was committed"), file=sys.stderr)
    if refused(list(ruling.findings)):
        return 1
    _write(repo, path, raw, ruling)
    return 0


def _message_file(repo: Repository) -> str:
    for name in ("MERGE_MSG", "COMMIT_EDITMSG"):
        path = os.path.join(repo.git_dir, name)
        if os.path.exists(path) and (name != "MERGE_MSG" or merge_heads(repo)):
            return path
    raise CannotRun("commit-msg was called without a message file", hint="conductor-git doctor")


def _cleaned(repo: Repository, raw: bytes, mode: str) -> str:
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


def _ruling(repo: Repository, cleaned: str, settings: Settings) -> Ruling:
    from conductor_git.store.plumbing.refs import read_refs
    from conductor_git.store.snapshot import take
    from conductor_git.store.validation.platform import platform_tag

    refs = msgspec.structs.replace(read_refs(repo), settings=settings)
    parents = proposed_parents(repo, refs)
    snapshot = take(repo, also=parents, refs=refs)
    sets: list[tuple[Oid, ...]] = [parents]
    if len(parents) == 1 and parents[0] in snapshot.history.notes:
        # An amend looks just like a commit from here: same environment, same argument.
        sets.append(snapshot.history.nodes[parents[0]][0])
    trailers = _trailers(repo, cleaned)
    product = _product(repo, snapshot.history)
    return judge_saying(Saying(cleaned, trailers, checked_out(repo), tuple(sets), product, platform_tag()), snapshot)


def _product(repo: Repository, history: History) -> Oid:
    """The product tree of what git is about to commit: with `-a` or paths, an index of its own."""
    tree = Oid(run(["write-tree"], inherit=_INHERITED, writes=True).text())
    known = history.products.get(tree)
    if known is not None:
        return known
    raw = read_object(repo, "tree", tree)
    if raw is None:
        raw = next((found.body for found in read_objects(repo, [tree])), b"")
    return repo.hash("tree", strip_control(raw, repo.object_format))


def _trailers(repo: Repository, text: str) -> Pairs:
    """The message's Conductor- trailers as git reads them."""
    if "onductor-" not in text:
        return ()
    parsed = repo.git("interpret-trailers", "--parse", "--no-divider", stdin=text.encode("utf-8", "surrogateescape"))
    pairs = (line.partition(": ") for line in parsed.lines())
    return tuple((key, value) for key, _, value in pairs if key.lower().startswith("conductor-"))


def _write(repo: Repository, path: str, raw: bytes, ruling: Ruling) -> None:
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
