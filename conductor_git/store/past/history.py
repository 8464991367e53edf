"""Reading history above `since`: one git process for all commits, and a cache so that a commit is read once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import cast

import msgspec

from conductor_git.core import tree
from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.graph import Cutting, Graph, Node
from conductor_git.core.judgement.history import History, Note, Pairs, Tip
from conductor_git.core.messages import message
from conductor_git.core.planning.executors import read_executor
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.past.landings import Seen, look, look_at_reverts, merges_of_claims
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.objects import Object, read_objects
from conductor_git.store.plumbing.refs import HEADS, Refs
from conductor_git.store.plumbing.repository import Repository

_CACHE = "history"

_MANY_TIPS = 50
_NEWEST = 50
_LONGEST_TIME = 12
"""Digits; that is the year 33,000."""
_REVERTS = re.compile(rb"This reverts commit ([0-9a-f]{40}(?:[0-9a-f]{24})?)\b")


class _Read(msgspec.Struct):
    """What the cache holds: everything about commits that never changes."""

    since: str
    edge: bytes = b""
    """git's list of commits whose parents a shallow clone lacks: with another one, commits have other parents."""
    tips: set[Oid] = set()
    nodes: dict[Oid, Node] = {}
    notes: dict[Oid, Note] = {}
    products: dict[Oid, Oid] = {}
    controls: dict[Oid, str] = {}
    landings: Seen = msgspec.field(default_factory=Seen)


def read_history(
    repo: Repository,
    policy: Policy,
    plans: Iterable[Plan],
    refs: Refs,
    *,
    also: Iterable[Oid] = (),
    perhaps: Iterable[Oid] = (),
    use_cache: bool = True,
) -> History:
    """Read what the rules need of history; of `perhaps` what is here. Raises CannotRun when git cannot walk it."""
    plans = tuple(plans)
    by_branch = refs.by_branch()
    branches = {plan.branch: found for plan in plans if (found := _copies(refs, by_branch, plan.branch))}
    trunk = _copies(refs, by_branch, policy.integration)
    executors = {name: _copies(refs, by_branch, name) for name in _executors(refs, by_branch, plans)}
    copies = (*branches.values(), *executors.values(), trunk)
    tips = {oid for found in copies for oid in found.values()} | set(also)
    edge = shallow_edge(repo)
    known = memo.load(repo, _CACHE, _Read) if use_cache else None
    if known is None or (known.since, known.edge) != (policy.since, edge):
        known = _Read(policy.since, edge)
    tips |= _commits_here(repo, [oid for oid in perhaps if oid not in known.nodes and oid not in known.tips])
    try:
        fresh, cutting = _walk(repo, known, tips, policy.since)
    except GitFailed as error:
        raise _broken_ref(repo, refs, tips) or error from error
    graph = Graph(known.nodes, cutting)
    integration = _trunk_tip(graph, trunk, refs, policy)
    history = History(
        graph=graph,
        notes=known.notes,
        integration=integration,
        branches={name: _newest(graph, found) for name, found in branches.items()},
        products=known.products,
        controls=known.controls,
        since=Oid(policy.since) if policy.since else None,
        since_known=_is_here(repo, known, policy.since),
        shallow=repo.shallow,
        executors={name: _newest(graph, found) for name, found in executors.items()},
    )
    merges = merges_of_claims(history, graph, policy)
    fresh |= _weigh_trees(repo, known, history, graph, policy, merges)
    history, learnt = look(repo, known.landings, merges, history, graph, policy, plans)
    history, undone = look_at_reverts(repo, known.landings, history, graph)
    fresh |= learnt | undone
    if fresh and use_cache:
        memo.save(repo, _CACHE, known)
    return history


