"""The landing queue: every way a batch can go, and a slow model of it."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.landing.entry import Entry, Fate, in_order
from conductor_git.core.landing.queue import (
    ROUNDS,
    Build,
    Built,
    Collided,
    Event,
    Failed,
    Judge,
    Land,
    Landed,
    Moved,
    Passed,
    Queue,
    Unjudged,
    Withdrawn,
    begin,
)
from conductor_git.core.targets import Oid, Target


def entry(name: str, *needs: str) -> Entry:
    return Entry(name, Oid(f"oid-{name}"), Target(name), needs=needs)


def entries(names: str) -> tuple[Entry, ...]:
    return tuple(map(entry, names))


class World(msgspec.Struct):
    """What is true of entries, and what was done: the queue is only told what it asks."""

    red: str = ""
    pairs: tuple[str, ...] = ()
    """Two that are green alone and red together."""
    collide: tuple[str, ...] = ()
    conflict: str = ""
    flaky: str = ""
    """Red the first time."""
    broken: int = 0
    """How many runs cannot be carried out."""
    lost: int = 0
    """How many moves of integration are lost."""
    runs: list[str] = []
    landed: str = ""
    proven: set[str] = set()

    def answer(self, queue: Queue) -> Event:
        action = queue.action
        assert action is not None
        names = self.landed + "".join(entry.name for entry in action.entries)
        if isinstance(action, Build):
            return self._build(names)
        if isinstance(action, Judge):
            return self._judge(names, action)
        if self.lost:
            self.lost -= 1
            return Moved()
        assert names in self.proven, "only what passed exactly so may land"
        self.landed = names
        return Landed({entry.name: Oid(f"merge-{entry.name}") for entry in action.entries})

    def _build(self, names: str) -> Event:
        for at, name in enumerate(names):
            if at < len(self.landed):
                continue
            if name in self.conflict or any(set(pair) <= {name, *names[:at]} and name in pair for pair in self.collide):
                return Collided(name, ("file",))
        return Built()

    def _judge(self, names: str, action: Judge) -> Event:
        self.runs.append(names + ("!" if action.again else ""))
        if self.broken:
            self.broken -= 1
            return Unjudged("no room")
        for name in names:
            if name in self.flaky and not action.again:
                return Failed("flaky", "a log")
        if set(self.red) & set(names) or any(set(pair) <= set(names) for pair in self.pairs):
            return Failed("red", "a log")
        self.proven.add(names)
        return Passed()


def play(world: World, queue: Queue) -> Queue:
    for _ in range(10_000):
        if queue.action is None:
            return queue
        queue = queue.after(world.answer(queue))
    raise AssertionError("the queue never ends")


def said(queue: Queue) -> str:
    """`how:names` in a word for each fate, in the order of the entries."""
    return " ".join(
        f"{each.name}:{fate.how}" + (f"({''.join(fate.partners)})" if fate.partners else "")
        for each in queue.entries
        if (fate := queue.fate(each.name))
    )


@pytest.mark.parametrize(
    ("world", "names", "fates", "runs"),
    [
        pytest.param(World(), "", "", "", id="empty queue"),
        pytest.param(World(), "a", "a:landed", "a", id="one green"),
        pytest.param(World(), "abcd", "a:landed b:landed c:landed d:landed", "abcd", id="all green in one run"),
        pytest.param(World(red="a"), "a", "a:red", "a a!", id="one red, tried twice"),
        pytest.param(World(red="a"), "abcd", "a:red b:landed c:landed d:landed", "abcd ab a a! b bcd", id="red head"),
        pytest.param(
            World(red="b"), "abcd", "a:landed b:red c:landed d:landed", "abcd ab a ab ab! b acd", id="red middle"
        ),
        pytest.param(
            World(red="d"), "abcd", "a:landed b:landed c:landed d:red", "abcd ab abcd abc abcd abcd! d", id="red tail"
        ),
        pytest.param(World(red="ab"), "abc", "a:red b:red c:landed", "abc ab a a! b b! c", id="innocent behind red"),
        pytest.param(
            World(pairs=("ad",)),
            "abcd",
            "a:landed b:landed c:landed d:together(a)",
            "abcd ab abcd abc abcd abcd! d ad",
            id="guilty pair",
        ),
        pytest.param(
            World(collide=("ac",)), "abcd", "a:landed b:landed c:conflict d:landed", "abd", id="conflict inside a batch"
        ),
        pytest.param(
            World(collide=("ac",), red="a"),
            "abc",
            "a:red b:landed c:landed",
            "ab a a! b bc",
            id="conflict with one that does not land",
        ),
        pytest.param(World(conflict="b"), "abc", "a:landed b:conflict c:landed", "ac", id="conflict with integration"),
        pytest.param(World(flaky="a"), "a", "a:landed", "a a!", id="flaky once"),
        pytest.param(World(broken=1), "ab", "a:landed b:landed", "ab ab", id="the room died once"),
        pytest.param(World(broken=9), "ab", "a:unjudged b:unjudged", "ab ab", id="no room at all"),
        pytest.param(World(lost=1), "ab", "a:landed b:landed", "ab ab", id="the swap is lost once"),
        pytest.param(World(lost=99), "a", "a:moved", " ".join("a" * (ROUNDS + 1)), id="the swap is always lost"),
    ],
)
def test_what_lands_and_what_is_run(world: World, names: str, fates: str, runs: str) -> None:
    queue = play(world, begin(entries(names)))
    assert (said(queue), " ".join(world.runs)) == (fates, runs)


def test_a_flaky_entry_is_remembered_as_one() -> None:
    queue = play(World(flaky="a"), begin(entries("a")))
    assert queue.fates == (Fate(entry("a"), "landed", Oid("merge-a"), flaky=True),)


def test_more_than_two_are_named_as_more_than_two() -> None:
    class Three(World):
        def _judge(self, names: str, action: Judge) -> Event:
            return Failed() if set("abc") <= set(names) else super()._judge(names, action)

    assert said(play(Three(), begin(entries("abc")))) == "a:landed b:landed c:together(ab)"


def test_what_needs_an_entry_that_does_not_land_waits() -> None:
    listed = (entry("b", "a"), entry("c", "b"), entry("a"), entry("d"))
    assert said(play(World(red="a"), begin(listed))) == "a:red b:waits(a) c:waits(b) d:landed"


def test_what_needs_an_entry_that_is_put_off_is_put_off_with_it() -> None:
    listed = (entry("a"), entry("b"), entry("c", "b"))
    world = World(collide=("ab",), red="a")
    assert said(play(world, begin(listed))) == "a:red b:landed c:landed"


def test_the_order_is_that_of_needs_then_of_wishes() -> None:
    listed = (entry("c", "a"), entry("b"), entry("a"), msgspec.structs.replace(entry("b"), name="again"))
    assert [each.name for each in in_order(listed)] == ["b", "a", "c"]


def test_a_branch_that_moves_while_it_is_queued_takes_only_itself_out() -> None:
    queue = begin(entries("abc"))
    queue = queue.after(Built()).after(Passed())
    queue = queue.after(Withdrawn("b", "its branch is gone"))
    assert queue.action == Build(entries("ac"))
    assert said(play(World(), queue)) == "a:landed b:withdrawn c:landed"


def test_what_somebody_else_landed_holds_nobody_up() -> None:
    queue = begin((entry("a"), entry("b", "a"))).after(Withdrawn("a", "landed already", landed=True))
    assert said(play(World(), queue)) == "a:landed b:landed"


def test_after_a_move_what_was_red_is_tried_again() -> None:
    queue = begin(entries("ab"), batch=1)
    queue = queue.after(Built()).after(Failed()).after(Failed())
    assert said(queue) == "a:red"
    queue = queue.after(Built()).after(Passed()).after(Moved())
    assert said(play(World(), queue)) == "a:landed b:landed"


def test_fifty_land_in_four_runs() -> None:
    listed = tuple(entry(chr(0x100 + number)) for number in range(50))
    world = World()
    queue = play(world, begin(listed))
    assert len(world.runs) == 4
    assert all(fate.landed for fate in queue.fates)


NAMES = "abcdefgh"
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda two: two[0] < two[1]))
FEW: st.SearchStrategy[list[tuple[str, str]]] = st.one_of(st.just([]), PAIRS)


class Stormy(World):
    """A world in which more goes on: whoever carries out what the queue asks for dies, and others do things."""

    deaths: dict[int, str] = {}
    """By the number of the action: whether it dies `before` or `after` that was done."""
    rooms: list[bool] = []
    """For each run, whether it can be carried out."""
    others: list[str] = []
    """For each landing what came before it: a step of somebody else (`moves`), or the first entry's branch `goes`."""
    actions: int = 0
    gone: str = ""

    def answer(self, queue: Queue) -> Event:
        death = self.deaths.get(self.actions)
        self.actions += 1
        if death == "before":
            raise Dead
        event = self._meanwhile(queue) or super().answer(queue)
        if death == "after":
            raise Dead
        return event

    def _meanwhile(self, queue: Queue) -> Event | None:
        action = queue.action
        if isinstance(action, Judge) and self.rooms:
            self.broken = 0 if self.rooms.pop() else 1
        if not isinstance(action, Land):
            return None
        now, first = self.others.pop() if self.others else "", action.entries[0].name
        if now == "moves":
            # What passed on the tip of before says nothing of what would be on this one.
            self.landed += "."
            return Moved()
        if now == "goes" or first in self.gone:
            self.gone += first
            return Withdrawn(first, "its branch is gone")
        return None

    def _judge(self, names: str, action: Judge) -> Event:
        flaky = next((name for name in names if name in self.flaky), "")
        # Chance is red once, whoever is tried then.
        self.flaky = self.flaky.replace(flaky, "", 1) if flaky else self.flaky
        if flaky:
            self.runs.append(names)
            return Failed("chance")
        return super()._judge(names, action)


