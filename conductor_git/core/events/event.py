"""One line of the ledger: an event, as one line of canonical JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

import msgspec

from conductor_git.core.events.canonical import canonical as canonical
from conductor_git.core.events.dsse import Envelope, pae, parse_envelope, render_envelope
from conductor_git.core.events.sealed import seal, unseal
from conductor_git.core.targets import PLAN_ID, Oid, Target

VERSION = 1
SIGNED_VERSION = 2
"""Of a line that is an envelope around what an unsigned line would say."""

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
_KIND = r"[a-z][a-z0-9-]{0,63}"
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
    sealed: Envelope | None = None
    """The envelope of a signed line; whether its signature is good is not said by that."""
    repository: str = ""
    """The policy's id that a signed line names."""
    signer: str = ""
    """`SHA256:…` of the key, where the policy asks for a signature and this one is good."""

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


def line_fields(
    *, clock: int, writer: str, kind: Kind, time: int, data: dict[str, Any], target: Target | None = None
) -> dict[str, Any]:
    """What a line says, as JSON-ready values."""
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
    return line


def render_line(
    *, clock: int, writer: str, kind: Kind, time: int, data: dict[str, Any], target: Target | None = None
) -> bytes:
    """The bytes of an event's note: one line of canonical JSON with its newline."""
    fields = line_fields(clock=clock, writer=writer, kind=kind, time=time, data=data, target=target)
    return canonical(fields).encode("ascii") + b"\n"


Sign = Callable[[bytes], tuple[str, bytes]]
"""Signs bytes: the key as ssh-keygen prints it, and the signature's blob."""


def render_signed(fields: dict[str, Any], *, repository: str, sign: Sign) -> bytes:
    """The bytes of a signed event's note, from the fields of a line. Raises ValueError for what cannot be signed."""
    payload_type, payload = seal(fields, repository)
    keyid, sig = sign(pae(payload_type, payload))
    return _signed_line(Envelope(payload_type, payload, keyid, sig))


_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class _Line(msgspec.Struct):
    clock: _Count
    data: dict[str, Any]
    kind: str
    time: _Count
    v: int
    writer: str
    plan: str | None = None
    wave: Annotated[int, msgspec.Meta(ge=0, lt=10**9)] | None = None


class _SealedLine(_Line, kw_only=True):
    repository: str


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.msgpack.Encoder()


def parse_line(raw: bytes, *, id: Oid, ref: str) -> Event | BadLine:
    """Read one note. Never raises; what cannot be read is a BadLine. Kinds unknown here are kept as they are."""
    envelope = None
    if raw.startswith(_ENVELOPE):
        opened = parse_envelope(raw)
        # One spelling only: nobody can make another event of what somebody else has signed.
        if isinstance(opened, str) or _signed_line(opened) != raw:
            return BadLine(id, ref, opened if isinstance(opened, str) else "an envelope that is not canonical")
        envelope = opened
    line = _read(raw) if envelope is None else _read_sealed(envelope)
    why = line if isinstance(line, str) else _unfit(line, raw if envelope is None else envelope.payload)
    if isinstance(line, str) or why:
        return BadLine(id, ref, why)
    if writer_of_ref(ref) != line.writer:
        return BadLine(id, ref, f"names writer '{line.writer}'", code="CG602")
    repository = line.repository if isinstance(line, _SealedLine) else ""
    said = (line.clock, line.writer, line.kind, line.time, line.data, line.plan, line.wave)
    return Event(id, *said, sealed=envelope, repository=repository)


_ENVELOPE = b'{"payload":'
"""How canonical JSON of an envelope begins, and that of no unsigned line: no key of theirs sorts so."""


def _signed_line(envelope: Envelope) -> bytes:
    return canonical({**render_envelope(envelope), "v": SIGNED_VERSION}).encode("ascii") + b"\n"


def _read(raw: bytes) -> _Line | str:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"not an event: {error}"


def _read_sealed(envelope: Envelope) -> _SealedLine | str:
    fields = unseal(envelope.payload_type, envelope.payload)
    if isinstance(fields, str):
        return fields
    try:
        return msgspec.convert(fields, _SealedLine)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        return f"not an event: {error}"


def writer_of_ref(ref: str) -> str:
    """The writer in `refs/notes/conductor/<writer>.<clone>` and its copies of remotes."""
    return ref.rsplit("/", 1)[-1].partition(".")[0]


def _unfit(line: _Line, raw: bytes) -> str:
    if line.v != VERSION:
        return f"version {line.v} is not known here"
    if line.wave is not None and line.plan is None:
        return "names a wave and no plan"
    for word, pattern in ((line.kind, _KIND), (line.writer, WRITER), (line.plan, PLAN_ID)):
        if word is not None and not _is_word(word, pattern):
            return f"not an event: {word[:60]!r} does not match '{pattern}'"
    # Counting brackets in C first: nearly every event is let through without a walk in Python.
    if raw.count(b"[") + raw.count(b"{") > DEPTH_LIMIT and _deeper_than(line.data, DEPTH_LIMIT):
        return f"nested deeper than {DEPTH_LIMIT}"
    if not _encodable(line.data):
        return "holds a number of more than 64 bits"
    return ""


# A long ledger says the same few words in every line, and msgspec's own patterns take half the time of reading one.
@lru_cache(maxsize=8192)
def _is_word(word: str, pattern: str) -> bool:
    return re.fullmatch(pattern, word) is not None


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
