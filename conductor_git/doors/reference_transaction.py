"""reference-transaction: refuses moves of guarded branches and ledgers that the rules do not allow."""

from __future__ import annotations

import sys

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.hooktext.guards import guarded_refs
from conductor_git.core.judgement.boundaries import Staged, judge_staged
from conductor_git.core.judgement.losses import judge_deletion
from conductor_git.core.judgement.moves import (
    Arrival,
    LedgerMove,
    Move,
    judge_arrival,
    judge_ledger,
    led_by_plan,
    parse_moves,
)
from conductor_git.core.planning.executors import read_executor
from conductor_git.core.planning.plans import declares_freezes
from conductor_git.core.say import say_error, say_findings
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import Control, NoPolicy, read_control
from conductor_git.store.hookfiles.guards import write_guards
from conductor_git.store.notes.clone import clone_ids
from conductor_git.store.notes.writer import speaker, whoami
from conductor_git.store.past.arrivals import (
    brings_claims,
    changed_control_paths,
    find_followed,
    follows,
    is_contained,
    is_copied,
    is_kept,
    is_plain_step,
    lost_notes,
)
from conductor_git.store.plumbing.caller import Call, find_call
from conductor_git.store.plumbing.refs import HEADS, LEDGER, Refs, read_refs
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.plumbing.undo import undo_of


def reference_transaction(args: list[str]) -> int:
    """Judge the moves on standard input. Only the state `prepared` can be refused."""
    if args != ["prepared"]:
        return 0
    asked = parse_moves(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    repo = discover()
    refs = read_refs(repo)
    moves = [found for move in asked if (found := _as_it_stands(repo, refs, move)).old != found.new]
    if not moves:
        return 0
    call = find_call()
    if call.verb == "receive-pack" and _is_judged_before(repo):
        return 0
    try:
        control = read_control(repo, refs=refs)
    except NoPolicy:
        return 0
    except CannotRun as error:
        return _without_rules(repo, moves, error)
    write_guards(repo, control)
    findings = [finding for move in moves for finding in _judge(repo, refs, control, move, call)]
    if not findings:
        return 0
    unchanged = "nothing was committed" if call.verb == "commit" else "no branch was moved"
    print(say_findings(findings, unchanged=unchanged), file=sys.stderr)
    if not refused(findings):
        return 0
    undo = undo_of(repo, call)
    if undo:
        print(f"hint: {undo}    # takes back what the refused command left", file=sys.stderr)
    return 1


def _is_judged_before(repo: Repository) -> bool:
    """Whether a push was judged by a hub's own door, which knows who pushes: here it would be whoever runs the hub."""
    from conductor_git.store.hub.founding import enforces

    return enforces(repo)


def _as_it_stands(repo: Repository, refs: Refs, move: Move) -> Move:
    """The move from where the ref stands: its caller need not have named that."""
    new = move.new
    if new is not None and new.startswith("ref:"):
        # Made a symbolic ref (git 2.46 and newer say so): it is then where that one is.
        new = repo.resolve(new.removeprefix("ref:"))
    return Move(move.ref, refs.oids.get(move.ref), new)


def _judge(repo: Repository, refs: Refs, control: Control, move: Move, call: Call) -> list[Finding]:
    if move.ref.startswith(LEDGER):
        return _ledger(repo, move)
    executors = move.ref.startswith(HEADS) and read_executor(move.ref.removeprefix(HEADS), control.plans) is not None
    if not executors and move.ref not in guarded_refs(control.policy, control.plans):
        return []
    if move.new is None and executors:
        # No claim counts there, so nothing is lost that anybody believes.
        return []
    if move.new is None:
        return _deleted(repo, refs, control, move)
    followed = find_followed(repo, refs, move, call)
    if follows(repo, move, followed):
        return []
    writer = whoami(repo, control.plans).name
    return _control(repo, control, move, writer) or _arrived(repo, refs, control, move, writer, followed)


def _control(repo: Repository, control: Control, move: Move, writer: str) -> list[Finding]:
    """The finding for a change of policy, plans or scripts by anybody but the conductor."""
    if move.ref not in (control.policy.control_ref, control.policy.integration_ref) or writer == CONDUCTOR:
        return []
    paths = changed_control_paths(repo, move)
    findings = judge_staged(Staged(paths, move.ref.removeprefix(HEADS), writer), control.policy, control.plans)
    return [msgspec.structs.replace(found, hint="") for found in findings if found.code == "CG403"]


def _ledger(repo: Repository, move: Move) -> list[Finding]:
    own = move.ref.rpartition(".")[2] in clone_ids(repo)
    if move.old is None or move.new is None:
        forward = move.new is not None
        return judge_ledger(LedgerMove(move.ref, forward, 0, own and not is_copied(repo, move.ref, move.new)))
    lost = lost_notes(repo, move.old, move.new)
    forward = is_contained(repo, move.old, move.new)
    return judge_ledger(LedgerMove(move.ref, forward, lost, own and not is_copied(repo, move.ref, move.new)))


def _deleted(repo: Repository, refs: Refs, control: Control, move: Move) -> list[Finding]:
    from conductor_git.store.snapshot import take

    needed = move.ref in (control.policy.integration_ref, control.policy.control_ref)
    if move.old is None or (not needed and is_kept(repo, move.ref, move.old)):
        return []
    return judge_deletion(move.ref.removeprefix(HEADS), move.old, take(repo, refs=refs))


def _arrived(
    repo: Repository, refs: Refs, control: Control, move: Move, writer: str, followed: tuple[Oid, ...]
) -> list[Finding]:
    from conductor_git.store.past.changes import with_changes
    from conductor_git.store.past.freezes import with_freezes
    from conductor_git.store.snapshot import take
    from conductor_git.store.validation.platform import platform_tag

    policy = control.policy
    if move.new is None or move.ref == policy.control_ref != policy.integration_ref:
        return []
    if move.ref == policy.integration_ref and policy.direct == "any" and not declares_freezes(control.plans):
        plans = [plan.ref for plan in control.plans if plan.branch]
        if is_plain_step(repo, move, plans):
            return []
    before = take(repo, refs=refs, also=[move.new, *followed])
    branch = move.ref.removeprefix(HEADS)
    after = led_by_plan(take(repo, refs=refs, also=followed, moved={move.ref: move.new}), branch)
    after = with_freezes(repo, after if branch == policy.integration else with_changes(repo, after))
    speaks = speaker(repo, before.ledger.decisions)
    arrival = Arrival(branch, move.old, move.new, writer, platform_tag(), speaks, followed)
    return judge_arrival(arrival, before, after)


def _without_rules(repo: Repository, moves: list[Move], error: CannotRun) -> int:
    """Where nobody can read the rules no claim is let in; work goes on, and so does the commit that mends them."""
    if any(brings_claims(repo, move) for move in moves):
        raise error
    said = say_error(CannotRun(error.what, detail=error.detail, hint=error.hint))
    print(f"warning: {said.removeprefix('error: ')}", file=sys.stderr)
    return 0
