"""pre-push: refuses claims that are not proven, and sends this clone's ledger ahead of what it proves."""

from __future__ import annotations

import os
import sys

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.core.judgement.moves import Arrival, judge_outgoing, parse_pushes
from conductor_git.core.say import say_error, say_findings
from conductor_git.store.notes.ledger_push import push_own
from conductor_git.store.plumbing.caller import Call, find_call
from conductor_git.store.plumbing.refs import HEADS, LEDGER, REMOTES, read_refs
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.snapshot import take
from conductor_git.store.validation.platform import platform_tag


def pre_push(args: list[str]) -> int:
    """Judge what git says on standard input; `args` are the remote's name (or URL) and its URL."""
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    remote = args[0] if args else ""
    repo = discover()
    code = _judge(repo, text, remote)
    # A ledger that this push takes along itself must not get there before it: git then finds that its ref is there.
    along = any(push.ref.startswith(LEDGER) for push in parse_pushes(text))
    if code == 0 and remote and not along and not os.environ.get("CONDUCTOR_PROBE"):
        _send_ledger(repo, remote)
    return code


def _judge(repo: Repository, text: str, remote: str) -> int:
    refs = read_refs(repo)
    pushes = [push for push in parse_pushes(text) if push.ref.startswith(HEADS) and push.new is not None]
    if not pushes:
        return 0
    there = [oid for ref, oid in refs.oids.items() if ref.startswith(f"{REMOTES}{remote}/")]
    try:
        snapshot = take(repo, refs=refs, also=[push.new for push in pushes if push.new])
    except CannotRun as error:
        # Without rules nothing can be judged, and what goes out was judged when it came.
        print(f"warning: {say_error(error).removeprefix('error: ')}", file=sys.stderr)
        return 0
    findings = []
    for push in pushes:
        branch = push.ref.removeprefix(HEADS)
        known = tuple([*there, push.old] if push.old else there)
        if push.new is not None and snapshot.plan_of_branch(branch) is not None:
            arrival = Arrival(branch, push.old, push.new, "", platform_tag(), followed=known)
            findings += judge_outgoing(arrival, snapshot)
    if findings:
        print(say_findings(findings, unchanged="nothing was pushed"), file=sys.stderr)
    return int(refused(findings))


def _send_ledger(repo: Repository, remote: str) -> None:
    """Push the ledger, unless this is a rehearsal or nobody can tell."""
    call = _expanded(repo, find_call())
    if call.verb != "push" or _is_rehearsal(call):
        return
    pushed = push_own(repo, remote)
    if pushed.refused:
        print(f"note: {pushed}", file=sys.stderr)


def _expanded(repo: Repository, call: Call) -> Call:
    """The command behind an alias."""
    if not call.verb or call.verb == "push":
        return call
    words = (repo.config(f"alias.{call.verb}") or "").split()
    return Call(words[0], (*words[1:], *call.args)) if words else call


def _is_rehearsal(call: Call) -> bool:
    short = [word for word in call.args if word.startswith("-") and not word.startswith("--")]
    # git takes any beginning of a long option that is no other's; '-o' has a value that may hold an 'n'.
    long = any(len(word) > 3 and "--dry-run".startswith(word) for word in call.args)
    return long or any("n" in word.partition("o")[0] for word in short)
