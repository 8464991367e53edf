"""One line of the ledger: an event, as one line of canonical JSON."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, get_args

import msgspec

from conductor_git.core.targets import PLAN_ID, Oid, Target

VERSION = 1

Kind = Literal[
    "attestation",
    "delegation",
    "blocker",
    "guidance",
    "resolution",
    "memory",
    "waiver",
    "reopening",
    "landing",
    "acceptance",
]
KINDS = frozenset(get_args(Kind))

WRITER = r"[a-z0-9][a-z0-9_-]*"
DEPTH_LIMIT = 64
"""How deep an event's data may nest: whoever walks it later must not run out of stack."""


class Event(msgspec.Struct, frozen=True):
    """Something that was said, by whom, at which Lamport time. `id` is the oid of the line's own blob."""

    id: Oid
    clock: int
    writer: str
    kind: str
    time: int
    """Seconds since the epoch by the writer's clock; for people, never for order."""
    data: dict[str, Any]
    plan: str | None = None
    wave: int | None = None

    @property
    def target(self) -> Target | None:
        """The plan or wave that the event is about."""
        return None if self.plan is None else Target(self.plan, self.wave)

    @property
    def order(self) -> tuple[int, str, str]:
        """Sort key of the whole ledger: clock, then writer, then id."""
        return (self.clock, self.writer, self.id)


class BadLine(msgspec.Struct, frozen=True):
    """A note that is no event: kept, counted, reported, never trusted."""

    id: Oid
    ref: str
    why: str
    code: str = "CG601"


def canonical(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, ASCII only, no NaN; one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def render_line(
    *, clock: int, writer: str, kind: Kind, time: int, data: dict[str, Any], target: Target | None = None
) -> bytes:
    """The bytes of an event's note: one line of canonical JSON with its newline."""
    line: dict[str, Any] = {
        "clock": clock,
        "data": data,
        "kind": kind,
        "time": time,
        "v": VERSION,
        "writer": writer,
    }
    if target is not None:
        line["plan"] = target.plan
        if target.wave is not None:
            line["wave"] = target.wave
    return canonical(line).encode("ascii") + b"\n"


_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class _Line(msgspec.Struct):
    clock: _Count
    data: dict[str, Any]
    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}\Z")]
    time: _Count
    v: int
    writer: Annotated[str, msgspec.Meta(pattern=rf"^{WRITER}\Z")]
    plan: Annotated[str, msgspec.Meta(pattern=rf"^{PLAN_ID}\Z")] | None = None
    wave: Annotated[int, msgspec.Meta(ge=0, lt=10**9)] | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.msgpack.Encoder()


def parse_line(raw: bytes, *, id: Oid, ref: str) -> Event | BadLine:
    """Read one note. Never raises; what cannot be read is a BadLine. Kinds unknown here are kept as they are."""
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return BadLine(id, ref, f"not an event: {error}")
    why = _unfit(line, raw)
    if why:
        return BadLine(id, ref, why)
    if writer_of_ref(ref) != line.writer:
        return BadLine(id, ref, f"names writer '{line.writer}'", code="CG602")
    return Event(id, line.clock, line.writer, line.kind, line.time, line.data, line.plan, line.wave)


def writer_of_ref(ref: str) -> str:
    """The writer in `refs/notes/conductor/<writer>.<clone>` and its copies of remotes."""
    return ref.rsplit("/", 1)[-1].partition(".")[0]


def _unfit(line: _Line, raw: bytes) -> str:
    if line.v != VERSION:
        return f"version {line.v} is not known here"
    if line.wave is not None and line.plan is None:
        return "names a wave and no plan"
    # Counting brackets in C first: nearly every event is let through without a walk in Python.
    if raw.count(b"[") + raw.count(b"{") > DEPTH_LIMIT and _deeper_than(line.data, DEPTH_LIMIT):
        return f"nested deeper than {DEPTH_LIMIT}"
    if not _encodable(line.data):
        return "holds a number of more than 64 bits"
    return ""


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return False
    return True


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _encodable(value: object) -> bool:
    try:
        _encoder.encode(value)
    except (OverflowError, ValueError):
        return False
    return True
