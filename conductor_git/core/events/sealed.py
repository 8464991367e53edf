"""What a signed line signs: an attestation's in-toto Statement, or all that another event says."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.core.events.canonical import canonical

STATEMENT = "application/vnd.in-toto+json"
"""Payload type of attestations (in-toto Attestation Framework, "Envelope")."""
EVENT = "application/vnd.conductor-git.event+json"
"""Payload type of every other event."""

_ATTESTATION = "attestation"


def seal(line: dict[str, Any], repository: str) -> tuple[str, bytes]:
    """Payload type and payload of an unsigned line's fields.

    Everything that a reader goes by is in it: a signature must not be good for another repository, place or time.
    Raises ValueError for an attestation without a Statement of ours.
    """
    if line["kind"] != _ATTESTATION:
        return EVENT, canonical({**line, "repository": repository}).encode("ascii")
    try:
        statement = line["data"]["statement"]
        predicate = statement["predicate"]
        own = predicate["conductor"] | {"clock": line["clock"], "time": line["time"]}
    except (KeyError, TypeError) as error:
        raise ValueError("an attestation is signed as a Statement, and this has none") from error
    sealed = {**statement, "predicate": {**predicate, "conductor": own}}
    return STATEMENT, canonical(sealed).encode("ascii")


def unseal(payload_type: str, payload: bytes) -> dict[str, Any] | str:
    """The fields of the line that was signed, and `repository`; the text says why there are none.

    Types are not looked at, but for what must be there to tell.
    """
    try:
        said = msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"its payload is no JSON: {error}"
    if not isinstance(said, dict):
        return "its payload is no object"
    if payload_type == EVENT:
        return "an attestation that is no Statement" if said.get("kind") == _ATTESTATION else said
    if payload_type != STATEMENT:
        return f"payload type '{payload_type[:80]}' is not known here"
    predicate = said.get("predicate")
    own = predicate.get("conductor") if isinstance(predicate, dict) else None
    if not isinstance(own, dict):
        return "its Statement is of another kind"
    named = {key: own[key] for key in ("clock", "plan", "repository", "time", "wave", "writer") if key in own}
    return {**named, "data": {"statement": said}, "kind": _ATTESTATION, "v": 1}
