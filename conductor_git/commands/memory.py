"""`memory`: what the team remembers, in the ledger."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.commands.outcome import REFUSED, Outcome
from conductor_git.core.durations import ago
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.memory import (
    Entry,
    current,
    derived,
    histories,
    nearest_key,
    render_forgetting,
    render_memory,
)
from conductor_git.core.events.shortids import SHOWN
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.completion import answer_from_history
from conductor_git.core.reporting.fold import fold
from conductor_git.core.say import printable
from conductor_git.store.notes.telling import Say, tell_once
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import take

SCHEMA = 1


def write(repo: Repository, key: str, value: Any, *, now: int, say: Say) -> Outcome:
    """Give a key a value; every earlier one stays readable. Keys that history answers are refused.

    Raises CannotRun for what is no key or no JSON value, and for what is larger than the policy allows.
    """
    return _record(repo, key, render_memory(key, value), now=now, say=say)


def forget(repo: Repository, key: str, *, now: int, say: Say) -> Outcome:
    """Leave a key without a value. Raises CannotRun where it has none."""
    data = render_forgetting(key)
    if not derived(key):
        _entry(current(histories(take(repo).ledger)), key)
    return _record(repo, key, data, now=now, say=say)


def read(repo: Repository, key: str, *, now: int) -> Outcome:
    """The value that counts. Raises CannotRun where there is none."""
    snapshot = take(repo)
    asked = derived(key)
    if asked is not None:
        value = answer_from_history(asked, key, fold(snapshot, now), snapshot.plans)
        return Outcome(text=_json(value), data={"schema": SCHEMA, "key": key, "value": value, "derived": True})
    entry = _entry(current(histories(snapshot.ledger)), key)
    return Outcome(text=_json(entry.value), data={"schema": SCHEMA, **_shown(entry), "derived": False})


def list_keys(repo: Repository, prefix: str, *, now: int) -> Outcome:
    """Every key that has a value, with its value, writer and age."""
    entries = [entry for key, entry in current(histories(take(repo).ledger)).items() if key.startswith(prefix)]
    wide = max((len(entry.key) for entry in entries), default=0)
    lines = [
        f"{entry.key.ljust(wide)}  {_short(entry)}  ({entry.writer}, {ago(now - entry.time)})" for entry in entries
    ]
    data = {"schema": SCHEMA, "prefix": prefix, "memory": [_shown(entry) for entry in entries]}
    return Outcome(text=printable("\n".join(lines)) or "nothing is remembered yet", data=data)


def history(repo: Repository, key: str, *, now: int) -> Outcome:
    """Every value that a key had, the one that counts first. Raises CannotRun where it never had one."""
    known = histories(take(repo).ledger)
    if key not in known:
        raise _unknown(key, known)
    entries = known[key][::-1]
    lines = ["  ".join([entry.event[:SHOWN], entry.writer, ago(now - entry.time), _short(entry)]) for entry in entries]
    data = {"schema": SCHEMA, "key": key, "history": [_shown(entry) for entry in entries]}
    return Outcome(text=printable("\n".join(lines)), data=data)


def _record(repo: Repository, key: str, data: dict[str, Any], *, now: int, say: Say) -> Outcome:
    if derived(key):
        text = f"'{key}' is answered from history: nobody can write that something is complete"
        finding = Finding("CG804", "error", key, text, f"conductor-git memory read {key}")
        none = {"schema": SCHEMA, "key": key, "event": None, "recorded": False}
        return Outcome(REFUSED, data=none, findings=(finding,), unchanged="nothing was recorded")
    snapshot = take(repo)
    writer = whoami(repo, snapshot.plans).name
    said = [event for event in snapshot.ledger.events if event.kind == "memory" and event.data.get("key") == key]
    # Said again it is the same, unless somebody else has had a word since.
    before = said[-1] if said and (said[-1].writer, said[-1].data) == (writer, data) else None
    event = tell_once(repo, snapshot.policy, before, writer=writer, kind="memory", data=data, now=now, say=say)
    text = f"memory '{key}' {'stands already' if before else 'is written' if 'value' in data else 'is forgotten'}"
    return Outcome(text=text, data={"schema": SCHEMA, "key": key, "event": event.id, "recorded": before is None})


def _entry(known: dict[str, Entry], key: str) -> Entry:
    if key not in known:
        raise _unknown(key, known)
    return known[key]


def _unknown(key: str, known: dict[str, Any]) -> CannotRun:
    near = nearest_key(key, known)
    hint = f"conductor-git memory read {near}" if near else "conductor-git memory list"
    return CannotRun(f"nothing is remembered under '{key}'", hint=hint)


def _shown(entry: Entry) -> dict[str, Any]:
    return msgspec.structs.asdict(entry)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8")


def _short(entry: Entry) -> str:
    text = "(forgotten)" if entry.forgotten else msgspec.json.encode(entry.value).decode("utf-8")
    return text if len(text) <= 80 else f"{text[:77]}..."
