"""What happened to frozen paths, read once for each commit, and nothing where none are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.freezes import descendants, freezes_in_force, held_paths
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.snapshot import Bounds, Freeze, Snapshot, Touch
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plans import declares_freezes
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.plumbing.repository import Repository

_MEMO = "frozen"

Pair = tuple[Oid, Oid]
"""Two trees, the older one first."""


class _Touches(msgspec.Struct):
    """What the memo holds, of the freezes in force then."""

    freezes: tuple[Freeze, ...] = ()
    tips: tuple[Oid, ...] = ()
    """What is at and below these was looked at."""
    touched: dict[Oid, tuple[Touch, ...]] = {}


def with_freezes(repo: Repository, snapshot: Snapshot, *, use_cache: bool = True) -> Snapshot:
    """The snapshot with all that happened to frozen paths; where no plan freezes anything, no git process, and else
    one for what is new."""
    if not declares_freezes(snapshot.plans):
        return snapshot
    claims = Claims(snapshot.history, snapshot.plans)
    bounds = _read_frozen(repo, snapshot, claims, use_cache=use_cache)
    return msgspec.structs.replace(snapshot, bounds=bounds)


def keep_of(repo: Repository, pairs: Iterable[tuple[Freeze, str]]) -> dict[tuple[Oid, str], str]:
    """By claim and path what the claims of freezes have there; empty where they have nothing."""
    # One question a line: of a path with a line feed nothing is known to be kept, so any change of it counts.
    asked = list(dict.fromkeys((freeze.claim, path) for freeze, path in pairs if "\n" not in path))
    if not asked:
        return {}
    stdin = "".join(f"{claim}:{path}\n" for claim, path in asked).encode("utf-8", "surrogateescape")
    said = repo.git("cat-file", "--batch-check=%(objectname)", stdin=stdin).lines()
    there = ("" if line.endswith(" missing") else line for line in said)
    return dict(zip(asked, there, strict=True))


def _read_frozen(repo: Repository, snapshot: Snapshot, claims: Claims, *, use_cache: bool) -> Bounds:
    if not declares_freezes(snapshot.plans):
        return Bounds()
    freezes = freezes_in_force(Verdicts(snapshot, claims))
    if not freezes:
        return Bounds()
    history = snapshot.history
    tips = [tip.oid for tip in (*history.branches.values(), history.integration) if tip is not None]
    kept = (memo.load(repo, _MEMO, _Touches) if use_cache else None) or _Touches()
    if kept.freezes != freezes:
        kept = _Touches(freezes)
    new = descendants(claims.graph, freezes, tips, kept.tips)
    if new or any(tip not in kept.tips for tip in tips):
        touched = {**kept.touched, **read_touches(repo, freezes, new, claims.graph)}
        kept = _Touches(freezes, tuple(dict.fromkeys(tips)), touched)
        if use_cache:
            memo.save(repo, _MEMO, kept)
    touches = (touch.path for listed in kept.touched.values() for touch in listed)
    keep = keep_of(repo, held_paths(freezes, dict.fromkeys(touches)))
    return Bounds(freezes=freezes, touched=kept.touched, kept=keep)


def read_touches(
    repo: Repository, freezes: Sequence[Freeze], commits: Iterable[Oid], graph: Graph
) -> dict[Oid, tuple[Touch, ...]]:
    """What these commits have otherwise within the freezes than their parents, as far as those were read."""
    nodes = graph.nodes
    pairs: dict[Oid, list[tuple[Oid, Pair]]] = {}
    for oid in commits:
        parents, tree, _ = nodes[oid]
        told = [(parent, (nodes[parent][1], tree)) for parent in parents if parent in nodes]
        pairs[oid] = [(parent, pair) for parent, pair in told if pair[0] != pair[1]]
    changed = _changed(repo, freezes, dict.fromkeys(pair for told in pairs.values() for _, pair in told))
    found: dict[Oid, tuple[Touch, ...]] = {}
    for oid, told in pairs.items():
        blobs: dict[str, tuple[str, list[Oid]]] = {}
        for parent, pair in told:
            for path, blob in changed.get(pair, ()):
                blobs.setdefault(path, (blob, []))[1].append(parent)
        if blobs:
            found[oid] = tuple(Touch(path, blob, tuple(differs)) for path, (blob, differs) in blobs.items())
    return found


def _changed(
    repo: Repository, freezes: Sequence[Freeze], pairs: Iterable[Pair]
) -> Mapping[Pair, list[tuple[str, str]]]:
    """By pair of trees each path within the freezes that differs, and what the second one has there."""
    stdin = "".join(f"{old} {new}\n" for old, new in pairs).encode("ascii")
    found: dict[Pair, list[tuple[str, str]]] = {}
    if not stdin:
        return found
    specs = list(dict.fromkeys(f":(top,glob){pattern}" for freeze in freezes for pattern in freeze.patterns))
    args = (
        "diff-tree",
        "--stdin",
        "-r",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--ignore-submodules=none",
        "--",
    )
    fields = iter(repo.git(*args, *specs, stdin=stdin, timeout=None).fields())
    here: list[tuple[str, str]] = []
    for field in fields:
        *headers, entry = field.split("\n")
        for header in headers:
            old, _, new = header.partition(" ")
            here = found.setdefault((Oid(old), Oid(new)), [])
        if entry:
            blob = entry.split(" ")[3]
            here.append((next(fields), blob if blob.strip("0") else ""))
    return found