def _commits_here(repo: Repository, oids: list[Oid]) -> set[Oid]:
    if not oids:
        return set()
    stdin = "".join(f"{oid}\n" for oid in oids).encode("utf-8", "surrogateescape")
    lines = repo.git("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=stdin).lines()
    return {Oid(line.removesuffix(" commit")) for line in lines if line.endswith(" commit")}


def _executors(refs: Refs, by_branch: Mapping[str, list[str]], plans: tuple[Plan, ...]) -> list[str]:
    """The branches of wave executors (short names), here and as remotes were last seen to have them."""
    local = (ref.removeprefix(HEADS) for ref in refs.oids if ref.startswith(HEADS))
    return [name for name in sorted({*local, *by_branch}) if read_executor(name, plans)]


def shallow_edge(repo: Repository) -> bytes:
    """git's list of the commits whose parents a shallow clone lacks, an oid a line; to git they look like roots."""
    with suppress(OSError), open(os.path.join(repo.common_dir, "shallow"), "rb") as file:
        return file.read()
    return b""


def _is_here(repo: Repository, known: _Read, since: str) -> bool:
    """Whether history is here down to where judgement begins; of a shallow clone without `since` nobody knows."""
    return not repo.shallow if not since else since in known.nodes or repo.resolve(since) is not None


def _broken_ref(repo: Repository, refs: Refs, tips: Iterable[Oid]) -> CannotRun | None:
    """What to say where a ref points to a commit that is missing or cannot be read."""
    there = {found.oid for found in _readable(repo, tips)}
    for ref, oid in refs.oids.items():
        if oid in tips and oid not in there:
            return CannotRun(f"'{ref}' points to commit '{oid[:12]}', which cannot be read here", hint="git fsck")
    return None


def _readable(repo: Repository, tips: Iterable[Oid]) -> Iterator[Object]:
    for tip in tips:
        with suppress(GitFailed):
            yield from read_objects(repo, [tip])


def _copies(refs: Refs, by_branch: Mapping[str, list[str]], branch: str) -> dict[str, Oid]:
    """The local branch first, then its upstream, then other copies."""
    local = f"{HEADS}{branch}"
    asked = (local, refs.upstream.get(local, ""), *by_branch.get(branch, ()))
    return {ref: refs.oids[ref] for ref in asked if ref in refs.oids}


def _newest(graph: Graph, copies: dict[str, Oid]) -> Tip:
    """The first copy, unless it only lags behind another: then every clone that has fetched sees the same branch."""
    ref, oid = next(iter(copies.items()))
    for other, at in copies.items():
        if at != oid and graph.is_ancestor(oid, at):
            ref, oid = other, at
    return _tip(ref, copies)


def _tip(ref: str, copies: dict[str, Oid]) -> Tip:
    oid = copies[ref]
    return Tip(ref, oid, tuple((other, at) for other, at in copies.items() if at != oid))


def _trunk_tip(graph: Graph, copies: dict[str, Oid], refs: Refs, policy: Policy) -> Tip | None:
    """With an upstream, the upstream's integration is the truth, unless it only lags behind the local one."""
    if not copies:
        return None
    local = _tip(next(iter(copies)), copies)
    upstream = refs.upstream.get(policy.integration_ref)
    if upstream in copies and graph.is_ancestor(local.oid, copies[upstream]):
        return Tip(upstream, copies[upstream])
    return local


_LOG = ("-c", "i18n.logOutputEncoding=UTF-8", "-c", "log.showSignature=false", "log", "--stdin", "-z")
_TRAILERS = "%(trailers:only,unfold,separator=%x1e,key_value_separator=%x1f)"


def _walk(repo: Repository, known: _Read, tips: set[Oid], since: str) -> tuple[bool, Cutting | None]:
    """Read what is not known yet; whether something was new and, where nothing was known, the lines of all commits."""
    new = {tip for tip in tips if tip not in known.nodes}
    if not new:
        return False, None
    stdin = "".join(
        [*(f"{tip}\n" for tip in new), *(f"^{tip}\n" for tip in known.tips), f"^{since}^@\n" if since else ""]
    ).encode("ascii")
    # Of few commits the trailers come along; of a long history they are asked for where there are any.
    little = bool(known.nodes)
    form = f"--format=%H %T %ct %P%n{_TRAILERS if little else ''}%n%B"
    cutting = Cutting()
    asked: list[Oid] = []
    try:
        for batch in repo.records(*_LOG, form, stdin=stdin):
            oids, told = _parse(batch, known)
            asked += told
            if not little:
                # git is still at work: who asks later, waits for this.
                cutting.take(oids, known.nodes)
    except GitFailed:
        if since and repo.resolve(since) is None:
            return _walk(repo, known, tips, "")
        if not known.tips:
            raise
        # An old tip is gone (gc): its commits are read again, and nothing of the cache is believed.
        known.tips, known.nodes, known.notes = set(), {}, {}
        return _walk(repo, known, tips, since)
    if not little:
        _read_trailers(repo, known, asked)
    known.tips |= new
    if len(known.tips) > _MANY_TIPS:
        # A tip that is some commit's parent is covered by that commit's tip; without this the list would only grow.
        known.tips -= {parent for node in known.nodes.values() for parent in node[0]}
    return True, None if little else cutting


def _parse(records: list[bytes], known: _Read) -> tuple[list[Oid], list[Oid]]:
    """Take git's records in; returns the commits, and those whose message has something like our trailers."""
    nodes, oids, asked = known.nodes, list[Oid](), list[Oid]()
    for record in records:
        head, _, rest = record.partition(b"\n")
        # Without a function call each: this loop is what a first look at a long history takes.
        words = cast("list[Oid]", head.decode("ascii").split(" "))
        oid = words[0]
        oids.append(oid)
        time = words[2]
        # 0 for what is no time: git keeps whatever a broken program wrote.
        seconds = int(time) if time.isdigit() and len(time) <= _LONGEST_TIME else 0
        nodes[oid] = (tuple(words[3:]) if words[3] else (), words[1], seconds)
        block, _, body = rest.partition(b"\n")
        line = body.partition(b"\n")[0]
        trailers = b"onductor-" in body
        reverts = _REVERTS.search(body) if b"This reverts" in body else None
        low = line.lower()
        # What can make a first line a claim, a malformed one or a start.
        if trailers or reverts or b"wave" in low or b"plan" in low or not low.isascii():
            text = line.decode("utf-8", "replace")
            if trailers or reverts or _says_something(text):
                pairs = _ours(block.decode("utf-8", "replace")) if block else ()
                known.notes[oid] = Note(text, pairs, Oid(reverts[1].decode("ascii")) if reverts else None)
                if trailers:
                    asked.append(oid)
    return oids, asked


def _ours(block: str) -> Pairs:
    pairs = (pair.partition("\x1f") for pair in block.split("\x1e"))
    return tuple((key, value) for key, _, value in pairs if key.lower().startswith("conductor-"))


def _says_something(line: str) -> bool:
    said = message.parse_start(line) or message.parse_part_start(line)
    return said is not None or not isinstance(message.parse(line), message.Ordinary)


def _read_trailers(repo: Repository, known: _Read, commits: list[Oid]) -> None:
    """git parses trailers, not we: hook and reader then agree on what one is."""
    if not commits:
        return
    stdin = "".join(f"{oid}\n" for oid in commits).encode("ascii")
    for record in repo.git(*_LOG, "--no-walk=unsorted", f"--format=%H%n{_TRAILERS}", stdin=stdin).fields():
        oid, _, block = record.partition("\n")
        known.notes[Oid(oid)] = msgspec.structs.replace(known.notes[Oid(oid)], trailers=_ours(block))


def _weigh_trees(
    repo: Repository, known: _Read, history: History, graph: Graph, policy: Policy, merges: list[Oid]
) -> bool:
    """Compute the product tree of each commit that a rule asks about; True when something was new."""
    wanted = set(history.notes) | {tip.oid for tip in history.branches.values()}
    wanted |= {each for step in merges for each in (step, graph.parents(step)[0])}
    if history.integration is not None:
        # Some of its newest steps too: where work was claimed meanwhile, one of them may be its squash.
        wanted.update(islice(graph.first_parents(history.integration.oid), _NEWEST))
        if policy.direct == "control":
            wanted.update(graph.first_parents(history.integration.oid))
    trees = {node[1] for oid in wanted if (node := known.nodes.get(oid)) and node[1] not in known.products}
    for found in read_objects(repo, sorted(trees)):
        known.controls[found.oid] = tree.control_entry(found.body, repo.object_format)
        product = tree.strip_control(found.body, repo.object_format)
        known.products[found.oid] = found.oid if product == found.body else repo.hash("tree", product)
    return bool(trees)
