"""Proving what would land, exactly as it would stand on integration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from conductor_git.core.events.attestation import Attestation
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.evidence import Asked, Attestations
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.rules import RuleSet, integration_as_plan, rules_of
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import INTEGRATION, Oid, Target
from conductor_git.store.landing.sharing import Sharing
from conductor_git.store.plumbing.staged import Product, product_of
from conductor_git.store.snapshot import Moments
from conductor_git.store.validation.firstproof import Watch
from conductor_git.store.validation.flights import StillRunning
from conductor_git.store.validation.platform import platform_tag
from conductor_git.store.validation.validating import find_proof, prove


class Proven(msgspec.Struct, frozen=True):
    """The content passed for every target; by each the attestation's digest."""

    digests: dict[Target, str]


class Red(msgspec.Struct, frozen=True):
    """It did not pass for one of them."""

    target: Target
    why: str
    log: str = ""


class Untold(msgspec.Struct, frozen=True):
    """Nobody can tell yet."""

    why: str


Told = Proven | Red | Untold | StillRunning


class Prover:
    """Proves contents for targets under the rules of one snapshot. What was told once is not run again unless asked."""

    def __init__(self, moments: Moments, snapshot: Snapshot, watch: Watch) -> None:
        self.moments = moments
        self.repo = repo = moments.repo
        self.snapshot = snapshot
        self.watch = watch
        self._board = fold(snapshot, watch.now)
        self._attestations = Attestations(snapshot.ledger)
        self._told: dict[tuple[Target, Oid], tuple[Attestation, str]] = {}
        self._sharing = Sharing(repo, snapshot, CONDUCTOR)
        self._counted: set[tuple[Target, Oid]] = set()

    def tell(self, tree: Oid, targets: Sequence[Target], *, again: bool = False) -> Told:
        """Whether the product of a tree passes for each target, in this order, until one does not.

        Raises CannotRun where nothing can be run.
        """
        product = product_of(self.repo, tree)
        rules_by_target: dict[Target, RuleSet] = {}
        for target in dict.fromkeys(targets):
            rules = rules_for(self.snapshot, target)
            if isinstance(rules, Finding):
                return Untold(rules.message)
            rules_by_target[target] = rules
        alike = Counter(rules.digest for rules in rules_by_target.values())
        digests: dict[Target, str] = {}
        made: list[tuple[Attestation, str]] = []
        shared: dict[Target, tuple[Attestation, str]] = {}
        for target, rules in rules_by_target.items():
            if not again and (target, product.oid) not in self._told:
                one = next((each for each in made if self._sharing.fits(each[0], rules)), None)
                if one is not None and find_proof(self.snapshot, self._attestations, rules, product, role="") is None:
                    shared[target] = one
                    continue
            untold = not again and alike[rules.digest] > 1 and self._sharing.may_serve(rules, tree)
            told = self._one(rules, product, again=again, untold=untold)
            if isinstance(told, StillRunning):
                return told
            proof, log = told
            if untold and log:
                # A run of just now: what was found in the ledger may have been told for whom it was.
                made.append(told)
            if not proof.passed:
                what = f"; {'; '.join(proof.unmet)}" if proof.unmet else ""
                return Red(target, f"{rules.script} {proof.outcome.replace('-', ' ')}{what}", log)
            digests[target] = proof.digest
        digests |= self._shared(shared)
        missing = self._missing(product, digests)
        return Untold(missing) if missing else Proven(digests)

    def _shared(self, shared: Mapping[Target, tuple[Attestation, str]]) -> dict[Target, str]:
        """Record for these targets what a run that could not tell them apart gave, run by run."""
        digests: dict[Target, str] = {}
        for one in {proof.digest: proof for proof, _ in shared.values()}.values():
            targets = [target for target, (proof, _) in shared.items() if proof.digest == one.digest]
            for recorded in self._sharing.record(one, targets, now=self.watch.now):
                self._told[recorded.target, recorded.tree] = (recorded, shared[recorded.target][1])
                digests[recorded.target] = recorded.digest
        return digests

    def _one(
        self, rules: RuleSet, product: Product, *, again: bool, untold: bool
    ) -> tuple[Attestation, str] | StillRunning:
        key = (rules.target, product.oid)
        if not again:
            known = self._told.get(key) or self._red_before(rules, product)
            if known is not None:
                return known
        if self.watch.terminal:
            self.watch.say(f"  {rules.script} for {rules.target} on tree '{product.oid[:7]}'")
        proved = prove(
            self.repo,
            self.snapshot,
            self._board,
            rules,
            product,
            say=self.watch.say,
            wait=self.watch.left,
            terminal=self.watch.terminal,
            rerun=again,
            landing=True,
            untold=untold,
        )
        if isinstance(proved, StillRunning):
            return proved
        self._told[key] = (proved.attestation, proved.log)
        return self._told[key]

    def _red_before(self, rules: RuleSet, product: Product) -> tuple[Attestation, str] | None:
        """The newest word on this content, where it is that it did not pass: a queue that was cut short goes on."""
        about = (product.oid, rules.digest, platform_tag(), self.snapshot.policy.repository)
        for found in reversed(self._attestations.of(rules.target)):
            if (found.tree, found.rules, found.platform, found.repository) == about:
                return None if found.passed else (found, "")
        return None

    def _missing(self, product: Product, digests: dict[Target, str]) -> str:
        """What others must still say of this content; empty where nothing is open."""
        asked = [(target, product.oid) for target in digests if (target, product.oid) not in self._counted]
        if not asked:
            return ""
        snapshot = self.moments.now()
        verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
        for target, oid in asked:
            rules = rules_for(snapshot, target)
            evidence = verdicts.court.judge(Asked(target, oid), rules)
            if not evidence.complete:
                return "; ".join(finding.message for finding in evidence.findings)
            self._counted.add((target, oid))
        return ""


def rules_for(snapshot: Snapshot, target: Target) -> RuleSet | Finding:
    """The rules by which a landing is proven; a branch of no plan is judged as integration itself is."""
    plan = integration_as_plan(snapshot.policy) if target == INTEGRATION else snapshot.plan(target.plan)
    if plan is None:
        return Finding("CG101", "error", str(target), f"plan {target.plan} is not on the control ref")
    return rules_of(snapshot.policy, plan, target, snapshot.scripts)
