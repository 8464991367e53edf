"""Ancestry over the commits that were read, at the cost of a history's branches and merges, not of its commits.

Every commit lies on exactly one line: a run down first parents, until a commit that was not read, or that lies on
another line. From a place on a line everything below it is reached, so what some commits reach is one number a line.

A place is one number too: the line's own times `_LINE`, and how far down it; places of one line can be compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import cast

from conductor_git.core.targets import Oid

Node = tuple[tuple[Oid, ...], Oid, int]
"""Parents in order, tree, committer time in seconds since the epoch."""

_BITS = 32
_LINE = 1 << _BITS


class Graph:
    """The commits that were read. One below `since` (or beyond a shallow edge) is not in it."""

    def __init__(self, nodes: Mapping[Oid, Node], cutting: Cutting | None = None) -> None:
        """`cutting` where each of the nodes was cut into a line as it was read."""
        self.nodes = nodes
        if cutting is None:
            cutting = Cutting()
            cutting.take(nodes, nodes)
        self._lines = cutting.lines
        """Each from its newest commit down."""
        self._place = cutting.places
        edges: list[list[tuple[int, Oid]]] = [[] for _ in self._lines]
        for child, parent in cutting.side():
            place = self._place[child]
            edges[place >> _BITS].append((place, parent))
        self._edges = [sorted(leaving) for leaving in edges]
        """By line: the parents that are elsewhere, each with the place of its child, from the top down."""
        self._highest: dict[tuple[int, int], int] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash(frozenset(self.nodes))

    def parents(self, oid: Oid) -> tuple[Oid, ...]:
        """Parents in order; none for a commit that was not read."""
        node = self.nodes.get(oid)
        return node[0] if node else ()

    def generation(self, oid: Oid) -> int:
        """1 + the longest way down to a commit that was not read: an ancestor's is always smaller."""
        place = self._place.get(oid)
        return 1 if place is None else self._generation(place)

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or an ancestor of it (as `git merge-base --is-ancestor`)."""
        if older == newer:
            return True
        goal, place = self._place.get(older), self._place.get(newer)
        if goal is None or place is None:
            return False
        home, floor = goal >> _BITS, self._generation(goal)
        lowest: dict[int, int] = {}
        queue = [place]
        while queue:
            place = queue.pop()
            line = place >> _BITS
            if line == home and place <= goal:
                return True
            for below in self._leave(line, place, lowest, {}):
                if self._generation(below) >= floor:
                    queue.append(below)
        return False

    def below(self, tips: Iterable[Oid], *, stop: Reach | None = None) -> Reach:
        """What is reachable from `tips` (they too) and not in `stop`."""
        ends = {} if stop is None else stop.lowest
        lowest: dict[int, int] = {}
        queue = [place for tip in tips if (place := self._place.get(tip)) is not None]
        while queue:
            place = queue.pop()
            queue += self._leave(place >> _BITS, place, lowest, ends)
        return Reach(self, lowest, ends)

    def ancestors(self, tips: Iterable[Oid], *, stop: Container[Oid] = frozenset()) -> set[Oid]:
        """Every commit that was read and is reachable from `tips` (they too), not going into `stop`."""
        nodes, seen, queue = self.nodes, set[Oid](), list(tips)
        while queue:
            oid = queue.pop()
            # Down a line of single parents without the queue: nearly all history is such lines.
            while oid not in seen and oid not in stop and (node := nodes.get(oid)):
                seen.add(oid)
                parents = node[0]
                if len(parents) != 1:
                    queue += parents
                    break
                oid = parents[0]
        return seen

    def first_parents(self, tip: Oid, *, stop: Reach | None = None) -> Iterator[Oid]:
        """`tip` and down its first parents, as far as commits were read, and no further than to what is in `stop`."""
        for line, place, end in self.stretches(tip, stop=stop):
            commits, at, stop_at = self._lines[line], place % _LINE, end % _LINE
            # A few at first: most who ask stop soon.
            some = 8
            while at < stop_at:
                yield from commits[at : min(at + some, stop_at)]
                at += some
                some *= 2

    def stretches(self, tip: Oid, *, stop: Reach | None = None) -> Iterator[tuple[int, int, int]]:
        """The same by lines: the line, the first place on it, and the place behind the last."""
        ends = {} if stop is None else stop.lowest
        for line, place in self.first_parent_places(tip, stop=stop):
            yield line, place, ends.get(line, self._end(line))

    def first_parent_places(self, tip: Oid, *, stop: Reach | None = None) -> Iterator[tuple[int, int]]:
        """The same by lines: each that it goes down, and from where on; no further than to what is in `stop`."""
        oid: Oid | None = tip
        while oid is not None and (place := self._place.get(oid)) is not None and (stop is None or oid not in stop):
            line = place >> _BITS
            yield line, place
            last = self._lines[line][-1]
            if stop is not None and last in stop:
                return
            parents = self.nodes[last][0]
            oid = parents[0] if parents else None

    def is_reached(self, oid: Oid, reach: Reach) -> bool:
        """Whether a commit is among what is reached."""
        place = self._place.get(oid)
        if place is None:
            return False
        line = place >> _BITS
        return reach.lowest.get(line, place + 1) <= place < reach.ends.get(line, place + 1)

    def runs(self, reach: Reach) -> Iterator[tuple[int, int, int]]:
        """What is reached, line by line: the line, its first place, and the place behind its last."""
        for line, place in reach.lowest.items():
            end = self._end(line)
            yield line, place, min(end, reach.ends.get(line, end))

    def lines(self, reach: Reach) -> Iterator[list[Oid]]:
        """The commits that are reached, line by line, each from its newest down."""
        return (self._lines[line][place % _LINE : end % _LINE] for line, place, end in self.runs(reach))

    def merges(self, reach: Reach) -> Iterator[Oid]:
        """The commits with more than one parent among those that are reached, in no particular order."""
        for line, place, end in self.runs(reach):
            yield from self.merges_on(line, place, end)

    def merges_on(self, line: int, place: int, end: int) -> Iterator[Oid]:
        """The commits with more than one parent on a line, from a place to before another, in no particular order."""
        leaving = self._edges[line][self._first_edge(line, place) : self._first_edge(line, end)]
        found = (self._lines[line][at % _LINE] for at in {at for at, _ in leaving})
        return (oid for oid in found if len(self.nodes[oid][0]) > 1)

    def size(self, reach: Reach) -> int:
        """How many commits are reached."""
        return sum(end - place for _, place, end in self.runs(reach))

    def place(self, oid: Oid) -> tuple[int, int] | None:
        """The line of a commit and where on it, for whoever keeps something by line; None where it was not read."""
        place = self._place.get(oid)
        return None if place is None else (place >> _BITS, place)

    def _end(self, line: int) -> int:
        """The place behind a line's last."""
        return (line << _BITS) + len(self._lines[line])

    def _first_edge(self, line: int, place: int) -> int:
        return bisect_left(self._edges[line], (place, ""))

    def _leave(self, line: int, place: int, lowest: dict[int, int], ends: Mapping[int, int]) -> list[int]:
        """Enter a line at a place: where those of its edges lead that were not reached from above before."""
        known = lowest.get(line, self._end(line))
        end = min(known, ends.get(line, known))
        if place >= end:
            return []
        lowest[line] = place
        edges = self._edges[line][self._first_edge(line, place) : self._first_edge(line, end)]
        return [below for _, parent in edges if (below := self._place.get(parent)) is not None]

    def _generation(self, place: int) -> int:
        line = place >> _BITS
        edge = self._first_edge(line, place)
        if (line, edge) not in self._highest:
            self._climb(line, edge)
        # Without an edge below it, the line ends in a commit that has no parents.
        return max(self._highest[line, edge], self._end(line)) - place

    def _climb(self, line: int, edge: int) -> None:
        """Find the greatest of `generation + place` that an edge of a line, and those below it there, give to it."""
        highest, stack = self._highest, [(line, edge)]
        while stack:
            line, edge = stack[-1]
            if edge == len(self._edges[line]):
                highest[line, edge] = 0
            if (line, edge) in highest:
                stack.pop()
                continue
            place, parent = self._edges[line][edge]
            below = self._place.get(parent)
            asked = [(line, edge + 1)]
            if below is not None:
                there = below >> _BITS
                asked.append((there, self._first_edge(there, below)))
            if missing := [each for each in asked if each not in highest]:
                stack += missing
                continue
            beyond = 1 if below is None else max(highest[asked[1]], self._end(asked[1][0])) - below
            highest[line, edge] = max(highest[asked[0]], beyond + 1 + place)
            stack.pop()


