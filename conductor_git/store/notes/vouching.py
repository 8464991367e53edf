"""Looking at signatures: each signed line once for each state of the allowed signers."""

from __future__ import annotations

import os
from collections.abc import Iterable

import msgspec

from conductor_git.core.events.dsse import Envelope
from conductor_git.core.events.event import Event
from conductor_git.core.events.ledger import Ledger
from conductor_git.core.events.signers import Signers
from conductor_git.core.events.sshsig import armour, read_signature
from conductor_git.core.events.trust import Vouched, Word, explain, namespace_of, needed_of, role_of, sift
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.plumbing.repository import Repository

_MEMO = "signatures"
_MOST_AT_ONCE = 8


class _Kept(msgspec.Struct, frozen=True):
    """What ssh-keygen said by these allowed signers; it depends on nothing else, the time of now neither."""

    signers: Oid
    words: dict[Oid, Word]


def sifted(repo: Repository, ledger: Ledger, policy: Policy, signers: Signers, *, use_cache: bool = True) -> Ledger:
    """The ledger without the events that need a signature and have no good one; they are in `doubted`.

    Raises CannotRun where signatures must be looked at and there is no ssh-keygen.
    """
    trust = policy.trust
    if not trust.demands:
        return ledger
    asked = [event for event in ledger.events if event.sealed and needed_of(event, trust)]
    return sift(ledger, trust, policy.repository, look_at(repo, asked, signers, use_cache=use_cache))


def look_at(repo: Repository, events: Iterable[Event], signers: Signers, *, use_cache: bool = True) -> dict[Oid, Word]:
    """Whether the signature of each of these signed events is good by those allowed signers."""
    events = list(events)
    kept = memo.load(repo, _MEMO, _Kept) if use_cache else None
    known: dict[Oid, Word] = kept.words if kept is not None and kept.signers == signers.blob else {}
    new = {event.id: event for event in events if event.id not in known}
    if new:
        # Of what is no longer there nothing is kept: a hub hears lines that it then refuses.
        known = {event.id: known[event.id] for event in events if event.id in known}
        known |= _verified(list(new.values()), signers)
        if use_cache:
            memo.save(repo, _MEMO, _Kept(signers.blob, known))
    return known


def _verified(events: list[Event], signers: Signers) -> dict[Oid, Word]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        allowed = os.path.join(folder, "allowed_signers")
        _write(allowed, signers.text.encode("utf-8"))

        def judged(event: Event) -> Word:
            return _judged(event, signers, allowed, os.path.join(folder, event.id))

        if len(events) == 1:
            return {events[0].id: judged(events[0])}
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(_MOST_AT_ONCE, 2 * (os.cpu_count() or 1))) as pool:
            return dict(zip((event.id for event in events), pool.map(judged, events), strict=True))


def _judged(event: Event, signers: Signers, allowed: str, path: str) -> Word:
    envelope: Envelope | None = event.sealed
    if envelope is None:
        return explain(None, event.writer, signers, forged=False)
    return _asked(envelope.sig, envelope.signed, event.writer, event.time, signers, allowed, path)


def would_count(signers: Signers, writer: str, at: int, message: bytes, sig: bytes) -> Word:
    """Whether a signature of now would count, for whoever is about to work for one."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        allowed = os.path.join(folder, "allowed_signers")
        _write(allowed, signers.text.encode("utf-8"))
        return _asked(sig, message, writer, at, signers, allowed, os.path.join(folder, "signature"))


def _asked(sig: bytes, message: bytes, writer: str, at: int, signers: Signers, allowed: str, path: str) -> Word:
    from conductor_git.store.plumbing.sshkeygen import verify

    signature = read_signature(sig)
    if signature is None:
        return explain(None, writer, signers, forged=False)
    _write(path, armour(sig))
    namespace = namespace_of(role_of(writer))
    refused = verify(path, signers=allowed, writer=writer, namespace=namespace, at=at, message=message)
    if refused is None:
        return Vouched(signature.fingerprint)
    return explain(signature, writer, signers, forged="incorrect signature" in refused.said)


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
