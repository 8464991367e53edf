"""Each new first-parent step of the integration branch is a landing or a direct step, or an alarm."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import msgspec

from conductor_git.core.events.authority import accepted
from conductor_git.core.events.ledger import NEVER_FETCHED
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.freezes import FROZEN, judge_frozen
from conductor_git.core.judgement.landing import Landings
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.wavelandings import EARLY, allows_waves, judge_wave
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.targets import INTEGRATION, Oid, Target


class Spine(msgspec.Struct, frozen=True):
    """What integration's own steps say: what is wrong, and which merge brought which plan."""

    findings: tuple[Finding, ...]
    landings: dict[str, Oid]
    """Plan -> the newest merge on integration that brought commits of it."""
    brought: Mapping[Oid, tuple[str, ...]] = {}
    """Merge that brought commits of plans -> those plans."""


def judge_steps(
    snapshot: Snapshot, claims: Claims, verdicts: Verdicts, *, coming: Container[Oid] = frozenset()
) -> Spine:
    """Judge every step above `since`, oldest first. Accepted commits are settled: no finding. Those that are `coming`
    can still be waived, and cannot be accepted yet."""
    tip = snapshot.history.integration
    if tip is None or not snapshot.history.since_known:
        return Spine(tuple(_cannot_tell(snapshot)), {})
    judge = _Steps(snapshot, claims, verdicts, _settled(snapshot, verdicts), coming)
    findings = judge.unsettled(judge.walk(tip.oid))
    if not snapshot.ledger.fetched:
        findings = [_untold(finding) for finding in findings]
    return Spine(tuple(findings), judge.landings, judge.brought)


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


class _Judged(msgspec.Struct, frozen=True):
    """One step with what is wrong with it."""

    step: Oid
    findings: tuple[Finding, ...] = ()
    plans: frozenset[str] = frozenset()
    """The plans of which it brought commits."""
    targets: tuple[Target, ...] = ()
    """What it landed."""
    unvalidated: Finding | None = None
    """What is wrong with it unless integration passed the policy's own landing validation, then or later."""
    forwarded: str | None = None
    """The plan whose commit it is itself; empty for a claim of no plan."""


