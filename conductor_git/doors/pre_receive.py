"""pre-receive: the door of a hub. Who pushes is known here, and a push is not judged by rules that it brings."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.hub.commands import Command, Kind, judge_command, kind_of, parse_commands
from conductor_git.core.hub.ledgers import judge_growth, judge_lines, judge_sizes, new_notes
from conductor_git.core.hub.people import Pusher, judge_identity, pusher_of
from conductor_git.core.hub.verdict import Verdict
from conductor_git.core.planning.policy import Limits
from conductor_git.core.say import say_findings
from conductor_git.store.auditing.ledgers import read_lines
from conductor_git.store.control.control import Control, NoPolicy, read_control
from conductor_git.store.control.controltree import BrokenRules
from conductor_git.store.hub.founding import read_rules
from conductor_git.store.hub.gate import (
    Hub,
    Stands,
    check_commits,
    enter,
    read_incoming,
    read_sizes,
    read_stands,
    rules_elsewhere,
)
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.past.changes import read_changes
from conductor_git.store.past.freezes import with_freezes
from conductor_git.store.snapshot import take

_SHOWN = 10
_JUDGED: tuple[Kind, ...] = ("integration", "control", "plan")


class _Push(msgspec.Struct, frozen=True):
    hub: Hub
    pusher: Pusher
    stands: Stands
    commands: tuple[Command, ...]
    kinds: dict[str, Kind]

    def of(self, *kinds: Kind) -> tuple[Command, ...]:
        return tuple(command for command in self.commands if self.kinds[command.ref] in kinds)


def pre_receive(args: list[str]) -> int:
    """Judge the push on standard input: all of it goes in, or nothing."""
    hub = enter(os.environ)
    commands = parse_commands(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    login = judge_identity(hub.identities, os.environ)
    findings = [login] if isinstance(login, Finding) else _judge(hub, login, commands)
    if not findings:
        return 0
    print(say_findings(findings[:_SHOWN], unchanged="nothing of this push was taken"), file=sys.stderr)
    if len(findings) > _SHOWN:
        print(f"       and {len(findings) - _SHOWN} more", file=sys.stderr)
    return 1


def _judge(hub: Hub, login: str, commands: tuple[Command, ...]) -> Sequence[Finding]:
    stands = read_stands(hub)
    rules = read_rules(hub)
    control = rules if isinstance(rules, Control) else None
    policy, plans = (control.policy, control.plans) if control else (None, ())
    pusher = pusher_of(login, policy, hub.founder)
    kinds = {command.ref: kind_of(command.ref, policy, plans) for command in commands}
    push = _Push(hub, pusher, stands, commands, kinds)
    wrong = [
        found
        for each in commands
        if (found := judge_command(each, kinds[each.ref], pusher, stands.oids.get(each.ref), stands.symbolic))
    ]
    if wrong:
        return wrong
    if control is None and not pusher.conducts:
        return [_without_rules(rules, hub)]
    check_commits(hub.repository, push.of("ledger", *_JUDGED))
    return _ledgers(push, control) or _rules_after(push, control) or _history(push, control)


def _without_rules(rules: Control | CannotRun, hub: Hub) -> Finding:
    what = "it has no policy yet" if not isinstance(rules, BrokenRules) else rules.what
    text = f"this hub cannot judge: {what}"
    return Finding("CG657", "error", "hub", text, detail=f"'{hub.founder}' pushes a policy that can be obeyed first")


def _ledgers(push: _Push, control: Control | None) -> list[Finding]:
    """What is wrong with the ledgers that come in. What must not be read is found before it is read."""
    asked = push.of("ledger")
    if not asked:
        return []
    repo, limits = push.hub.repository, control.policy.limits if control else Limits()
    pasts = read_incoming(push.hub, asked)
    pairs = [(pasts[command.ref], command) for command in asked]
    sizes = read_sizes(repo, [note.new for past, command in pairs for note in new_notes(past, command)])
    found = [judge_growth(past, command) for past, command in pairs]
    found += [judge_sizes(past, command, sizes, limits.event_bytes) for past, command in pairs]
    if refusing := [finding for finding in found if finding is not None]:
        return refusing
    bodies = read_lines(repo, list(pasts.values()))
    limit = read_ledger(repo, refs=push.stands.over(asked), use_cache=False).clock_limit
    return [finding for past, command in pairs for finding in judge_lines(past, command, bodies, limit)]


def _rules_after(push: _Push, control: Control | None) -> list[Finding]:
    """What is wrong with the rules that the hub would have: nobody but the conductor changes which they are, and even
    the conductor leaves some that can be obeyed."""
    if not push.pusher.conducts:
        ref = rules_elsewhere(push.hub, control.ref if control else "", push.commands)
        text = f"'{ref}' has a policy, and would be taken for the control branch"
        return [Finding("CG654", "error", ref, text, "git push origin HEAD:refs/heads/OTHER-NAME")] if ref else []
    try:
        read_control(push.hub.repository, refs=push.stands.over(push.commands), use_cache=False)
    except NoPolicy as error:
        if control is None:
            return []
        return [Finding("CG657", "error", "hub", f"the push would leave the hub without rules: {error.what}")]
    except CannotRun as error:
        text = f"the rules that come with this push cannot be obeyed: {error.what}"
        return [Finding("CG657", "error", "hub", text, "conductor-git plan check", error.detail)]
    return []


def _history(push: _Push, control: Control | None) -> list[Finding]:
    """What is wrong with claims, landings and paths, by the rules that stand; the first ones find only a past."""
    if control is None or not push.of(*_JUDGED):
        return []
    repo = push.hub.repository
    # The old tips for what would be lost; the new ones too, for a control branch is in no plan's history.
    ends = [oid for command in push.of(*_JUDGED) for oid in (command.old, command.new) if oid is not None]
    refs = push.stands.over(push.commands)
    # Looking at a signature takes longer than all else that each push adds one more of.
    after = take(repo, refs=refs, also=ends, control=control, use_cache=False, keep_words=True)
    after = with_freezes(repo, after, use_cache=False)
    verdict = Verdict(after, push.of(*_JUDGED))
    return verdict.findings(read_changes(repo, [owned.commit for owned in verdict.fresh]))
