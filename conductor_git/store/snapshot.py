"""Taking a snapshot: everything the rules ask about, in a constant number of git processes."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.attestation import read as read_attestation
from conductor_git.core.rules import RuleSet, rules_of
from conductor_git.core.snapshot import Snapshot
from conductor_git.core.targets import Oid
from conductor_git.store import memo
from conductor_git.store.control import Control, read_control
from conductor_git.store.history import read_history
from conductor_git.store.ledger_reader import read_ledger
from conductor_git.store.refs import Refs, read_refs
from conductor_git.store.repository import Repository

_PAST_RULES = "past-rules"


def take(repo: Repository, *, also: Iterable[Oid] = (), refs: Refs | None = None, use_cache: bool = True) -> Snapshot:
    """What git holds now. `also` names commits whose ancestry a door asks about.

    Raises CannotRun where there is no policy, or git cannot be read.
    """
    refs = read_refs(repo) if refs is None else refs
    control = read_control(repo, refs=refs)
    ledger = read_ledger(repo, refs=refs)
    history = read_history(repo, control.policy, control.plans, refs, also=also, use_cache=use_cache)
    snapshot = Snapshot(
        policy=control.policy,
        control=control.oid,
        plans=control.plans,
        broken=control.broken,
        scripts=control.scripts,
        history=history,
        ledger=ledger,
        findings=control.findings,
    )
    return _with_past_rules(repo, snapshot, control)


def _with_past_rules(repo: Repository, snapshot: Snapshot, control: Control) -> Snapshot:
    """Find which other rules than those of now were really in force once: those of control commits that proofs name and
    that the control ref still contains."""
    import msgspec

    now = {rules.digest for plan in snapshot.plans for target in plan.targets()
           if isinstance(rules := rules_of(snapshot.policy, plan, target, snapshot.scripts), RuleSet)}  # fmt: skip
    proofs = [
        found for event in snapshot.ledger.events if event.kind == "attestation" and (found := read_attestation(event))
    ]
    named = {proof.control for proof in proofs if proof.rules not in now}
    if not named:
        return snapshot
    known: dict[Oid, frozenset[str]] = memo.load(repo, _PAST_RULES, dict[Oid, frozenset[str]]) or {}
    missing = named - known.keys()
    for commit in missing:
        known[commit] = _digests(repo, commit, snapshot.control)
    if missing:
        memo.save(repo, _PAST_RULES, known)
    past = frozenset(digest for commit in named for digest in known[commit])
    return msgspec.structs.replace(snapshot, past_rules=past)


def _digests(repo: Repository, commit: Oid, tip: Oid) -> frozenset[str]:
    """The digests of every rule set of an older control commit; none where it is no ancestor of the control tip."""
    if repo.git("merge-base", "--is-ancestor", commit, tip, ok=(0, 1, 128)).code:
        return frozenset()
    control = read_control(repo, commit=commit)
    return frozenset(
        rules.digest
        for plan in control.plans
        for target in plan.targets()
        if isinstance(rules := rules_of(control.policy, plan, target, control.scripts), RuleSet)
    )
