"""DSSE envelopes: a payload, its type, and a signature over both.

Source: Dead Simple Signing Envelope, protocol and envelope 1.0. Of what it leaves open: base64 is the standard one and
exact, and there is one signature.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import msgspec


class Envelope(msgspec.Struct, frozen=True):
    """An envelope, opened. `sig` is what DSSE says nothing about: here the blob of an SSH signature."""

    payload_type: str
    payload: bytes
    keyid: str
    """A hint, which nobody has signed: `SHA256:…` as ssh-keygen prints a key."""
    sig: bytes

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(self.payload_type, self.payload)


class _Signature(msgspec.Struct):
    sig: str
    keyid: str = ""


class _Fields(msgspec.Struct, rename="camel"):
    payload: str
    payload_type: str
    signatures: list[_Signature]


_decoder = msgspec.json.Decoder(_Fields)


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of type and payload."""
    kind = payload_type.encode("utf-8")
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def render_envelope(envelope: Envelope) -> dict[str, Any]:
    """The envelope as JSON-ready values."""
    return {
        "payload": b64encode(envelope.payload).decode("ascii"),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": envelope.keyid, "sig": b64encode(envelope.sig).decode("ascii")}],
    }


def parse_envelope(raw: bytes) -> Envelope | str:
    """Open an envelope in JSON; the text says why it is none. Never raises. Keys of others are passed over."""
    try:
        fields = _decoder.decode(raw)
        payload = _exact(fields.payload)
        sigs = [(signature.keyid, _exact(signature.sig)) for signature in fields.signatures]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"not an envelope: {error}"
    if len(sigs) != 1:
        return f"an envelope with {len(sigs)} signatures, not one"
    return Envelope(fields.payload_type, payload, *sigs[0])


def _exact(text: str) -> bytes:
    """The bytes of a base64 text of which there is one spelling only."""
    raw = b64decode(text, validate=True)
    if b64encode(raw).decode("ascii") != text:
        raise ValueError("base64 with loose ends")
    return raw
