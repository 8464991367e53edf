"""History above `since`, as values: the commit graph, and the few commits that say something to us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid

Node = tuple[tuple[Oid, ...], Oid, int]
"""Parents in order, tree, committer time in seconds since the epoch."""

Pairs = tuple[tuple[str, str], ...]


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A commit whose message says something: a claim, a start, a malformed claim, a revert, Conductor- trailers."""

    line: str
    """The first raw line of the message."""
    trailers: Pairs = ()
    """Every trailer as git parses it, key and unfolded value."""
    reverts: Oid | None = None


class Graph:
    """Ancestry over the commits that were read. A commit below `since` (or beyond a shallow edge) is not in it."""

    def __init__(self, nodes: Mapping[Oid, Node]) -> None:
        self.nodes = nodes
        self._generation: dict[Oid, int] = {}
        self._chains: dict[Oid, tuple[Oid, int]] = {}
        self._answers: dict[Oid, dict[Oid, bool]] = {}

    def parents(self, oid: Oid) -> tuple[Oid, ...]:
        """Parents in order; none for a commit that was not read."""
        node = self.nodes.get(oid)
        return node[0] if node else ()

    def generation(self, oid: Oid) -> int:
        """1 + the longest way down to a commit that was not read: an ancestor's is always smaller."""
        known = self._generation
        if oid in known:
            return known[oid]
        stack = [oid]
        while stack:
            top = stack[-1]
            if top in known:
                stack.pop()
                continue
            missing = [parent for parent in self.parents(top) if parent not in known]
            if missing:
                stack.extend(missing)
            else:
                known[top] = 1 + max((known[parent] for parent in self.parents(top)), default=0)
                stack.pop()
        return known[oid]

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or an ancestor of it (as `git merge-base --is-ancestor`)."""
        if older == newer:
            return True
        if older not in self.nodes or newer not in self.nodes:
            return False
        answers = self._answers.setdefault(older, {})
        if newer not in answers:
            answers[newer] = self._is_below(older, newer, answers)
        return answers[newer]

    def _is_below(self, older: Oid, newer: Oid, answers: Mapping[Oid, bool]) -> bool:
        """Walk down from `newer`, no further than what is known: earlier answers, and the chain that `older` is on."""
        floor = self.generation(older)
        top, depth = self._chain(older)
        seen, queue = {newer}, [newer]
        while queue:
            oid = queue.pop()
            chain, place = self._chain(oid)
            below = place <= depth if chain == top else answers.get(oid)
            if below:
                return True
            if below is None:
                for parent in self.parents(oid):
                    if parent not in seen and parent in self.nodes and self.generation(parent) >= floor:
                        seen.add(parent)
                        queue.append(parent)
        return False

    def _chain(self, oid: Oid) -> tuple[Oid, int]:
        """The chain of first parents that a commit is counted to, by its top, and how far down it stands on it."""
        if not self._chains:
            for top in sorted(self.nodes, key=self.generation, reverse=True):
                if top not in self._chains:
                    for place, each in enumerate(self.first_parents(top)):
                        if each in self._chains:
                            break
                        self._chains[each] = (top, place)
        return self._chains[oid]

    def ancestors(self, tips: Iterable[Oid], *, stop: AbstractSet[Oid] = frozenset(), floor: int = 0) -> set[Oid]:
        """Every commit that was read and is reachable from `tips` (they too), not going into `stop` or below a
        generation."""
        queue = [tip for tip in tips if tip in self.nodes and tip not in stop]
        seen = set(queue)
        while queue:
            for parent in self.nodes[queue.pop()][0]:
                if parent in seen or parent in stop or parent not in self.nodes:
                    continue
                if not floor or self.generation(parent) >= floor:
                    seen.add(parent)
                    queue.append(parent)
        return seen

    def spread(
        self, marks: Mapping[Oid, int], *, among: AbstractSet[Oid], first_parent: bool = False
    ) -> dict[Oid, int]:
        """Hand the bits of each marked commit down to every commit below it, as far as these commits go."""
        found = dict(marks)
        for oid in sorted(among, key=self.generation, reverse=True):
            bits = found.get(oid, 0)
            for parent in self.parents(oid)[: 1 if first_parent else None]:
                if bits and parent in among:
                    found[parent] = found.get(parent, 0) | bits
        return found

    def first_parents(self, tip: Oid) -> Iterator[Oid]:
        """`tip` and down its first parents, as far as commits were read."""
        oid: Oid | None = tip
        while oid is not None and oid in self.nodes:
            yield oid
            parents = self.nodes[oid][0]
            oid = parents[0] if parents else None


class Tip(msgspec.Struct, frozen=True):
    """Where a branch stands: the local branch, else its copy of a remote; `others` differ and are compared only."""

    ref: str
    oid: Oid
    others: tuple[tuple[str, Oid], ...] = ()


class History(msgspec.Struct, frozen=True):
    """What was read of commits, once, for every rule."""

    nodes: dict[Oid, Node]
    notes: dict[Oid, Note]
    integration: Tip | None
    """None while the integration branch is unborn."""
    branches: dict[str, Tip]
    """Tip by short branch name, for each branch that a plan names and that exists."""
    products: dict[Oid, Oid]
    """Product tree by tree, for each tree that a rule asks about."""
    controls: dict[Oid, str]
    """The `.conductor` entry's oid by tree; empty where there is none."""
    merged: dict[Oid, Oid | None] = {}
    """For merges that brought a claim into integration: the product tree that merging the parents gives, None for a
    conflict."""
    untold: frozenset[Oid] = frozenset()
    """Those that could not be done again here, for want of objects."""
    declared: dict[Oid, dict[str, Plan]] = {}
    """For such merges, the plan by its id as integration had it then; where that cannot be told, nothing."""
    since: Oid | None = None
    """Where judgement begins: this commit was read too, and is not judged."""
    since_known: bool = True
    """False when `since` is not in this clone: then nothing here can be called an alarm."""
    shallow: bool = False

    def tree(self, oid: Oid) -> Oid | None:
        """The tree of a commit that was read."""
        node = self.nodes.get(oid)
        return node[1] if node else None

    def product(self, oid: Oid) -> Oid | None:
        """The product tree of a commit, where it was computed."""
        tree = self.tree(oid)
        return None if tree is None else self.products.get(tree)

    def time(self, oid: Oid) -> int:
        """Committer time of a commit that was read, seconds since the epoch; 0 where it was not."""
        node = self.nodes.get(oid)
        return node[2] if node else 0
