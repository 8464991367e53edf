"""Is a plan or wave complete? Evidence, order and revocation together, for what stands and for what is about to."""

from __future__ import annotations

from typing import Literal

import msgspec

from conductor_git.core.events.authority import Raised, open_blockers, reopenings
from conductor_git.core.events.delegation import Delegation, holder, holders, is_binding
from conductor_git.core.events.event import Event
from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.claims import Claims, Said
from conductor_git.core.judgement.evidence import Asked, Attestations, Court, Evidence
from conductor_git.core.judgement.graph import Reach
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.waiving import Waivers
from conductor_git.core.planning.rules import RuleSet, integration_as_plan, rules_of
from conductor_git.core.targets import INTEGRATION, Oid, Target

_OF_CONTENT = frozenset({"CG202", "CG204", "CG205", "CG206"})
"""What another run of the same content leaves as it is."""


class Verdict(msgspec.Struct, frozen=True):
    """What holds of one plan or wave. `commit` is the proven claim, else the newest said one."""

    target: Target
    said: Literal["no", "claimed", "complete"] = "no"
    commit: Oid | None = None
    evidence: Evidence = Evidence()
    findings: tuple[Finding, ...] = ()
    proven: tuple[Oid, ...] = ()
    """Every claim of it that is complete."""
    lands: Oid | None = None
    """The one of these that lands, or that has landed; None where there is none."""
    repeats: tuple[Oid, ...] = ()
    """Later claims of what was complete already; inert."""
    note: str = ""
    """What the claim's line says after its dash."""

    @property
    def complete(self) -> bool:
        """Said and proven."""
        return self.said == "complete"


_Heard = tuple[Said, Evidence, tuple[Finding, ...]]
"""A claim, the evidence for it, and what is wrong with it."""


