"""Does the ledger prove this content for this target under these rules? The same answer for every door."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.demand import Trust
from conductor_git.core.events.ledger import Doubted, Ledger
from conductor_git.core.findings import Finding, Severity
from conductor_git.core.judgement import results
from conductor_git.core.judgement.waiving import Waivers, rules_broken
from conductor_git.core.planning.plan import Manual
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.standing import SCORES, Basis
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
        if all(proof.signed for proof in self.proofs):
            return "signed"
        return "runner" if all(proof.role == "runner" for proof in self.proofs) else "self"


class Attestations:
    """Every readable attestation of a ledger, by target and by digest, oldest first; before all of them those whose
    clock is too far ahead to be believed."""

    def __init__(self, ledger: Ledger) -> None:
        self.by_target: dict[Target, list[Attestation]] = {}
        self.by_digest: dict[str, Attestation] = {}
        self.doubted: dict[Target, list[tuple[Attestation, Doubted]]] = {}
        """Those that were set aside for want of a signature."""
        self.scored: dict[Target, list[Attestation]] = {}
        """Manual evidence, oldest first; it is among none of the others."""
        self.unreadable = 0
        self.fetched = ledger.fetched
        limit = ledger.clock_limit
        # The last word counts, and a clock that cannot be believed must not buy it.
        for event, found in sorted(ledger.proofs, key=lambda proof: proof[0].clock <= limit):
            if found is None or found.writer != event.writer:
                self.unreadable += 1
                continue
            if found.scores:
                self.scored.setdefault(found.target, []).append(found)
                continue
            self.by_target.setdefault(found.target, []).append(found)
            self.by_digest[found.digest] = found
        for doubt in ledger.doubted:
            found = attestation.read(doubt.event) if doubt.event.kind == "attestation" else None
            if found is not None and found.writer == doubt.event.writer:
                self.doubted.setdefault(found.target, []).append((found, doubt))

    def of(self, target: Target) -> list[Attestation]:
        """All of one target, oldest first in ledger order."""
        return self.by_target.get(target, [])

    def unsigned(self, target: Target) -> list[Attestation]:
        """Those of a target that are set aside only because nobody signed them."""
        return [found for found, doubt in self.doubted.get(target, ()) if doubt.code == "CG621"]


class Court:
    """The evidence rules with what they need to know; one a snapshot."""

    def __init__(
        self,
        attestations: Attestations,
        repository: str,
        past_rules: Mapping[tuple[Target, str], RuleSet],
        trust: Trust,
        exempt: Callable[[Oid], bool],
        waivers: Waivers,
    ) -> None:
        self.attestations = attestations
        self.repository = repository
        self.past_rules = past_rules
        self.trust = trust
        self.exempt = exempt
        """Whether a commit stood before signatures were asked for."""
        self.waivers = waivers

    def judge(self, asked: Asked, rules: RuleSet | Finding) -> Evidence:
        """Judge one claim's evidence; `rules` are those of now, or why there are none."""
        here = self._about(asked.target, asked.product, asked.commit)
        if isinstance(rules, RuleSet) and any(found.rules == rules.digest for found in here):
            return self._under(asked, rules, here)
        past = self.past_rules.get((asked.target, asked.rules or "")) if asked.commit is not None else None
        if past is not None and (then := self._under(asked, past, here)).complete:
            text = f"{asked.target} was proven under the rules of its time; they are others now"
            return Evidence(then.proofs, (), (_finding("CG209", asked, text, severity="warning"),), drift=True)
        return Evidence(findings=(rules if isinstance(rules, Finding) else self._why_not(asked, rules, here),))

    def ever_proved(self, target: Target, product: Oid, rules: RuleSet | Finding, commit: Oid | None = None) -> bool:
        """Whether this content was proven once, under the rules of now or of an earlier time, whatever was said since.

        What has landed, at `commit`, is asked this: no later word in the ledger, and no later change of rules, makes it
        unproven.
        """
        about = self._about(target, product, commit)
        passed = [found for found in about if found.passed]
        excused = [found for found in about if found.outcome == "criteria"]
        digests = dict.fromkeys(found.rules for found in (*passed, *excused))
        past = (self.past_rules.get((target, digest)) for digest in digests)
        known = [*(found for found in past if found), *([rules] if isinstance(rules, RuleSet) else [])]
        asked = Asked(target, product, commit)
        return any(self._under(asked, each, spoken).complete for spoken in (passed, excused) for each in known)

    def _about(self, target: Target, product: Oid, commit: Oid | None) -> list[Attestation]:
        every = self.attestations.of(target)
        if commit is not None and target in self.attestations.doubted and self.exempt(commit):
            every = [*self.attestations.unsigned(target), *every]
        return [found for found in every if found.tree == product and found.repository == self.repository]

    def _under(self, asked: Asked, rules: RuleSet, here: list[Attestation]) -> Evidence:
        """What these attestations of the content are worth under some rules."""
        current = [found for found in here if found.rules == rules.digest]
        awaiting: list[str] = []
        if rules.attested_by == "runner" or self._runners_only(asked):
            # Where a runner has spoken, what agents say besides is not asked for.
            of_runners = [found for found in current if found.role == "runner"]
            awaiting = [] if of_runners else ["a runner"]
            current = of_runners or current
        newest = {found.platform: found for found in current}
        wanted = rules.platforms or tuple(found.platform for found in current[-1:])
        proofs = tuple(newest[platform] for platform in wanted if platform in newest)
        awaiting = [*(platform for platform in wanted if platform not in newest), *awaiting]
        # Who dates a claim back says in the ledger, too, when its content was validated.
        shown = min((found.ended for found in here), default=0)
        findings = [finding for proof in proofs for finding in self._faults(asked, rules, proof, shown)]
        if rules.manual is not None:
            scored = self._scored(asked, rules)
            people = len(scored.scores) if scored else 0
            if scored is None or people < rules.manual.people:
                awaiting.append(f"{SCORES}{rules.manual.people} people{f', has {people}' if people else ''}")
            else:
                findings += _too_low(asked, rules.manual, scored)
                # Without a run there is no proof, whatever people say.
                proofs = (*proofs, scored) if proofs else proofs
        if awaiting and not findings:
            findings.append(_finding("CG208", asked, f"{asked.target} awaits {', '.join(awaiting)}", severity="info"))
        return Evidence(proofs, tuple(awaiting), tuple(findings))

    def _faults(self, asked: Asked, rules: RuleSet, proof: Attestation, shown: int) -> list[Finding]:
        """What is wrong with one proof; what is waived is said and refuses nothing."""
        where = f"tree '{proof.tree[:7]}' on {proof.platform}"
        if not proof.passed:
            return self._failed(asked, rules, proof, where, shown)
        found = []
        few = results.too_few(proof.counts, rules.min_tests)
        if few:
            found.append(self._excusable("CG205", asked, f"{few}, on {where}", ("CG205",), shown))
        # Ratios were judged by the validation against the baseline of its time; a bound on a number holds for ever.
        fixed = tuple(criterion for criterion in rules.criteria if not criterion.of_baseline)
        unmet, _ = results.check_criteria(fixed, proof.metrics, None)
        return found + [
            self._excusable("CG204", asked, f"{text} does not hold on {where}", rules_broken(text, fixed, ""), shown)
            for text in unmet
        ]

    def _failed(self, asked: Asked, rules: RuleSet, proof: Attestation, where: str, shown: int) -> list[Finding]:
        said = f"the validation of {asked.target} failed on {where}"
        if proof.outcome != "criteria" or not proof.unmet:
            code = "CG204" if proof.outcome == "criteria" else "CG202"
            why = f": {'; '.join(proof.unmet)}" if proof.unmet else f" ({proof.outcome.replace('-', ' ')})"
            return [_finding(code, asked, f"{said}{why}")]
        left, waived = [], []
        for text in proof.unmet:
            code = results.code_of(text)
            waiver = self.waivers.of(asked.target, rules_broken(text, rules.criteria, code), asked.commit, shown)
            if waiver is None:
                left.append(text)
            else:
                waived.append(_finding(code or "CG204", asked, f"{text}; {waiver}", severity="info"))
        if len(proof.unmet) >= results.MOST_UNMET and not left:
            left.append("and perhaps more, which the attestation has no room for")
        return [*([_finding("CG204", asked, f"{said}: {'; '.join(left)}")] if left else []), *waived]

    def _excusable(self, code: str, asked: Asked, text: str, names: tuple[str, ...], shown: int) -> Finding:
        waiver = self.waivers.of(asked.target, names, asked.commit, shown)
        if waiver is None:
            return _finding(code, asked, text)
        return _finding(code, asked, f"{text}; {waiver}", severity="info")

    def _scored(self, asked: Asked, rules: RuleSet) -> Attestation | None:
        """The newest scores that people gave this content under these rules."""
        listed = self.attestations.scored.get(asked.target, ())
        wanted = (asked.product, self.repository, rules.digest)
        return next((each for each in reversed(listed) if (each.tree, each.repository, each.rules) == wanted), None)

    def _runners_only(self, asked: Asked) -> bool:
        """Whether agents' word is not enough whatever the rules of that time said: they did not have to sign it."""
        return self.trust.attestations == "runner" and not (asked.commit is not None and self.exempt(asked.commit))

    def _why_not(self, asked: Asked, rules: RuleSet, here: list[Attestation]) -> Finding:
        """Why nothing proves this content under the rules of now."""
        tree = f"tree '{asked.product[:7]}'"
        for found, doubt in reversed(self.attestations.doubted.get(asked.target, ())):
            if found.passed and (found.tree, found.rules) == (asked.product, rules.digest):
                return _finding(
                    doubt.code, asked, f"the proof of {tree} by '{found.writer}' does not count: {doubt.why}"
                )
        if any(found.passed for found in here):
            return _finding("CG203", asked, f"{tree} passed under other rules than those of now ('{rules.script}')")
        every = self.attestations.of(asked.target)
        if not here and any(found.tree == asked.product for found in every):
            return _finding("CG207", asked, f"the proof of {tree} is of another repository")
        own = [found for found in every if found.repository == self.repository]
        if asked.commit is not None and asked.proof in {found.digest for found in own}:
            text = f"{asked.target} was rewritten: its proof is of another tree than '{asked.product[:7]}'"
            return _finding("CG211", asked, text, hint=f"conductor-git validate {asked.target.plan} --rebased")
        if not self.attestations.fetched:
            text = f"{tree} has no passing validation that is known here"
            return _finding("CG201", asked, text, detail="this clone never fetched a ledger of others")
        return _finding("CG201", asked, f"{tree} has no passing validation", detail=_last_pass(own))


def _too_low(asked: Asked, manual: Manual, scored: Attestation) -> list[Finding]:
    average = sum(scored.scores) / len(scored.scores)
    if average >= manual.at_least:
        return []
    text = (
        f"{len(scored.scores)} people gave {asked.target} {average:g} on average, at least {manual.at_least:g} is asked"
    )
    return [_finding("CG204", asked, text)]


def _last_pass(own: list[Attestation]) -> str:
    passed = [found for found in own if found.passed]
    return f"last pass: tree '{passed[-1].tree[:7]}'" if passed else "it was never validated"


def _finding(
    code: str, asked: Asked, message: str, *, severity: Severity = "error", hint: str | None = None, detail: str = ""
) -> Finding:
    mend = "" if severity == "info" else asked.mend if hint is None else hint
    return Finding(code, severity, str(asked.target), message, mend, detail)
