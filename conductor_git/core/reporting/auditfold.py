"""The audit's fold: every claim, every step of integration and every commit of a plan, by the rules of the report.

The report shows of each plan what counts now; here each one that ever was is asked about. No rule is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.authority import accepted
from conductor_git.core.events.ledgerpast import Fault, LedgerPast, diverged, judge_past
from conductor_git.core.findings import Finding, Severity, refused
from conductor_git.core.judgement.claims import Claims, Said
from conductor_git.core.judgement.evidence import Evidence
from conductor_git.core.judgement.integration import judge_steps
from conductor_git.core.judgement.landing import Landings
from conductor_git.core.judgement.owners import Owned, judge_owned, owned_commits
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.planning.plan import Plan
from conductor_git.core.reporting.audit import Case, Located, at
from conductor_git.core.reporting.board import Board
from conductor_git.core.say import printable
from conductor_git.core.targets import Oid


class Auditor:
    """Judges one snapshot, kind by kind."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.claims = Claims(snapshot.history, snapshot.plans)
        self.verdicts = Verdicts(snapshot, self.claims)
        self.spine = judge_steps(snapshot, self.claims, self.verdicts)
        self.owned = owned_commits(snapshot, self.claims)
        self._accepted = accepted(snapshot.ledger.decisions)
        self._landings = Landings(self.claims, self.verdicts, ever=True)
        self._step_of = {owned.commit: owned.step for owned in self.owned if owned.step}

    def claim_cases(self) -> list[Case]:
        """Each claim that counts, and each message that would have been one; ancestors first."""
        heard = [self._claim(said) for said in self.claims.all_said()]
        counting = {case.commit for case in heard}
        cases = heard + [
            Case("claim", oid, "inert", oid, plan=self.claims.plans_said.get(oid), findings=(at(finding, oid),))
            for oid, finding in self.claims.faults
            if oid not in counting
        ]
        return sorted(cases, key=lambda case: (self.claims.graph.generation(case.commit or Oid("")), case.name))

    def step_cases(self) -> list[Case]:
        """Each first-parent step of integration, oldest first, then merges that came in with another line of it."""
        found: dict[Oid, list[Finding]] = {}
        for finding in self.spine.findings:
            found.setdefault(Oid(finding.subject), []).append(finding)
        tip, since = self.snapshot.history.integration, self.snapshot.history.since
        chain = [step for step in self.claims.graph.first_parents(tip.oid) if step != since] if tip else []
        aside = (found.keys() | self.spine.brought.keys()) - set(chain)
        return [
            Case("step", step, self._kind(step), step, findings=tuple(at(each, step) for each in found.get(step, ())))
            for step in [*reversed(chain), *sorted(aside)]
        ]

    def commit_cases(self, changes: Mapping[Oid, tuple[str, ...]]) -> list[Case]:
        """Each commit of a plan with the bounds that it crossed; `changes` are the paths of `owned`."""
        return [self._commit(owned, changes.get(owned.commit, ())) for owned in self.owned]

    def ledger_cases(self, pasts: list[LedgerPast], bodies: Mapping[Oid, bytes]) -> list[Case]:
        """Each ledger ref with its whole history. A fault that copies share is named once."""
        limit = self.snapshot.ledger.clock_limit
        seen: set[tuple[Oid, str]] = set()
        apart: dict[str, list[Fault]] = {}
        for fault in diverged(pasts):
            apart.setdefault(fault.finding.subject, []).append(fault)
        cases = []
        for past in pasts:
            judged = judge_past(past, bodies, limit)
            fresh = [fault for fault in judged.faults if (fault.commit, fault.finding.code) not in seen]
            seen.update((fault.commit, fault.finding.code) for fault in fresh)
            doubts = [fault for fault in self._doubts(past) if (fault.commit, fault.finding.message) not in seen]
            seen.update((fault.commit, fault.finding.message) for fault in doubts)
            findings = [self._settled(fault) for fault in (*fresh, *doubts, *apart.get(past.ref, ()))]
            state = "broken" if any(found.refuses for found in findings) else "whole"
            tip = past.tip if past.commits else None
            cases.append(Case("ledger", past.ref, state, tip, events=judged.events, findings=tuple(findings)))
        return cases

    def _doubts(self, past: LedgerPast) -> list[Fault]:
        """Each line that lacks a good signature, at the commit that added it."""
        doubted = {each.event.id: each for each in self.snapshot.ledger.doubted}
        found = []
        for commit in past.commits if doubted else ():
            for change in commit.changes:
                each = doubted.get(change.new) if change.status == "A" else None
                if each is not None:
                    about = f"{each.event.kind} {each.event.target or ''}".strip()
                    text = printable(f"'{past.ref}': {about} '{change.new[:12]}' counts for nothing: {each.why}")
                    # A signature of other content was put there by somebody; the rest may be of another time.
                    severity: Severity = "alarm" if each.code == "CG622" else "warning"
                    hint = f"git show --stat {commit.oid[:12]}"
                    found.append(Fault(commit.oid, Finding(each.code, severity, past.ref, text, hint)))
        return found

    def proofs_of(self, cases: Iterable[Case]) -> list[tuple[Attestation, Oid]]:
        """Each attestation that the claims among these cases stand on, with a commit that has its content."""
        known = self.verdicts.attestations.by_digest
        commits = {digest: case.commit for case in cases if case.kind == "claim" for digest in case.proofs}
        return [(known[digest], commit) for digest, commit in commits.items() if commit and digest in known]

    def other_findings(self, board: Board, cases: Iterable[Case]) -> list[Located]:
        """What the report finds wrong and no case has: an audit never says less than the report."""
        known = {(finding.code, finding.message) for case in cases for finding in case.findings}
        # Of the ledger, each line was judged for itself; the report counts them.
        judged = {"CG601", "CG602", "CG603", "CG605", *(each.code for each in self.snapshot.ledger.doubted)}
        nodes = self.snapshot.history.nodes
        return [
            at(found, Oid(found.subject) if found.subject in nodes else None)
            for found in [*board.findings, *(found for plan in board.plans for found in plan.findings)]
            if (found.code, found.message) not in known and found.code not in judged
        ]

    def _claim(self, said: Said) -> Case:
        evidence, state = Evidence(), "retired"
        findings: tuple[Finding, ...] = ()
        if self.verdicts.declared(said.target):
            evidence, findings = self.verdicts.hear(said)
            state = self._state(said, evidence, findings)
        elif self._landed_proven(said):
            state = "proven then"
        if state in ("proven", "awaiting"):
            findings = tuple(found for found in findings if not found.refuses)
        elif state != "unproven":
            # What needs nobody's hand any more is told, and no more than that.
            findings = tuple(map(_milder, findings)) if state == "made good" else ()
        rules = next((proof.rules for proof in evidence.proofs), said.trailers.rules or "")
        return Case(
            "claim",
            said.commit,
            state,
            said.commit,
            plan=said.target.plan,
            wave=said.target.wave,
            basis=evidence.basis,
            drift=evidence.drift,
            proofs=tuple(proof.digest for proof in evidence.proofs),
            rules=rules,
            findings=tuple(at(found, said.commit) for found in findings),
        )

    def _state(self, said: Said, evidence: Evidence, findings: tuple[Finding, ...]) -> str:
        if evidence.complete and not refused(list(findings)):
            return "proven"
        if self._landed_proven(said):
            return "proven then"
        if said not in self.verdicts.standing(said.target):
            return "taken back"
        if said.commit in self._accepted or self._step_of.get(said.commit) in self._accepted:
            return "accepted"
        if self.verdicts.of(said.target).complete:
            return "made good"
        return "unproven" if refused(list(findings)) else "awaiting"

    def _landed_proven(self, said: Said) -> bool:
        """Whether it has landed and was complete by the plan of then."""
        return said.commit in self.claims.landed and self._landings.complete(said.commit, self._declared(said))

    def _declared(self, said: Said) -> Mapping[str, Plan]:
        step = self._step_of.get(said.commit)
        return self.snapshot.history.declared.get(step, {}) if step else {}

    def _kind(self, step: Oid) -> str:
        return "accepted" if step in self._accepted else "landing" if step in self.spine.brought else "direct"

    def _commit(self, owned: Owned, paths: tuple[str, ...]) -> Case:
        findings = judge_owned(owned, paths, self.snapshot)
        settled = owned.commit in self._accepted or owned.step in self._accepted
        if settled:
            findings = [_milder(found) for found in findings]
        state = "accepted" if settled and findings else "out of bounds" if findings else "within bounds"
        return Case(
            "commit",
            owned.commit,
            state,
            owned.commit,
            plan=owned.plan,
            findings=tuple(at(each, owned.commit) for each in findings),
        )

    def _settled(self, fault: Fault) -> Located:
        return at(_milder(fault.finding) if fault.commit in self._accepted else fault.finding, fault.commit)


def _milder(found: Finding) -> Finding:
    return msgspec.structs.replace(found, severity="info") if found.refuses else found


def located(cases: Iterable[Case]) -> list[Oid]:
    """The commits that findings are about."""
    every = (finding.commit for case in cases for finding in case.findings)
    return list(dict.fromkeys(commit for commit in every if commit is not None))


def signed(cases: Iterable[Case], authors: Mapping[Oid, str]) -> list[Case]:
    """The cases, each finding with the author of its commit."""

    def named(found: Located) -> Located:
        return msgspec.structs.replace(found, author=authors.get(found.commit, "") if found.commit else "")

    return [
        msgspec.structs.replace(case, findings=tuple(map(named, case.findings))) if case.findings else case
        for case in cases
    ]
