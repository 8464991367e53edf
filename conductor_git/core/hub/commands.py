"""What a push asks for, ref by ref, and what can be said of it without reading history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from conductor_git.core.events.event import WRITER, writer_of_ref
from conductor_git.core.findings import Finding
from conductor_git.core.hub.people import Pusher
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.say import printable
from conductor_git.core.targets import Oid

LEDGERS = "refs/notes/conductor"
_LEDGER = re.compile(rf"{LEDGERS}/{WRITER}\.[0-9a-f]{{8}}")
_RESERVED = ("refs/replace", "refs/conductor", "refs/conductor-remotes", "refs/notes/conductor-remotes", "refs/remotes")
"""What changes how git reads objects, what the hub says of itself, and copies of what others have."""

Kind = Literal["ledger", "integration", "control", "plan", "reserved", "free"]


class Command(msgspec.Struct, frozen=True):
    """One ref (full name) and where it is to go; None is where there is none."""

    ref: str
    old: Oid | None
    new: Oid | None


def parse_commands(text: str) -> tuple[Command, ...]:
    """The lines that git gives to a pre-receive hook: `<old> <new> <ref>` (githooks, "pre-receive")."""
    words = (line.split(" ", 2) for line in text.splitlines() if line)
    return tuple(Command(ref, _oid(old), _oid(new)) for old, new, ref in words)


def _oid(word: str) -> Oid | None:
    return Oid(word) if word.strip("0") else None


def kind_of(ref: str, policy: Policy | None, plans: Iterable[Plan]) -> Kind:
    """What a ref is to the rules. Where integration is the control branch too, it is integration."""
    if _LEDGER.fullmatch(ref):
        return "ledger"
    folded = ref.casefold()
    if not ref.startswith("refs/") or any(folded == name or folded.startswith(f"{name}/") for name in _RESERVED):
        return "reserved"
    if folded == LEDGERS or folded.startswith(f"{LEDGERS}/"):
        return "reserved"
    if policy is None:
        return "free"
    guarded: dict[str, Kind] = {f"refs/heads/{plan.branch}": "plan" for plan in plans if plan.branch}
    guarded |= {policy.control_ref: "control", policy.integration_ref: "integration"}
    if ref in guarded:
        return guarded[ref]
    # One that another file system takes for a guarded branch, or in whose place that one could never be made.
    near = any(folded == name.casefold() or name.startswith(f"{ref}/") for name in guarded)
    return "reserved" if near else "free"


def judge_command(
    command: Command, kind: Kind, pusher: Pusher, stands: Oid | None, symbolic: Mapping[str, str]
) -> Finding | None:
    """What is wrong with one command as such: who may move what. `stands` is where the ref really is, `symbolic` what
    the hub's symbolic refs mean."""
    ref, shown = command.ref, printable(command.ref)
    if kind == "reserved":
        return Finding("CG654", "error", shown, f"'{shown}' is a name that nobody pushes to")
    if ref in symbolic:
        return Finding("CG654", "error", shown, f"'{shown}' only stands for '{printable(symbolic[ref])}': push to that")
    if command.old != stands:
        return Finding("CG658", "error", shown, f"'{shown}' is not where this push says it was", "git fetch")
    if kind in ("integration", "control") and not pusher.conducts:
        text = f"only the conductor moves '{shown}', and '{pusher.login}' is {_names(pusher)}"
        return Finding(
            "CG656", "error", shown, text, "conductor-git log-status    # the conductor lands what is proven"
        )
    if kind in ("integration", "control") and command.new is None:
        return Finding("CG656", "error", shown, f"'{shown}' is the {kind} branch, which never goes away")
    if kind == "ledger" and writer_of_ref(ref) not in pusher.writers:
        text = f"'{shown}' is a ledger of '{writer_of_ref(ref)}', and '{pusher.login}' is {_names(pusher)}"
        return Finding("CG652", "error", shown, text, "conductor-git whoami    # under which name you write, and why")
    if kind == "ledger" and command.new is None:
        return Finding("CG611", "error", shown, f"'{shown}' would go: a ledger only ever grows")
    return None


def _names(pusher: Pusher) -> str:
    return ", ".join(f"'{writer}'" for writer in pusher.writers) or "no writer here"