class Verdicts:
    """Verdicts over one snapshot, each computed once."""

    def __init__(self, snapshot: Snapshot, claims: Claims) -> None:
        self.snapshot = snapshot
        self.claims = claims
        self.plans = {plan.plan: plan for plan in snapshot.plans}
        self.attestations = Attestations(snapshot.ledger)
        policy = snapshot.policy
        self.waivers = Waivers(snapshot.ledger.decisions, snapshot.made)
        self.court = Court(
            self.attestations,
            policy.repository,
            snapshot.past_rules,
            policy.trust,
            self.before_signatures,
            self.waivers,
        )
        self._exempt: Reach | None = None
        self._known: dict[Target, Verdict] = {}
        self._needs: dict[Target, tuple[Target, ...]] = {}
        self._rules: dict[Target, RuleSet | Finding] = {}
        self._holders: dict[str, Delegation | None] = {}
        self._delegations: dict[str, list[Event]] = {}
        for event in snapshot.ledger.decisions:
            if event.kind == "delegation" and event.plan is not None:
                self._delegations.setdefault(event.plan, []).append(event)
        self.blockers = open_blockers(snapshot.ledger.decisions, self.agent)
        self._reopened = reopenings(snapshot.ledger.decisions, self.agent)

    def of(self, target: Target) -> Verdict:
        """The verdict on one plan or wave."""
        known = self._known.get(target)
        if known is not None:
            return known
        open_ = self._needs_first(target)
        # A circle of needs is a finding of the plan check; here it must only end: nothing in it is complete.
        self._known.update((each, Verdict(each)) for each in open_)
        for each in open_:
            self._known[each] = self._judge(each)
        return self._known[target]

    def _needs_first(self, target: Target) -> list[Target]:
        """The target and all that its claims need and that was not judged yet, what is needed before what needs it.

        A list and no recursion: a thousand waves in a row are more than Python's stack holds.
        """
        found: dict[Target, None] = {}
        entered: set[Target] = set()
        stack = [target]
        while stack:
            top = stack[-1]
            if top not in entered:
                entered.add(top)
                stack += [need for need in self._gates(top) if need not in entered and need not in self._known]
            else:
                found.setdefault(stack.pop())
        return list(found)

    def _gates(self, target: Target) -> tuple[Target, ...]:
        """What the claims of a target need; nothing where it was never claimed."""
        return self.needs(target) if target in self.claims.by_target and self.declared(target) else ()

    def delegation(self, plan: str) -> Delegation | None:
        """Who has the plan."""
        if plan not in self._holders:
            self._holders[plan] = holder(self._delegations.get(plan, ()), plan, self.claims.start_of(plan))
        return self._holders[plan]

    def is_replaced(self, writer: str, plan: str) -> bool:
        """Whether a writer had the plan once, and somebody else took it over."""
        had = holders(self._delegations.get(plan, ()), plan, self.claims.start_of(plan))
        return any(each.agent == writer != had[-1].agent for each in had[:-1])

    def before_signatures(self, commit: Oid) -> bool:
        """Whether a commit is contained in what the policy exempts from signatures."""
        if self._exempt is None:
            since = self.snapshot.policy.trust.since
            self._exempt = self.claims.graph.below([Oid(since)] if since else [])
        return commit in self._exempt

    def agent(self, plan: str) -> str:
        """The agent who decides for the plan: who has it, else who is to; empty for a plan that nobody declares."""
        delegation, declared = self.delegation(plan), self.plans.get(plan)
        if delegation is not None and is_binding(delegation, self.claims.start_of(plan)):
            return delegation.agent
        return declared.agent if declared else ""

    def delegator(self, plan: str) -> str:
        """The writer of the delegation that the plan's start commit names; empty where that is not known."""
        start = self.claims.start_of(plan)
        return next((event.writer for event in self._delegations.get(plan, ()) if event.id == start), "")

    def merged(self, plan: str) -> bool:
        """Whether the plan has landed, and its branch has no work that integration lacks."""
        landed = any(commit in self.claims.landed for commit in self.of(Target(plan)).proven)
        return landed and not self.claims.holders.has_work(plan)

    def rules(self, target: Target) -> RuleSet | Finding:
        """The rules of now, or why there are none."""
        if target not in self._rules:
            policy = self.snapshot.policy
            plan = integration_as_plan(policy) if target == INTEGRATION else self.plans.get(target.plan)
            undeclared = Finding("CG101", "error", str(target), f"plan {target.plan} is not on the control ref")
            self._rules[target] = rules_of(policy, plan, target, self.snapshot.scripts) if plan else undeclared
        return self._rules[target]

    def declared(self, target: Target) -> bool:
        """Whether the control ref declares it."""
        plan = self.plans.get(target.plan)
        return plan is not None and (target.wave is None or plan.wave(target.wave) is not None)

    def order(self, target: Target, *heads: Oid) -> list[Finding]:
        """What must be complete and in the history of one of these commits before a claim of `target`, and is not.

        They are the claim, or the parents of one that is about to be made.
        """
        return [finding for need in self.needs(target) if (finding := self._unmet(target, need, heads))]

    def blocked(self, target: Target) -> list[Finding]:
        """Open blockers on it, on all of its plan or, of a plan, on one of its waves.

        They stop what is about to be claimed or landed and nothing else: whoever raises one must not be able to undo
        what is proven.
        """
        whole = target.wave is None and target.plan in self.plans
        return [
            Finding(
                "CG305",
                "error",
                str(target),
                f"{named} has an open blocker of {raised.event.writer}: {_said(raised.event)}",
                f"conductor-git resolve {raised.event.id[:12]}    # once it is settled; for {_closers(raised)}",
            )
            for named in (self.plans[target.plan].targets() if whole else (target, target.of_plan))
            for raised in self.blockers.get(named, ())
        ]

    def needs(self, target: Target) -> tuple[Target, ...]:
        """Everything a claim of this target needs, the plan's own needs first."""
        known = self._needs.get(target)
        if known is None:
            known = self._needs[target] = self.plans[target.plan].needs_for(target)
        return known

    def open_needs(self, target: Target) -> tuple[Target, ...]:
        """The needs that are not complete."""
        return tuple(need for need in self.needs(target) if not self.of(need).complete)

    def missing(self, target: Target, head: Oid) -> tuple[Oid, ...]:
        """Of each need that is complete and not in the history of `head`, the claim that is to be merged."""
        graph = self.claims.graph
        complete = [verdict for need in self.needs(target) if (verdict := self.of(need)).complete]
        lacking = [
            verdict.proven[0]
            for verdict in complete
            if not any(graph.is_ancestor(proven, head) for proven in verdict.proven)
        ]
        # What another one of them contains comes with it.
        return tuple(
            each
            for each in dict.fromkeys(lacking)
            if not any(each != other and graph.is_ancestor(each, other) for other in lacking)
        )

    def weigh(self, target: Target, asked: Asked) -> Evidence:
        """The evidence for one claim."""
        return self.court.judge(asked, self.rules(target))

    def _unmet(self, target: Target, need: Target, heads: tuple[Oid, ...]) -> Finding | None:
        verdict = self.of(need)
        same = need.plan == target.plan
        history = self.snapshot.history
        if verdict.said == "no" and history.shallow and not history.since_known:
            text = f"{target} needs {need}, and nobody can tell here whether that is complete: this clone is shallow"
            return Finding("CG708", "error", str(target), text, "git fetch --unshallow")
        if not verdict.complete:
            code = "CG304" if target.wave is None and same else "CG301" if same else "CG302"
            state = _how_far(verdict)
            hint = _mend(need, verdict) if same else "conductor-git log-status"
            return Finding(code, "error", str(target), f"{target} needs {need}, which is not complete ({state})", hint)
        if any(self.claims.graph.is_ancestor(proven, head) for proven in verdict.proven for head in heads):
            return None
        text = f"{target} needs {need}, which is complete at {verdict.proven[0][:7]} but not in this history"
        return Finding("CG303", "error", str(target), text, f"git merge {verdict.proven[0][:12]}")

    def _judge(self, target: Target) -> Verdict:
        if not self.declared(target):
            return Verdict(target)
        judged = [(said, *self.hear(said)) for said in self.standing(target)]
        proven = [entry for entry in judged if entry[1].complete and not refused(list(entry[2]))]
        if not judged:
            return Verdict(target)
        # A plan claim stands on its newest commit; a wave was complete from its first proven claim on.
        said, evidence, findings = (proven or judged)[-1] if target.wave is None or not proven else proven[0]
        lands = self._lands(target, proven)
        first = judged.index(proven[0]) + 1 if proven else len(judged)
        later = [entry[0].commit for entry in judged[first:]] if target.wave is not None else []
        return Verdict(
            target,
            "complete" if proven else "claimed",
            said.commit,
            evidence,
            tuple(findings),
            tuple(entry[0].commit for entry in proven),
            lands,
            tuple(commit for commit in later if commit != lands),
            said.note,
        )

    def _lands(self, target: Target, proven: list[_Heard]) -> Oid | None:
        """Of a plan the newest claim; of a wave, too, where waves land, until one of its claims has landed."""
        commits = [entry[0].commit for entry in proven]
        if not commits or target.wave is None:
            return commits[-1] if commits else None
        newest = commits[-1] if self.snapshot.policy.landing.waves else commits[0]
        return next((commit for commit in commits if commit in self.claims.landed), newest)

    def hear(self, said: Said) -> tuple[Evidence, tuple[Finding, ...]]:
        """The evidence for one claim, and all that is wrong with it. Its target is declared."""
        asked = Asked(said.target, said.product, said.commit, said.trailers.proof, said.trailers.rules)
        evidence = self.weigh(said.target, asked)
        order = self.order(said.target, said.commit)
        return evidence, (*evidence.findings, *order)

    def standing(self, target: Target) -> list[Said]:
        """The claims of a target that no revert or reopening above them has taken back."""
        listed = self.claims.by_target.get(target, [])
        # What no branch holds any more stands in the caches of some clones only: it has a past for none of them.
        reopened = (commit for commit in self._reopened.get(target, ()) if self.claims.in_scope(target.plan, commit))
        ends = [*reopened, *self.claims.taken_back.get(target, ())]
        if not listed or not ends:
            return listed
        taken = self.claims.graph.below(ends)
        return [said for said in listed if said.commit not in taken]


def _mend(need: Target, verdict: Verdict) -> str:
    """How an earlier wave becomes complete: by a proof, which others may owe, or by a claim of other content."""
    missing = next((finding for finding in verdict.findings if finding.refuses), None)
    if missing is None and verdict.evidence.awaiting:
        return f"conductor-git wait {need}    # others owe the proof"
    if missing is None or missing.code in _OF_CONTENT or not missing.hint:
        return f"conductor-git claim {need}"
    return missing.hint


def _how_far(verdict: Verdict) -> str:
    if verdict.said != "claimed":
        return "not claimed"
    awaited = verdict.evidence.awaiting
    return f"claimed, awaits {', '.join(awaited)}" if awaited else "claimed, not proven"


def _closers(raised: Raised) -> str:
    names = f"'{raised.event.writer}', '{raised.leader}'" if raised.leader else f"'{raised.event.writer}'"
    return f"{names} or the conductor"


def _said(event: Event) -> str:
    """A blocker's message within one line."""
    return " ".join(str(event.data.get("message", "")).split())[:80]
