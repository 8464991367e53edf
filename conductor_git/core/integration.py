"""Each new first-parent step of the integration branch is a landing or a direct step, or an alarm."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conductor_git.core.authority import accepted
from conductor_git.core.claims import Claims
from conductor_git.core.findings import Finding
from conductor_git.core.ledger import NEVER_FETCHED
from conductor_git.core.policy import POLICY_PATH
from conductor_git.core.snapshot import Snapshot
from conductor_git.core.targets import Oid
from conductor_git.core.verdicts import Verdicts


class Spine(msgspec.Struct, frozen=True):
    """What integration's own steps say: what is wrong, and which merge brought which plan."""

    findings: tuple[Finding, ...]
    landings: dict[str, Oid]
    """Plan -> the newest merge on integration that brought commits of it."""


def judge_steps(snapshot: Snapshot, claims: Claims, verdicts: Verdicts) -> Spine:
    """Judge every step above `since`, oldest first. Accepted commits are settled: no finding."""
    tip = snapshot.history.integration
    if tip is None or not snapshot.history.since_known:
        return Spine(tuple(_cannot_tell(snapshot)), {})
    settled = accepted(snapshot.ledger.events)
    judge = _Steps(snapshot, claims, verdicts)
    steps = [step for step in claims.graph.first_parents(tip.oid) if step != snapshot.history.since]
    judged = [(step, list(judge.step(step))) for step in reversed(steps) if judge.tells(step)]
    findings = [finding for finding in judge.unsettled(judged) if finding.subject not in settled]
    if not snapshot.ledger.fetched:
        findings = [_untold(finding) for finding in findings]
    return Spine(tuple(findings), judge.landings)


def _untold(finding: Finding) -> Finding:
    """An alarm of a clone that has no ledger: the proof, or the conductor's acceptance, may be in it."""
    detail = "this may be settled in the ledger, which this clone never fetched"
    return msgspec.structs.replace(finding, severity="warning", detail=detail, hint=NEVER_FETCHED.hint)


def _cannot_tell(snapshot: Snapshot) -> Iterator[Finding]:
    """Say so where history does not reach down to where judgement begins."""
    history, since, name = snapshot.history, snapshot.policy.since, snapshot.policy.integration
    if history.since_known:
        return
    where = "this shallow clone" if history.shallow else "this repository"
    text = f"commit '{since[:12]}', above which '{name}' is judged, is not in {where}"
    if not since:
        text = f"'{name}' is judged from its first commit on, and {where} begins later"
    hint = f"conductor-git plan commit    # once 'since' in '{POLICY_PATH}' names a commit of '{name}'"
    if history.shallow:
        hint = "git fetch --unshallow"
    yield Finding("CG708", "warning", since or name, text, hint, f"nobody can tell here what came into '{name}'")


_LANDS_ANEW = frozenset({"CG503", "CG504", "CG505"})
_PASSES_LATER = frozenset({"CG504"})