class Dead(Exception):
    """The process that carried out what the queue asks for was killed."""


def play_on(world: Stormy, listed: tuple[Entry, ...], batch: int) -> Queue:
    """Play to the end, however often it dies: a new queue knows what has landed, and nothing else."""
    while True:
        left = {each.name for each in listed if each.name not in world.landed}
        again = (msgspec.structs.replace(each, needs=tuple(sorted(left.intersection(each.needs)))) for each in listed)
        with suppress(Dead):
            return play(world, begin(tuple(each for each in again if each.name in left), batch=batch))


@settings(max_examples=300, deadline=None)
@given(
    names=st.integers(0, 8).map(lambda count: NAMES[:count]),
    red=st.sets(st.sampled_from(NAMES), max_size=3),
    pairs=FEW,
    collide=FEW,
    flaky=st.text(NAMES, max_size=2),
    batch=st.sampled_from([1, 2, 3, 8]),
    needs=FEW,
    deaths=st.dictionaries(st.integers(0, 20), st.sampled_from(["before", "after"]), max_size=3),
    rooms=st.lists(st.booleans(), max_size=6),
    others=st.lists(st.sampled_from(["", "moves", "goes"]), max_size=4),
)
def test_everything_ends_and_only_what_passed_lands(
    names: str,
    red: set[str],
    pairs: list[tuple[str, str]],
    collide: list[tuple[str, str]],
    flaky: str,
    batch: int,
    needs: list[tuple[str, str]],
    deaths: dict[int, str],
    rooms: list[bool],
    others: list[str],
) -> None:
    listed = tuple(entry(name, *(low for low, high in needs if high == name and low in names)) for name in names)
    world = Stormy(
        red="".join(red),
        pairs=tuple(map("".join, pairs)),
        collide=tuple(map("".join, collide)),
        flaky=flaky,
        deaths=deaths,
        rooms=list(rooms),
        others=list(others),
    )
    # That integration moves to what passed exactly so, and to nothing else, the world looks at itself.
    queue = play_on(world, listed, batch)
    landed = world.landed.replace(".", "")
    assert len(set(landed)) == len(landed), "nothing lands twice"
    assert {fate.entry.name for fate in queue.fates} == {each.name for each in queue.entries}
    assert all(fate.landed == (fate.entry.name in landed) for fate in queue.fates)
    assert all(set(each.needs) <= set(landed) for each in listed if each.name in landed)
    if not collide and len(flaky) < 2 and all(rooms) and "goes" not in others:
        assert landed == _one_by_one(listed, red, pairs)


def _one_by_one(listed: tuple[Entry, ...], red: set[str], pairs: list[tuple[str, str]]) -> str:
    """The slow model: each alone, in order, on top of what landed."""
    landed = ""
    for each in listed:
        names = {*landed, each.name}
        if set(each.needs) <= set(landed) and not names & red and not any(set(pair) <= names for pair in pairs):
            landed += each.name
    return landed