class _Steps:
    """Walks the steps in order, so that what an earlier one brought is not brought again."""

    def __init__(
        self,
        snapshot: Snapshot,
        claims: Claims,
        verdicts: Verdicts,
        settled: frozenset[Oid],
        coming: Container[Oid],
    ) -> None:
        self.coming = coming
        self.snapshot = snapshot
        self.claims = claims
        self.verdicts = verdicts
        self.settled = settled
        self.allowed = Landings(claims, verdicts, ever=True)
        self.seen: set[Oid] = set()
        self.landings: dict[str, Oid] = {}
        self.brought: dict[Oid, tuple[str, ...]] = {}
        self._forwarded = ""
        self._landed_by: dict[Oid, tuple[Target, ...]] = {}
        """What each landing landed."""
        self._lines: dict[Oid, list[Oid]] = {}
        """Merge -> the line of integration that it took in."""
        self._passed: dict[Oid, set[Target]] = {}
        attestations = verdicts.attestations
        for target in {*attestations.by_target, *attestations.doubted}:
            for found in (*attestations.of(target), *attestations.unsigned(target)):
                if found.passed or found.outcome == "criteria":
                    self._passed.setdefault(found.tree, set()).add(target)

    def walk(self, tip: Oid) -> list[_Judged]:
        """Judge each step, oldest first. What a step took in by merging another line of integration comes before it."""
        since = self.snapshot.history.since
        steps = [step for step in self.claims.graph.first_parents(tip) if step != since]
        todo = [(step, False) for step in self._telling(steps)]
        judged: list[_Judged] = []
        while todo:
            step, aside = todo[-1]
            chain = self._taken_in(step)
            self._lines.setdefault(step, chain)
            todo += [(each, True) for each in self._telling(chain)]
            if not chain:
                todo.pop()
                judged.append(self._frozen(self._judge(step, aside=aside)))
        return judged

    def _telling(self, line: list[Oid]) -> list[Oid]:
        """Of a line of integration what has to be judged. The rest is seen: ordinary commits that the policy allows,
        as nearly all of them are."""
        if self.snapshot.policy.direct != "any":
            return line
        history, touched = self.snapshot.history, self.snapshot.bounds.touched
        nodes, notes, products = history.nodes, history.notes, history.products
        telling = [
            step
            for step in line
            if step in notes or step in touched or nodes[step][1] in products or len(nodes[step][0]) > 1
        ]
        self.seen.update(line)
        self.seen.difference_update(telling)
        return telling

    def unsettled(self, judged: list[_Judged]) -> list[Finding]:
        """What neither the conductor accepted nor a later step made good: a clean landing of the same plans, a revert
        of exactly that step, and, where content was never validated, a later state of integration that passed."""
        kept: list[Finding] = []
        forwarded: set[str] = set()
        landed: set[str] = set()
        passed: set[Target] = set()
        wrong = {each.step for each in judged if each.findings and each.forwarded is None}
        undone: set[Oid] = set()
        for each in reversed(judged):
            gone = each.step in undone
            # Also a revert of what is wrong: under a policy without direct steps there would be no way back.
            if gone or self._undoes(each.step, wrong, undone) or each.step in self.settled:
                pass
            elif each.forwarded is None:
                if each.unvalidated and INTEGRATION not in passed | self._proved(each.step):
                    # One for all of them, at the newest.
                    kept.append(each.unvalidated)
                    passed.add(INTEGRATION)
                kept += [found for found in reversed(each.findings) if not _is_made_good(found, each, landed, passed)]
            elif each.forwarded not in forwarded:
                # One alarm for each plan, at the newest of its commits: accepting that settles what is below it.
                kept += each.findings
            if each.forwarded is not None and not gone:
                forwarded.add(each.forwarded)
            landed |= each.plans if not each.findings and not gone else frozenset()
            passed |= self._proved(each.step)
        return kept[::-1]

    def _undoes(self, step: Oid, wrong: set[Oid], undone: set[Oid]) -> bool:
        """Whether a step takes a wrong one back; what was itself taken back later takes nothing back."""
        reverted = self.snapshot.history.undone.get(step)
        if reverted is None:
            return False
        undone.add(reverted)
        return reverted in wrong

    def _proved(self, step: Oid) -> set[Target]:
        """What was ever proven on the content of a step."""
        product = self.snapshot.history.product(step)
        if product is None:
            return set()
        ever, rules = self.verdicts.court.ever_proved, self.verdicts.rules
        return {target for target in self._passed.get(product, ()) if ever(target, product, rules(target), step)}

    def _taken_in(self, step: Oid) -> list[Oid]:
        """The first parents of what a merge took in, newest first, where they are a line of integration: not a claim
        that lands, and no plan's own branch. Others' landings come this way by `git pull`."""
        for parent in self.claims.graph.parents(step)[1:]:
            if parent in self.seen or self.allowed.complete(parent, self._declared(step)):
                continue
            chain = []
            for oid in self.claims.graph.first_parents(parent):
                if oid in self.seen or oid == self.snapshot.history.since:
                    break
                chain.append(oid)
            if not any(self._speaks(oid) for oid in chain):
                return chain
        return []

    def _speaks(self, oid: Oid) -> bool:
        claims = self.claims
        return oid in claims.starts or oid in claims.plans_said or oid in claims.nameless

    def _judge(self, step: Oid, *, aside: bool) -> _Judged:
        parents = self.claims.graph.parents(step)
        self.seen.add(step)
        if len(parents) < 2:
            return self._single(step, parents, aside=aside)
        parts = []
        for parent in parents[1:]:
            brought = self.claims.graph.ancestors([parent], stop=self.seen)
            self.seen |= brought
            if any(self._speaks(oid) for oid in brought):
                parts.append((parent, brought))
        return self._landing(step, parents, parts) if parts else self._direct(step, parents, aside=aside)

    def _single(self, step: Oid, parents: tuple[Oid, ...], *, aside: bool) -> _Judged:
        if not self._speaks(step):
            return self._direct(step, parents, aside=aside)
        plan = self.claims.starts.get(step) or self.claims.plans_said.get(step) or self._forwarded
        self._forwarded = plan
        text = f"claim {step[:7]} of no plan stands on '{self._name}' itself"
        if plan:
            text = f"commits of plan {plan} came into '{self._name}' by fast-forward ({step[:7]})"
        finding = Finding("CG502", "alarm", step, text, _accept(step), f"look: git log --first-parent {self._name}")
        return _Judged(step, (finding,), forwarded=plan)

    def _direct(self, step: Oid, parents: tuple[Oid, ...], *, aside: bool) -> _Judged:
        if aside or self.snapshot.policy.direct == "any" or self._only_control(step, parents):
            return _Judged(step)
        line = [target for each in self._lines.get(step, ()) for target in self._landed_by.get(each, ())]
        targets = tuple(dict.fromkeys(line)) or (INTEGRATION,)
        if len(parents) > 1 and step in self.snapshot.history.merged:
            # Whoever pressed the button: a merge of landings, or of commits of no plan, that was validated.
            wrong = tuple(self._content(step, parents, targets))
            if not wrong or line:
                return _Judged(step, wrong, targets=targets)
        direct = self.snapshot.policy.direct
        text = f"commit {step[:7]} on '{self._name}' is no landing, and the policy allows direct = '{direct}' only"
        return _Judged(
            step, (Finding("CG506", "alarm", step, text, _accept(step), f"look: git show --stat {step[:12]}"),)
        )

    def _landing(self, step: Oid, parents: tuple[Oid, ...], parts: list[tuple[Oid, set[Oid]]]) -> _Judged:
        plans = sorted({plan for _, brought in parts for plan in self.allowed.plans_in(brought)})
        self.landings.update(dict.fromkeys(plans, step))
        self.brought[step] = tuple(plans)
        declared = self._declared(step)
        uncovered = {plan for part in parts for plan in self.allowed.uncovered(*part, declared)}
        if uncovered:
            return _Judged(step, (self._uncovered(step, sorted(uncovered)),), frozenset(plans))
        targets = tuple(self.allowed.said[source].target for source, _ in parts)
        self._landed_by[step] = targets
        wrong = (*self._early(step, targets), *self._content(step, parents, targets))
        return _Judged(step, wrong, frozenset(plans), targets, self._unvalidated_as_integration(step))

    def _early(self, step: Oid, targets: tuple[Target, ...]) -> Iterator[Finding]:
        """The waves that the policy of then did not let land."""
        allowed = allows_waves(self.snapshot, step)
        for target in targets:
            found = judge_wave(target, allowed=allowed)
            if found is not None:
                text = f"merge {step[:7]} on '{self._name}': {found.message}"
                detail = "as the policy was then; a landing of the whole plan settles it"
                yield Finding(found.code, "alarm", step, text, _accept(step), detail)

    def _frozen(self, judged: _Judged) -> _Judged:
        """The step with what it did to frozen paths; what is waived for all the plans that it brought is not told."""
        touches = self.snapshot.bounds.touched.get(judged.step, ())
        if not touches:
            return judged
        parents = self.claims.graph.parents(judged.step)
        found = judge_frozen(touches, parents, judged.step, self.snapshot, step=True, conductor=True)
        waived = [self.verdicts.waivers.of_plan(plan, FROZEN, judged.step) for plan in sorted(judged.plans)]
        if waived and all(waived):
            return judged
        broken = [each for each in found if each.refuses]
        if not broken:
            return judged
        return msgspec.structs.replace(judged, findings=(*judged.findings, self._thawed(judged.step, broken)))

    def _thawed(self, step: Oid, found: list[Finding]) -> Finding:
        text = f"commit {step[:7]} on '{self._name}' changed what is frozen: {found[0].message}"
        more = f"and {len(found) - 1} more paths; " if len(found) > 1 else ""
        hint = found[0].hint if step in self.coming else _accept(step)
        return Finding(FROZEN, "alarm", step, text, hint, f"{more}look: git show -m --stat {step[:12]}")

    def _uncovered(self, step: Oid, plans: list[str]) -> Finding:
        # A branch may carry its plan's newest claim a few commits below its tip; what lands must be the claim itself.
        what = f"plan {', '.join(plans)}" if any(plans) else "a claim of no plan"
        text = f"merge {step[:7]} brought {what} into '{self._name}', and no proven claim covers it"
        return Finding("CG503", "alarm", step, text, " ".join(["conductor-git log-status", *plans]).rstrip())

    def _content(self, step: Oid, parents: tuple[Oid, ...], targets: tuple[Target, ...]) -> Iterator[Finding]:
        """Whether a landing of claims is what merging gives, leaves the rules alone, and was validated."""
        history = self.snapshot.history
        product = history.product(step)
        kind = "squash" if step in history.squashes else "merge"
        plans = ", ".join(dict.fromkeys(target.plan for target in targets if target != INTEGRATION))
        what = f"{kind} {step[:7]} of plan {plans}" if plans else f"{kind} {step[:7]}"
        if step in history.untold:
            text = f"whether {what} is what merging its parents gives cannot be told here: objects are missing"
            yield Finding("CG505", "warning", step, text, "git fetch")
        elif history.merged.get(step, product) != product:
            text = f"{what} is not what merging its parents gives"
            yield Finding("CG505", "alarm", step, text, _accept(step), f"look: git show --remerge-diff {step[:12]}")
        before, after = history.tree(parents[0]), history.tree(step)
        if before in history.controls and history.controls.get(after or before) != history.controls[before]:
            text = f"{what} changes '.conductor/'"
            look = f"look: git diff {step[:12]}^1 {step[:12]} -- .conductor"
            yield Finding("CG507", "alarm", step, text, _accept(step), look)
        proved = self._proved(step)
        for target in targets:
            if target not in proved:
                yield self._unvalidated(step, what, target, product)

    def _unvalidated(self, step: Oid, what: str, target: Target, product: Oid | None) -> Finding:
        failed = any(found.tree == product for found in self.verdicts.attestations.of(target) if not found.passed)
        text = f"{what} {'did not pass' if failed else 'was never validated'} as it stands on '{self._name}'"
        # A merge that failed once fails again: what is mended on top of it is what can pass.
        hint = f"conductor-git validate {target} --commit {self._name if failed else step[:12]}"
        return Finding("CG504", "alarm", step, text, hint)

    def _unvalidated_as_integration(self, step: Oid) -> Finding | None:
        own = self.snapshot.policy.landing.validation
        if not own:
            return None
        text = f"'{self._name}' did not pass '{own}', as the policy asks of landings, since {step[:7]}"
        return Finding("CG504", "alarm", step, text, _accept(step), "the next landing proves it, too")

    def _declared(self, step: Oid) -> dict[str, Plan]:
        return self.snapshot.history.declared.get(step, {})

    def _only_control(self, step: Oid, parents: tuple[Oid, ...]) -> bool:
        if self.snapshot.policy.direct != "control":
            return False
        history = self.snapshot.history
        return not parents or history.product(step) == history.product(parents[0])

    @property
    def _name(self) -> str:
        return self.snapshot.policy.integration


def _accept(step: Oid) -> str:
    return f"conductor-git accept {step[:12]} --reason 'WHY'    # for the conductor, once it was looked at"


def _settled(snapshot: Snapshot, verdicts: Verdicts) -> frozenset[Oid]:
    """What the conductor accepted; of what stood before signatures were asked for, also without one."""
    unsigned = (doubt.event for doubt in snapshot.ledger.doubted if doubt.code == "CG621")
    return accepted(snapshot.ledger.decisions) | frozenset(filter(verdicts.before_signatures, accepted(unsigned)))


def _is_made_good(finding: Finding, judged: _Judged, landed: set[str], passed: set[Target]) -> bool:
    if finding.code in ("CG503", "CG504", "CG505", EARLY) and judged.plans and judged.plans <= landed:
        return True
    return finding.code == "CG504" and passed.issuperset(judged.targets)
