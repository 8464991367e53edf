"""The graph answers like one that walks every commit."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.graph import Graph, Node
from conductor_git.core.judgement.history import History, Note, Tip
from conductor_git.core.judgement.holders import Holders
from conductor_git.core.targets import Oid

Nodes = dict[Oid, Node]


def name(number: int) -> Oid:
    return Oid(f"{number:04d}")


@st.composite
def histories(draw: st.DrawFn) -> Nodes:
    """Commits whose parents are older ones, or were not read; listed as git does, or in any order."""
    count = draw(st.integers(1, 14))
    nodes: Nodes = {}
    for number in range(count):
        older = st.integers(max(-1, number - 4), number - 1) if number else st.just(-1)
        parents = draw(st.lists(older, max_size=3, unique=True)) if draw(st.booleans()) else [number - 1]
        nodes[name(number)] = (tuple(name(parent) if parent >= 0 else Oid("unread") for parent in parents), Oid(""), 0)
    order = draw(st.permutations(list(nodes))) if draw(st.booleans()) else list(reversed(nodes))
    return {oid: nodes[oid] for oid in order}


def walked(nodes: Nodes, tips: Iterable[Oid]) -> set[Oid]:
    seen: set[Oid] = set()
    queue = list(tips)
    while queue:
        oid = queue.pop()
        if oid in nodes and oid not in seen:
            seen.add(oid)
            queue += nodes[oid][0]
    return seen


def down(nodes: Nodes, tip: Oid) -> list[Oid]:
    found = []
    while tip in nodes:
        found.append(tip)
        parents = nodes[tip][0]
        tip = parents[0] if parents else Oid("")
    return found


def highest(nodes: Nodes, oid: Oid) -> int:
    return 1 + max((highest(nodes, parent) for parent in nodes[oid][0]), default=0) if oid in nodes else 1


@given(histories(), st.data())
def test_a_commit_is_of_the_nearest_start_below_it(nodes: Nodes, data: st.DataObject) -> None:
    known = st.sampled_from(sorted(nodes))
    tip = data.draw(st.none() | known)
    starts = {oid: str(number % 2) for number, oid in enumerate(data.draw(st.lists(known, max_size=4, unique=True)))}
    notes = {oid: Note(f"▶ PLAN {plan} START - agent") for oid, plan in starts.items()}
    integration = None if tip is None else Tip("refs/heads/main", tip)
    claims = Claims(History(Graph(nodes), notes, integration, {}, {}, {}), ())
    spine = set(down(nodes, tip)) if tip else set()
    for oid in nodes:
        nearest = next((found for found in down(nodes, oid) if found in starts or found in spine), None)
        assert claims.started(oid) == (starts.get(nearest) if nearest else None)


@given(histories())
def test_ancestry(nodes: Nodes) -> None:
    graph = Graph(nodes)
    for newer in nodes:
        below = walked(nodes, [newer])
        assert {older for older in nodes if graph.is_ancestor(older, newer)} == below
        assert graph.ancestors([newer]) == below
        assert list(graph.first_parents(newer)) == down(nodes, newer)
        assert graph.generation(newer) == highest(nodes, newer)
    assert not any(graph.is_ancestor(oid, Oid("other")) or graph.is_ancestor(Oid("other"), oid) for oid in nodes)
    assert graph.generation(Oid("other")) == 1


@given(histories(), st.data())
def test_reach(nodes: Nodes, data: st.DataObject) -> None:
    graph, some = Graph(nodes), st.lists(st.sampled_from(sorted(nodes)), max_size=4)
    tips, ends = data.draw(some), data.draw(some)
    below, beyond = walked(nodes, tips), walked(nodes, ends)
    stop = graph.below(ends)
    reach = graph.below(tips, stop=stop)
    assert {oid for oid in nodes if oid in graph.below(tips)} == below
    assert {oid for oid in nodes if oid in reach} == below - beyond == graph.ancestors(tips, stop=stop)
    assert Oid("unread") not in reach
    assert graph.size(reach) == len(below - beyond)
    assert sorted(graph.merges(reach)) == sorted(oid for oid in below - beyond if len(nodes[oid][0]) > 1)
    for tip in tips:
        chain = down(nodes, tip)
        cut = next((place for place, oid in enumerate(chain) if oid in beyond), len(chain))
        assert list(graph.first_parents(tip, stop=stop)) == chain[:cut]


@given(histories(), st.data())
def test_holders(nodes: Nodes, data: st.DataObject) -> None:
    graph = Graph(nodes)
    commits = st.sampled_from(sorted(nodes))
    landed = walked(nodes, data.draw(st.lists(commits, max_size=2)))
    tips = data.draw(st.dictionaries(st.sampled_from(["1", "2", "parser"]), commits))
    holders = Holders(graph, tips, graph.below(landed))
    own = {plan: walked(nodes, [tip]) - landed for plan, tip in tips.items()}
    for oid in nodes:
        assert {plan for plan in tips if holders.hold(plan, oid)} == {plan for plan in tips if oid in own[plan]}
        assert holders.any_holds(oid) == any(oid in held for held in own.values())
        chained = [plan for plan, tip in tips.items() if oid in own[plan] and oid in down(nodes, tip)]
        chained = [
            plan for plan in chained if not set(down(nodes, tips[plan])[: down(nodes, tips[plan]).index(oid)]) & landed
        ]
        assert holders.alone(oid) == (chained[0] if len(chained) == 1 else None)
    for plan in tips:
        assert holders.has_own(plan) == bool(own[plan])
        assert holders.has_work(plan) == any(len(nodes[oid][0]) < 2 for oid in own[plan])
