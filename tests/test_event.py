"""Ledger lines: what is an event, what is none, and that nothing makes the reader raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_git.core.events.event import DEPTH_LIMIT, BadLine, Event, parse_line, render_line
from conductor_git.core.targets import Oid, Target
from conductor_git.store.plumbing.repository import hash_object

REF = "refs/notes/conductor/agent-2.0a1b2c3d"
ID = Oid("0" * 40)
VECTORS = json.loads((Path(__file__).parent / "vectors" / "ledger.json").read_text())["cases"]


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    raw = bytes.fromhex(case["hex"]) if "hex" in case else case["line"].encode("utf-8")
    line = parse_line(raw, id=ID, ref=case["ref"])
    if "bad" in case:
        assert isinstance(line, BadLine)
        assert (line.id, line.ref, line.code) == (ID, case["ref"], case["bad"])
        assert line.why
    else:
        assert isinstance(line, Event)
        assert msgspec.structs.replace(line, sealed=None) == Event(id=ID, **case["event"])
        assert hash_object("sha1", "blob", raw) == case["sha1"]


def test_there_are_enough_vectors() -> None:
    assert len(VECTORS) >= 30
    assert len({case["name"] for case in VECTORS}) == len(VECTORS)


def test_an_event_is_one_line_of_sorted_ascii() -> None:
    data = {"b": "✅\n", "a": 1.5}
    raw = render_line(clock=7, writer="agent-2", kind="memory", time=1700000000, data=data, target=Target("2", 3))
    assert raw == (
        b'{"clock":7,"data":{"a":1.5,"b":"\\u2705\\n"},"kind":"memory","plan":"2",'
        b'"time":1700000000,"v":1,"wave":3,"writer":"agent-2"}\n'
    )


def test_a_plan_has_no_wave_in_its_line() -> None:
    raw = render_line(clock=1, writer="a", kind="memory", time=1, data={}, target=Target("parser"))
    assert raw == b'{"clock":1,"data":{},"kind":"memory","plan":"parser","time":1,"v":1,"writer":"a"}\n'


def test_clock_comes_before_writer_and_writer_before_id() -> None:
    def event(clock: int, writer: str, id: str) -> Event:
        return Event(Oid(id), clock, writer, "memory", 0, {})

    first, second, third, last = event(1, "b", "9"), event(2, "a", "5"), event(2, "b", "1"), event(2, "b", "2")
    assert sorted([last, second, first, third], key=lambda event: event.order) == [first, second, third, last]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, b"bytes", object()])
def test_what_is_no_json_is_not_rendered(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        render_line(clock=1, writer="a", kind="memory", time=1, data={"k": value})


text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | text
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4))
targets = st.none() | st.builds(
    Target,
    st.integers(0, 10**9 - 1).map(str) | st.from_regex(r"[a-z][a-z0-9-]{0,63}", fullmatch=True),
    st.none() | st.integers(0, 10**9 - 1),
)


@given(
    clock=st.integers(0, 2**53 - 1),
    writer=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,30}", fullmatch=True),
    time=st.integers(0, 2**53 - 1),
    data=st.dictionaries(text, values, max_size=5),
    target=targets,
)
def test_what_is_rendered_is_read_back_as_it_was(
    clock: int, writer: str, time: int, data: dict[str, Any], target: Target | None
) -> None:
    raw = render_line(clock=clock, writer=writer, kind="guidance", time=time, data=data, target=target)
    assert raw.isascii()
    assert raw.index(b"\n") == len(raw) - 1
    event = parse_line(raw, id=ID, ref=f"refs/notes/conductor/{writer}.0a1b2c3d")
    plan, wave = (target.plan, target.wave) if target else (None, None)
    assert event == Event(ID, clock, writer, "guidance", time, data, plan, wave)
    again = render_line(clock=clock, writer=writer, kind="guidance", time=time, data=event.data, target=event.target)
    assert again == raw


WHOLE = (
    b'{"clock":1',
    b',"data":{}',
    b',"kind":"memory"',
    b',"time":1',
    b',"v":1',
    b',"writer":"agent-2"',
    b"}",
    b"\n",
)
ODD = (
    b"[",
    b"{",
    b'"',
    b"\\ud800",
    b"1e999",
    b"\xff",
    b"\0",
    b"9" * 25,
    b'"wave":',
    b"-1",
    b"null",
    b'"plan":"2"',
    b",",
)
pieces = st.sampled_from(WHOLE + ODD)


@given(raw=st.binary(max_size=200) | st.lists(pieces, max_size=20).map(b"".join))
def test_nothing_makes_the_reader_raise(raw: bytes) -> None:
    line = parse_line(raw, id=ID, ref=REF)
    assert isinstance(line, Event | BadLine)


@given(value=values)
def test_any_json_value_in_place_of_a_field_is_an_event_or_a_bad_line(value: object) -> None:
    event = {"clock": 1, "data": {}, "kind": "memory", "time": 1, "v": 1, "writer": "agent-2"}
    for field in (*event, "plan", "wave"):
        line = parse_line(json.dumps({**event, field: value}).encode(), id=ID, ref=REF)
        assert isinstance(line, Event | BadLine)
        assert isinstance(line, BadLine) or line.writer == "agent-2"


@pytest.mark.parametrize("opening", ["[", '{"k":'])
def test_an_event_that_is_believed_can_be_walked(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(depth: int) -> bytes:
        inner = opening * depth + "0" + closing * depth
        return b'{"clock":1,"data":{"k":%s},"kind":"memory","time":1,"v":1,"writer":"agent-2"}' % inner.encode()

    assert isinstance(parse_line(nested(DEPTH_LIMIT - 2), id=ID, ref=REF), Event)
    assert isinstance(parse_line(nested(DEPTH_LIMIT), id=ID, ref=REF), BadLine)
