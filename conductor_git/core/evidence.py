"""Does the ledger prove this content for this target under these rules? The same answer for every door."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from conductor_git.core import attestation, results
from conductor_git.core.attestation import Attestation
from conductor_git.core.board import Basis
from conductor_git.core.event import Event
from conductor_git.core.findings import Finding, Severity
from conductor_git.core.plan import Manual
from conductor_git.core.policy import ValidationPolicy
from conductor_git.core.rules import RuleSet
from conductor_git.core.targets import Oid, Target


class Asked(msgspec.Struct, frozen=True):
    """A claim that evidence is asked for. `commit` is None where it is about to be made (at a door)."""

    target: Target
    product: Oid
    commit: Oid | None = None
    proof: str | None = None
    """What its Conductor-Proof trailer says."""
    rules: str | None = None
    """What its Conductor-Rules trailer says."""

    @property
    def mend(self) -> str:
        """The command that gets the missing proof."""
        if self.commit is None:
            return f"conductor-git claim {self.target}"
        return f"conductor-git validate {self.target} --commit {self.commit[:12]}"


class Evidence(msgspec.Struct, frozen=True):
    """What backs a claim, what is still to come from others, and what is wrong."""

    proofs: tuple[Attestation, ...] = ()
    awaiting: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    drift: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is missing and nothing is wrong."""
        return bool(self.proofs) and not self.awaiting and not any(finding.refuses for finding in self.findings)

    @property
    def basis(self) -> Basis | None:
        """On whose word it rests."""
        if not self.proofs:
            return None
        return "runner" if all(proof.role == "runner" for proof in self.proofs) else "self"


class Attestations:
    """Every readable attestation of a ledger, by target and by digest, oldest first."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.by_target: dict[Target, list[Attestation]] = {}
        self.by_digest: dict[str, Attestation] = {}
        self.unreadable = 0
        for event in events:
            if event.kind != "attestation":
                continue
            found = attestation.read(event)
            if found is None or found.writer != event.writer:
                self.unreadable += 1
                continue
            self.by_target.setdefault(found.target, []).append(found)
            self.by_digest[found.digest] = found

    def of(self, target: Target) -> list[Attestation]:
        """All of one target, oldest first in ledger order."""
        return self.by_target.get(target, [])

    def passed_trees(self) -> frozenset[Oid]:
        """Every product tree that passed anything."""
        return frozenset(found.tree for listed in self.by_target.values() for found in listed if found.passed)

    def failed_trees(self) -> frozenset[Oid]:
        """Every product tree that failed anything."""
        return frozenset(found.tree for listed in self.by_target.values() for found in listed if not found.passed)


class Court:
    """The evidence rules with what they need to know; one a snapshot."""

    def __init__(
        self, attestations: Attestations, policy: ValidationPolicy, repository: str, past_rules: frozenset[str]
    ) -> None:
        self.attestations = attestations
        self.policy = policy
        self.repository = repository
        self.past_rules = past_rules

    def judge(self, asked: Asked, rules: RuleSet | Finding, manual: Manual | None) -> Evidence:
        """Judge one claim's evidence."""
        if isinstance(rules, Finding):
            return Evidence(findings=(rules,))
        every = self.attestations.of(asked.target)
        own = [found for found in every if found.repository == self.repository]
        here = [found for found in own if found.tree == asked.product]
        current = [found for found in here if found.rules == rules.digest]
        if not current:
            return self._without(asked, rules, every, own, here)
        return self._with(asked, rules, manual, current)

    def _with(self, asked: Asked, rules: RuleSet, manual: Manual | None, current: list[Attestation]) -> Evidence:
        newest = {found.platform: found for found in current}
        wanted = rules.platforms or (current[-1].platform,)
        proofs = tuple(newest[platform] for platform in wanted if platform in newest)
        awaiting = [platform for platform in wanted if platform not in newest]
        findings = [finding for proof in proofs for finding in self._faults(asked, rules, proof)]
        if self.policy.attested_by == "runner" and any(proof.role != "runner" for proof in proofs):
            awaiting.append("a runner")
        if manual is not None:
            awaiting.append(f"scores of {manual.people} people")
        if awaiting and not findings:
            findings.append(_finding("CG208", asked, f"{asked.target} awaits {', '.join(awaiting)}", severity="info"))
        return Evidence(proofs, tuple(awaiting), tuple(findings))

    def _faults(self, asked: Asked, rules: RuleSet, proof: Attestation) -> list[Finding]:
        where = f"tree '{proof.tree[:7]}' on {proof.platform}"
        if not proof.passed:
            code = {"criteria": "CG204"}.get(proof.outcome, "CG202")
            why = f": {'; '.join(proof.unmet)}" if proof.unmet else f" ({proof.outcome.replace('-', ' ')})"
            return [_finding(code, asked, f"the validation of {asked.target} failed on {where}{why}")]
        found = []
        if proof.counts is not None and proof.counts.run < self.policy.min_tests:
            found.append(
                _finding(
                    "CG205", asked, f"{proof.counts.run} tests ran on {where}, at least {self.policy.min_tests} must"
                )
            )
        # Ratios were judged by the validation against the baseline of its time; a bound on a number holds for ever.
        fixed = tuple(criterion for criterion in rules.criteria if not criterion.of_baseline)
        unmet, _ = results.check_criteria(fixed, proof.metrics, None)
        found += [_finding("CG204", asked, f"{text} does not hold on {where}") for text in unmet]
        return found

    def _without(
        self,
        asked: Asked,
        rules: RuleSet,
        every: list[Attestation],
        own: list[Attestation],
        here: list[Attestation],
    ) -> Evidence:
        tree = f"tree '{asked.product[:7]}'"
        passed_here = [found for found in here if found.passed]
        drifted = [
            found
            for found in passed_here
            if asked.commit is not None and found.rules == asked.rules and found.rules in self.past_rules
        ]
        if drifted:
            message = f"{asked.target} was proven under the rules of its time; they are others now"
            finding = _finding("CG209", asked, message, severity="warning")
            return Evidence((drifted[-1],), (), (finding,), drift=True)
        if passed_here:
            message = f"{tree} passed under other rules than those of now ('{rules.script}')"
            return Evidence(findings=(_finding("CG203", asked, message),))
        if any(found.tree == asked.product for found in every) and not here:
            return Evidence(findings=(_finding("CG207", asked, f"the proof of {tree} is of another repository"),))
        if asked.commit is not None and asked.proof in {found.digest for found in own}:
            message = f"{asked.target} was rewritten: its proof is of another tree than '{asked.product[:7]}'"
            finding = _finding("CG211", asked, message, hint=f"conductor-git validate {asked.target.plan} --rebased")
            return Evidence(findings=(finding,))
        finding = _finding("CG201", asked, f"{tree} has no passing validation", detail=_last_pass(own))
        return Evidence(findings=(finding,))


def _last_pass(own: list[Attestation]) -> str:
    passed = [found for found in own if found.passed]
    return f"last pass: tree '{passed[-1].tree[:7]}'" if passed else "it was never validated"


def _finding(
    code: str, asked: Asked, message: str, *, severity: Severity = "error", hint: str | None = None, detail: str = ""
) -> Finding:
    mend = "" if severity == "info" else asked.mend if hint is None else hint
    return Finding(code, severity, str(asked.target), message, mend, detail)