class _Steps:
    """Walks the steps in order, so that what an earlier one brought is not brought again."""

    def __init__(self, snapshot: Snapshot, claims: Claims, verdicts: Verdicts) -> None:
        self.snapshot = snapshot
        self.claims = claims
        self.verdicts = verdicts
        self.seen: set[Oid] = set()
        self.landings: dict[str, Oid] = {}
        self.targets = {said.commit: said.target for said in claims.all_said()}
        self.proven = {commit for target in claims.by_target for commit in verdicts.of(target).proven}
        attested = [found for listed in verdicts.attestations.by_target.values() for found in listed]
        self.passed = {found.tree for found in attested if found.passed}
        self.failed = {found.tree for found in attested if not found.passed} - self.passed
        self.brought: dict[Oid, frozenset[str]] = {}
        self.forwarded: set[str] = set()

    def tells(self, step: Oid) -> bool:
        """Whether a step can be more than an ordinary commit that the policy allows, as nearly all of them are."""
        self.seen.add(step)
        parents, tree, _ = self.snapshot.history.nodes[step]
        return (
            len(parents) > 1
            or self.snapshot.policy.direct != "any"
            or step in self.snapshot.history.notes
            or tree in self.snapshot.history.products
        )

    def step(self, step: Oid) -> Iterator[Finding]:
        """The findings of one step."""
        graph = self.claims.graph
        parents = graph.parents(step)
        brought = graph.ancestors(parents[1:], stop=self.seen)
        self.seen |= brought
        if len(parents) < 2:
            yield from self._single(step, parents)
            return
        plans = self._plans_in(brought)
        self.brought[step] = frozenset(plans)
        for plan in plans:
            self.landings[plan] = step
        if plans or not self.claims.nameless.isdisjoint(brought):
            yield from self._landing(step, parents, plans)
        elif self.snapshot.policy.direct != "any" and not self._only_control(step, parents):
            yield self._not_allowed(step)

    def unsettled(self, judged: list[tuple[Oid, list[Finding]]]) -> list[Finding]:
        """What no later step made good.

        A clean landing of the same plans does; and where content was never validated, a later state that passed.
        """
        kept: list[Finding] = []
        landed: set[str] = set()
        passed = False
        for step, findings in reversed(judged):
            plans = self.brought.get(step, frozenset())
            made_good = _LANDS_ANEW if plans and plans <= landed else _PASSES_LATER if passed else frozenset()
            kept += [finding for finding in reversed(findings) if finding.code not in made_good]
            landed |= plans if not findings else frozenset()
            passed = passed or self.snapshot.history.product(step) in self.passed
        return kept[::-1]

    def _plans_in(self, brought: set[Oid]) -> list[str]:
        started = {self.claims.starts[oid] for oid in brought if oid in self.claims.starts}
        claimed = {self.claims.plans_said[oid] for oid in brought if oid in self.claims.plans_said}
        return sorted(started | claimed)

    def _single(self, step: Oid, parents: tuple[Oid, ...]) -> Iterator[Finding]:
        plan = self.claims.starts.get(step) or self.claims.plans_said.get(step)
        if plan is not None:
            if plan not in self.forwarded:
                self.forwarded.add(plan)
                text = f"commits of plan {plan} came into '{self._name}' by fast-forward ({step[:7]})"
                yield Finding("CG502", "alarm", step, text, f"git log --first-parent {self._name}")
            return
        if step in self.claims.nameless:
            if not self.forwarded:
                self.forwarded.add("")
                text = f"claim {step[:7]} of no plan stands on '{self._name}' itself"
                yield Finding("CG502", "alarm", step, text, f"git show {step[:12]}")
            return
        if self.snapshot.policy.direct != "any" and not self._only_control(step, parents):
            yield self._not_allowed(step)

    def _landing(self, step: Oid, parents: tuple[Oid, ...], plans: list[str]) -> Iterator[Finding]:
        history = self.snapshot.history
        # A branch may carry its plan's newest claim a few commits below its tip; what lands must be the claim itself.
        if parents[1] not in self.proven:
            what = f"plan {', '.join(plans)}" if plans else "a claim of no plan"
            text = f"merge {step[:7]} brought {what} into '{self._name}', and no proven claim covers it"
            yield Finding("CG503", "alarm", step, text, " ".join(["conductor-git log-status", *plans]))
            return
        plan = self.targets[parents[1]].plan
        product = history.product(step)
        wanted = history.merged.get(step, product)
        if wanted != product:
            text = f"merge {step[:7]} of plan {plan} is not what merging its parents gives"
            yield Finding("CG505", "alarm", step, text, f"git show --remerge-diff {step[:12]}")
        before, after = history.tree(parents[0]), history.tree(step)
        if before in history.controls and history.controls.get(after or before) != history.controls[before]:
            text = f"merge {step[:7]} of plan {plan} changes '.conductor/'"
            yield Finding("CG507", "alarm", step, text, f"git diff {step[:12]}^1 {step[:12]} -- .conductor")
        if product is not None and product not in self.passed:
            how = "did not pass" if product in self.failed else "was never validated"
            text = f"merge {step[:7]} of plan {plan} {how} as it stands on '{self._name}'"
            # A merge that failed once fails again: what is mended on top of it is what can pass.
            hint = f"conductor-git validate {plan} --commit {self._name if product in self.failed else step[:12]}"
            yield Finding("CG504", "alarm", step, text, hint)

    def _only_control(self, step: Oid, parents: tuple[Oid, ...]) -> bool:
        if self.snapshot.policy.direct != "control":
            return False
        history = self.snapshot.history
        return not parents or history.product(step) == history.product(parents[0])

    def _not_allowed(self, step: Oid) -> Finding:
        direct = self.snapshot.policy.direct
        text = f"commit {step[:7]} on '{self._name}' is no landing, and the policy allows direct = '{direct}' only"
        return Finding("CG506", "alarm", step, text, f"git show --stat {step[:12]}")

    @property
    def _name(self) -> str:
        return self.snapshot.policy.integration
