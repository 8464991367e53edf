"""What comes in on a ledger, judged: it only adds, in the pusher's name, within the limits."""

from __future__ import annotations

from collections.abc import Mapping

from conductor_git.core.events.ledgerpast import Change, LedgerPast, judge_past
from conductor_git.core.findings import Finding
from conductor_git.core.hub.commands import Command
from conductor_git.core.targets import Oid


def new_notes(past: LedgerPast, command: Command) -> list[Change]:
    """What the commits that come in have added."""
    return [change for commit in _new(past, command) for change in past.commits[commit].changes if change.is_note]


def judge_growth(past: LedgerPast, command: Command) -> Finding | None:
    """Whether what the hub has is all still there, on the ledger's own line of first parents."""
    if command.old is None or command.old in past.oids:
        return None
    text = f"'{past.ref}' would go back: what the hub has of it is not below '{past.tip[:12]}'"
    return Finding("CG611", "error", past.ref, text, "git fetch    # a ledger only ever grows")


def judge_sizes(past: LedgerPast, command: Command, sizes: Mapping[Oid, int], most: int) -> Finding | None:
    """Whether a line is larger than the policy allows."""
    large = next((change for change in new_notes(past, command) if sizes.get(change.new, 0) > most), None)
    if large is None:
        return None
    text = f"event '{large.new[:12]}' has {sizes[large.new]} bytes, and the policy allows {most}"
    return Finding("CG653", "error", past.ref, text)


def judge_lines(past: LedgerPast, command: Command, bodies: Mapping[Oid, bytes], clock_limit: int) -> list[Finding]:
    """What is wrong with the commits that come in."""
    new = {past.commits[position].oid for position in _new(past, command)}
    faults = judge_past(past, bodies, clock_limit).faults
    return [fault.finding for fault in faults if fault.finding.refuses and (fault.commit in new or not past.commits)]


def _new(past: LedgerPast, command: Command) -> range:
    known = next((place for place, commit in enumerate(past.commits) if commit.oid == command.old), -1)
    return range(known + 1, len(past.commits))
