"""What has to be known of commits that are about to arrive on a branch, before anything else is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress

from conductor_git.core.judgement.moves import Move
from conductor_git.core.messages import message
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.caller import Call
from conductor_git.store.plumbing.refs import HEADS, LEDGER, LEDGER_COPIES, REMOTES, Refs
from conductor_git.store.plumbing.repository import Repository

_FETCHED = re.compile(r"([0-9a-f]{40,64})\t[^\t]*\tbranch '(.*)' of (.*)")
"""A line of FETCH_HEAD (git-fetch, "OUTPUT")."""


def is_contained(repo: Repository, older: Oid, newer: Oid) -> bool:
    """Whether a commit is another one or an ancestor of it; False where that cannot be told."""
    return older == newer or repo.git("merge-base", "--is-ancestor", older, newer, ok=(0, 1, 128)).code == 0


def find_followed(repo: Repository, refs: Refs, move: Move, call: Call) -> tuple[Oid, ...]:
    """What the upstream of a branch is known to have: its tracking refs, and what is being fetched from it."""
    branch = move.ref.removeprefix(HEADS)
    above = refs.upstream.get(move.ref, "")
    tracking = [above] if above.startswith(REMOTES) else refs.copies(branch)
    known = [refs.oids[ref] for ref in tracking if ref in refs.oids]
    remote = repo.config(f"branch.{branch}.remote") or "origin"
    url = repo.config(f"remote.{remote}.url")
    if url is None or remote == ".":
        return tuple(known)
    # `git fetch origin main:main` moves main before it moves origin/main.
    if call.verb == "fetch" and call.operands()[:1] in ((remote,), (url,)) and move.new is not None:
        known.append(move.new)
    # `git pull URL main` moves no tracking ref at all.
    return (*known, *_just_fetched(repo, branch, url))


def _just_fetched(repo: Repository, branch: str, url: str) -> list[Oid]:
    found = []
    with suppress(OSError), open(os.path.join(repo.git_dir, "FETCH_HEAD"), encoding="utf-8", errors="replace") as file:
        for line in file:
            read = _FETCHED.match(line.rstrip("\n"))
            if read and read[2] == branch and _bare(read[3]) == _bare(url):
                found.append(Oid(read[1]))
    return found


def _bare(url: str) -> str:
    """As git writes it into FETCH_HEAD."""
    return url.rstrip("/").removesuffix(".git")


def follows(repo: Repository, move: Move, followed: Iterable[Oid]) -> bool:
    """Whether a branch only goes where its upstream is, and leaves nothing behind that upstream does not have."""
    tips = tuple(followed)
    if move.new is None or not any(is_contained(repo, move.new, tip) for tip in tips):
        return False
    old = move.old
    return old is None or is_contained(repo, old, move.new) or any(is_contained(repo, old, tip) for tip in tips)


def is_kept(repo: Repository, ref: str, tip: Oid) -> bool:
    """Whether another ref of any kind has this commit too."""
    # Two: the ref itself is among them.
    found = repo.git("for-each-ref", "--count=2", "--contains", tip, "--format=%(refname)", ok=(0, 128, 129)).lines()
    return any(name != ref for name in found)


def is_plain_step(repo: Repository, move: Move, plans: Iterable[str]) -> bool:
    """Whether it is one commit on the old tip, which says nothing to us and stands on none of these branches."""
    if move.old is None or move.new is None:
        return False
    known = [f"^{ref}" for ref in plans]
    args = ["--ignore-missing", "--no-commit-header", "--encoding=UTF-8", "--format=%P%n%B%x00"]
    said = repo.git("rev-list", *args, move.new, f"^{move.old}", *known, "--", ok=(0, 128)).raw_text()
    parent, _, text = said.partition("\n")
    line = text.partition("\n")[0].rstrip("\0")
    if said.count("\0") != 1 or parent != move.old:
        return False
    return not isinstance(message.parse(line), message.Claim) and message.parse_start(line) is None


def brings_claims(repo: Repository, move: Move) -> bool:
    """Whether a claim may come with a move."""
    if move.new is None:
        return False
    asked = ["--ignore-missing", "--fixed-strings", "--grep=✅ Wave ", "--grep=✅ PLAN ", "--max-count=1", move.new]
    return bool(repo.git("rev-list", *asked, *([f"^{move.old}"] if move.old else []), "--", ok=(0, 128)).out)


def changed_control_paths(repo: Repository, move: Move) -> tuple[str, ...]:
    """The paths of the control folder that differ before and after a move."""
    if move.old is None or move.new is None:
        return ()
    args = [
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        move.old,
        move.new,
        "--",
        ":(top,literal).conductor",
    ]
    return tuple(repo.git(*args).fields())


def lost_notes(repo: Repository, old: Oid, new: Oid) -> int:
    """How many notes of a ledger would be gone or changed."""
    return len(repo.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=a", old, new).fields())


def is_copied(repo: Repository, ref: str, new: Oid | None) -> bool:
    """Whether some remote was seen to have this state of a ledger, or a later one."""
    name = ref.removeprefix(LEDGER)
    listed = repo.git("for-each-ref", "--format=%(objectname) %(refname)", LEDGER_COPIES).lines()
    copies = [line.split(" ", 1) for line in listed]
    return new is not None and any(
        there.endswith(f"/{name}") and is_contained(repo, new, Oid(oid)) for oid, there in copies
    )
