"""History above `since`, as values: its commits, and the few of them that say something to us."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.judgement.graph import Graph, Node
from conductor_git.core.messages import message
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid

Pairs = tuple[tuple[str, str], ...]


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A commit whose message says something: a claim, a start, a malformed claim, a revert, Conductor- trailers."""

    line: str
    """The first raw line of the message."""
    trailers: Pairs = ()
    """Every trailer as git parses it, key and unfolded value."""
    reverts: Oid | None = None


class Tip(msgspec.Struct, frozen=True):
    """Where a branch stands: the local branch, else its copy of a remote; `others` differ and are compared only."""

    ref: str
    oid: Oid
    others: tuple[tuple[str, Oid], ...] = ()

    @property
    def oids(self) -> tuple[Oid, ...]:
        """Where it stands, and where its copies do."""
        return (self.oid, *(oid for _, oid in self.others))


class History(msgspec.Struct, frozen=True):
    """What was read of commits, once, for every rule."""

    graph: Graph
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
    waves: Mapping[Oid, bool] = {}
    """For merges of a wave's claim, whether the policy that integration had then lets waves land before their plan;
    where that cannot be told, nothing."""
    undone: Mapping[Oid, Oid] = {}
    """Step of integration -> the earlier one that it takes back, and exactly that: its tree is what reverting gives."""
    squashes: Mapping[Oid, tuple[Oid, ...]] = {}
    """Steps of integration with one parent in git that landed these claims: here they are further parents of it."""
    since: Oid | None = None
    """Where judgement begins: this commit was read too, and is not judged."""
    since_known: bool = True
    """False when `since` is not in this clone: then nothing here can be called an alarm."""
    shallow: bool = False
    executors: dict[str, Tip] = {}
    """Tip by short branch name, for the branches of wave executors."""

    @property
    def nodes(self) -> Mapping[Oid, Node]:
        """Every commit that was read."""
        return self.graph.nodes

    def is_claim(self, oid: Oid) -> bool:
        """Whether a commit's message is a claim, whatever it counts for."""
        return oid in self.notes and isinstance(message.parse(self.notes[oid].line), message.Claim)

    def speaks(self, oid: Oid) -> bool:
        """Whether it is a claim or a start commit, which integration itself never makes."""
        line = self.notes[oid].line if oid in self.notes else ""
        starts = message.parse_start(line) or message.parse_part_start(line)
        return starts is not None or self.is_claim(oid)

    def parents_in_git(self, oid: Oid) -> tuple[Oid, ...]:
        """A commit's parents as its object names them."""
        parents = self.graph.parents(oid)
        return parents[:1] if oid in self.squashes else parents

    def graph_in_git(self) -> Graph:
        """Ancestry by objects alone: what keeps commits from being collected."""
        if not self.squashes:
            return self.graph
        cut = {oid: (self.parents_in_git(oid), *self.nodes[oid][1:]) for oid in self.squashes}
        return Graph({**self.nodes, **cut})

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
