"""Which paths commits changed by themselves, and who made them: one git process each for any number of commits."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from itertools import islice

import msgspec

from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.past.history import shallow_edge
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.repository import Repository

_MEMO = "changes"
_AT_ONCE = 1_000
"""Commits that one look at the board asks paths of: a fraction of a second. The next look goes on from there."""
_Paths = dict[Oid, tuple[str, ...]]


def with_changes(repo: Repository, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the paths of commits that branches of plans have and integration has not, each of them asked
    once: the newest first, and no more than a look at the board has time for."""
    history, graph = snapshot.history, snapshot.history.graph
    landed = graph.below([history.integration.oid] if history.integration else [])
    standing = graph.below([tip.oid for tip in history.branches.values()], stop=landed)
    # What a commit changed whose parents are not here nobody can tell: git would say that it made every file.
    cut = frozenset(shallow_edge(repo).decode("ascii").split())
    lines = [[oid for oid in line if oid not in cut] if cut else line for line in graph.lines(standing)]
    known: _Paths = memo.load(repo, _MEMO, _Paths) or {}
    # On a first look every commit is missing, and of a long history that need not be asked of each.
    missing = [[oid for oid in line if oid not in known] for line in lines] if known else lines
    kept = {oid: known[oid] for line in lines for oid in line if oid in known} if known else {}
    nodes = graph.nodes
    newest = list(islice(merge(*missing, key=lambda oid: (-nodes[oid][2], oid)), _AT_ONCE))
    unseen = sum(map(len, missing))
    if newest:
        try:
            kept |= read_changes(repo, newest)
        except GitFailed:
            # Trees that a partial clone lacks: the report goes on with what is known.
            return msgspec.structs.replace(snapshot, changes=kept, unseen=unseen)
        unseen -= len(newest)
        memo.save(repo, _MEMO, kept)
    return msgspec.structs.replace(snapshot, changes=kept, unseen=unseen)


def read_changes(repo: Repository, commits: Iterable[Oid]) -> dict[Oid, tuple[str, ...]]:
    """The paths that each commit changed; of a merge those that differ from all its parents."""
    found: dict[Oid, list[str]] = {oid: [] for oid in commits}
    stdin = "".join(f"{oid}\n" for oid in found).encode("ascii")
    if not stdin:
        return {}
    args = ("diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-abbrev", "--no-renames")
    fields = iter(repo.git(*args, stdin=stdin, timeout=None).fields())
    here: list[str] = []
    for field in fields:
        if field.startswith(":"):
            here.append(next(fields))
        else:
            here = found[Oid(field)]
    return {oid: tuple(paths) for oid, paths in found.items()}


def read_authors(repo: Repository, commits: Iterable[Oid]) -> dict[Oid, str]:
    """Who is named as the author of each commit: `Name <address>`."""
    stdin = "".join(f"{oid}\n" for oid in dict.fromkeys(commits)).encode("ascii")
    if not stdin:
        return {}
    args = ("-c", "i18n.logOutputEncoding=UTF-8", "-c", "log.showSignature=false", "-c", "log.mailmap=false")
    listed = repo.git(*args, "log", "--no-walk=unsorted", "--stdin", "-z", "--format=%H %an <%ae>", stdin=stdin)
    return {Oid(line.partition(" ")[0]): line.partition(" ")[2] for line in listed.fields()}


def read_range(repo: Repository, low: Oid | None, high: Oid) -> frozenset[Oid]:
    """The commits that `high` has and `low` has not."""
    listed = repo.git("rev-list", "--end-of-options", high, *([f"^{low}"] if low else []))
    return frozenset(Oid(line) for line in listed.lines())