class Reach:
    """What is reachable from some commits and not from some others: asked for, or passed by, without being listed."""

    __slots__ = ("_graph", "ends", "lowest")

    def __init__(self, graph: Graph, lowest: Mapping[int, int], ends: Mapping[int, int]) -> None:
        self._graph = graph
        self.lowest = lowest
        """By line: the place from which on it is reached."""
        self.ends = ends
        """By line: the place from which on it is not."""

    def __contains__(self, oid: object) -> bool:
        return self._graph.is_reached(cast("Oid", oid), self)


class Cutting:
    """Cuts commits into lines, as they come: children before their parents, as git lists them.

    A commit whose clock was wrong may come after its parent: the parent then begins a line of its own.
    """

    def __init__(self) -> None:
        self.lines: list[list[Oid]] = []
        self.places: dict[Oid, int] = {}
        self._side: list[tuple[Oid, Oid]] = []
        self._awaited: dict[Oid, int] = {}
        """Parent -> the line that goes on with it."""

    def take(self, oids: Iterable[Oid], nodes: Mapping[Oid, Node]) -> None:
        """Take in the next commits."""
        lines, places, awaited = self.lines, self.places, self._awaited
        for oid in oids:
            parents = nodes[oid][0]
            number = awaited.pop(oid, -1)
            if number < 0:
                number = len(lines)
                lines.append([])
            line = lines[number]
            places[oid] = (number << _BITS) + len(line)
            line.append(oid)
            if parents:
                if parents[0] in awaited:
                    self._side.append((oid, parents[0]))
                else:
                    awaited[parents[0]] = number
                if len(parents) > 1:
                    self._side += [(oid, parent) for parent in parents[1:]]

    def side(self) -> list[tuple[Oid, Oid]]:
        """Each commit with a parent that does not follow it on its line."""
        # What was listed before its child, or was not read, too.
        return self._side + [(self.lines[number][-1], parent) for parent, number in self._awaited.items()]
