"""A claim at the commit-msg door: the commit that is about to be made, asked of the one judge."""

from __future__ import annotations

import msgspec

from conductor_git.core.judgement.history import History, Pairs
from conductor_git.core.judgement.judge import Ruling, Saying, judge_saying
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid
from conductor_git.core.tree import strip_control
from conductor_git.store.notes.writer import checked_out, speaker
from conductor_git.store.plumbing.git import Running
from conductor_git.store.plumbing.loose import read_object
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.settings import Settings
from conductor_git.store.snapshot import take
from conductor_git.store.team.proposed import proposed_parents
from conductor_git.store.validation.platform import platform_tag


def rule(
    repo: Repository, cleaned: str, settings: Settings, refs: Running, tree: Running
) -> tuple[Ruling, Oid, tuple[Plan, ...]]:
    """Judge a claim's message; with the tree that it is about, and the plans of now.

    `refs` and `tree` are what git was asked already: the refs, and the tree to commit.
    """
    known = msgspec.structs.replace(read_refs(repo, asked=refs), settings=settings)
    parents = proposed_parents(repo, known)
    snapshot = take(repo, also=parents, refs=known)
    sets: list[tuple[Oid, ...]] = [parents]
    if len(parents) == 1 and parents[0] in snapshot.history.notes:
        # An amend looks just like a commit from here: same environment, same argument.
        sets.append(snapshot.history.nodes[parents[0]][0])
    trailers = _trailers(repo, cleaned)
    whole = Oid(tree.end().text())
    product = _product(repo, whole, snapshot.history)
    speaks = speaker(repo, snapshot.ledger.decisions)
    saying = Saying(cleaned, trailers, checked_out(repo), tuple(sets), product, platform_tag(), speaks)
    return judge_saying(saying, snapshot), whole, snapshot.plans


def _product(repo: Repository, tree: Oid, history: History) -> Oid:
    """The product tree of what git is about to commit."""
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
