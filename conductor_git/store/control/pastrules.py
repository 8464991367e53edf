"""Rules that are not those of now but were once: what older control commits really said."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.attestation import read as read_attestation
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import RuleSet, Scripts, integration_as_plan, rules_of
from conductor_git.core.targets import INTEGRATION, Oid, Target
from conductor_git.core.tree import CONTROL_FOLDER
from conductor_git.store.control.control import read_control
from conductor_git.store.control.controltree import folders_of
from conductor_git.store.files import memo
from conductor_git.store.plumbing.repository import Repository

_MEMO = "past-rules-1"
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

Key = tuple[Target, str]
"""What the rules were for, and their digest."""

_Trees = dict[Oid, str]
"""Control commit -> what is the same in all commits that have the same policy, plans and scripts."""


class _Kept(msgspec.Struct):
    """What was found out before."""

    tip: Oid = Oid("")
    trees: _Trees = {}
    """Of commits that this tip of the control ref contains; of others nothing is kept."""
    rules: dict[str, dict[str, RuleSet | None]] = {}
    """Control tree -> target and digest that a proof named with it -> those rules; None where the target had others."""


def find_past_rules(repo: Repository, snapshot: Snapshot, *, use_cache: bool = True) -> dict[Key, RuleSet]:
    """The rules that targets had at control commits which proofs name and which the control ref still contains.

    What an attestation names is anybody's word: it is looked for among commits of the control ref, and read once for
    each control tree, however many there are that name it.
    """
    named = _named(snapshot)
    if not named:
        return {}
    kept = (memo.load(repo, _MEMO, _Kept) if use_cache else None) or _Kept()
    fresh = _find_trees(repo, kept, named, snapshot)
    trees = {commit: kept.trees[commit] for commit in named if commit in kept.trees}
    for commit, tree in trees.items():
        known = kept.rules.setdefault(tree, {})
        missing = {_word(key) for key in named[commit]} - known.keys()
        if missing:
            had = _rules_at(repo, commit, use_cache)
            known.update({word: had.get(word) for word in missing})
            fresh = True
    if fresh and use_cache:
        memo.save(repo, _MEMO, kept)
    pairs = ((key, kept.rules[tree][_word(key)]) for commit, tree in trees.items() for key in named[commit])
    return {key: rules for key, rules in pairs if rules is not None}


def _find_trees(repo: Repository, kept: _Kept, commits: Iterable[Oid], snapshot: Snapshot) -> bool:
    """Add what is not kept yet; True when something was new."""
    if kept.tip != snapshot.control:
        kept.tip, kept.trees = snapshot.control, {}
    missing = [commit for commit in commits if commit not in kept.trees]
    found = _trees(repo, _contained(repo, missing, snapshot.control), snapshot.policy)
    kept.trees.update(found)
    return bool(found)


def _word(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _named(snapshot: Snapshot) -> dict[Oid, set[Key]]:
    """Control commit -> the rules, other than those of now, that proofs name together with it.

    Nobody claims integration as such: its proofs are compared with, and judged only where landings need them.
    """
    own = snapshot.policy.direct != "any" or snapshot.policy.landing.validation
    now = _Now(snapshot)
    found: dict[Oid, set[Key]] = {}
    # Of what stood before signatures were asked for, an unsigned proof counts.
    doubted = (doubt.event for doubt in snapshot.ledger.doubted if doubt.event.kind == "attestation")
    for proof in (*(proof for _, proof in snapshot.ledger.proofs), *map(read_attestation, doubted)):
        if proof is None or (proof.target == INTEGRATION and not own) or now.digest(proof.target) == proof.rules:
            continue
        if _OID.fullmatch(proof.control):
            found.setdefault(proof.control, set()).add((proof.target, proof.rules))
    return found


class _Now:
    """The digests of the rules of now, for what has been asked about."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        own = integration_as_plan(snapshot.policy)
        self._plans = {own.plan: own, **{plan.plan: plan for plan in snapshot.plans}}
        self._known: dict[Target, str] = {}

    def digest(self, target: Target) -> str:
        """The rules digest of a target; empty where nothing judges it."""
        if target not in self._known:
            plan = self._plans.get(target.plan)
            rules = plan and rules_of(self._snapshot.policy, plan, target, self._snapshot.scripts)
            self._known[target] = rules.digest if isinstance(rules, RuleSet) else ""
        return self._known[target]


def _contained(repo: Repository, commits: Iterable[Oid], tip: Oid) -> list[Oid]:
    """Those of the commits that are here and that `tip` contains."""
    asked = "".join(f"{commit}\n" for commit in commits).encode("ascii")
    if not asked:
        return []
    lines = repo.git("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked).lines()
    here = [Oid(line.removesuffix(" commit")) for line in lines if line.endswith(" commit")]
    stdin = "".join(f"{commit}\n" for commit in [*here, f"^{tip}"]).encode("ascii")
    outside = set(repo.git("rev-list", "--stdin", stdin=stdin).lines())
    return [commit for commit in here if commit not in outside]


def _trees(repo: Repository, commits: list[Oid], policy: Policy) -> _Trees:
    folders = sorted({CONTROL_FOLDER.decode("ascii"), *folders_of(policy)})
    asked = "".join(f"{commit}:{folder}\n" for commit in commits for folder in folders)
    if not asked:
        return {}
    oids = repo.git("cat-file", "--batch-check=%(objectname)", stdin=asked.encode()).lines()
    size = len(folders)
    return {commit: " ".join(oids[at * size : (at + 1) * size]) for at, commit in enumerate(commits)}


def _rules_at(repo: Repository, commit: Oid, use_cache: bool) -> dict[str, RuleSet]:
    try:
        control = read_control(repo, commit=commit, use_cache=use_cache)
    except CannotRun:
        # There was no policy yet, or none that could be obeyed.
        return {}
    rules_then = _rules(control.policy, control.plans, control.scripts)
    return {_word((rules.target, rules.digest)): rules for rules in rules_then}


def _rules(policy: Policy, plans: Iterable[Plan], scripts: Scripts) -> Iterable[RuleSet]:
    own = integration_as_plan(policy)
    every = [rules_of(policy, plan, target, scripts) for plan in plans for target in plan.targets()]
    every.append(rules_of(policy, own, INTEGRATION, scripts))
    return (rules for rules in every if isinstance(rules, RuleSet))
