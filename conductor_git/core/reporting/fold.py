"""The fold: one snapshot in, the board out. No state is stored anywhere but in git."""

from __future__ import annotations

import msgspec

from conductor_git.core.events.authority import powerless
from conductor_git.core.events.ledger import findings as ledger_findings
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.freezes import freezes_in_force
from conductor_git.core.judgement.integration import Spine, judge_steps
from conductor_git.core.judgement.levels import judge_level, judge_signers
from conductor_git.core.judgement.lostlandings import lost_landings
from conductor_git.core.judgement.owners import judge_standing
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdict, Verdicts
from conductor_git.core.judgement.waiving import read_waivers
from conductor_git.core.planning.plan import BrokenPlan, Plan, Wave
from conductor_git.core.planning.plancheck import find_obstacles
from conductor_git.core.reporting.blockers import show_blockers
from conductor_git.core.reporting.board import (
    SCHEMA,
    Board,
    FreezeStatus,
    PlanStatus,
    Proof,
    State,
    WaiverStatus,
    WaveStatus,
)
from conductor_git.core.reporting.executors import Executors
from conductor_git.core.reporting.steps import next_steps
from conductor_git.core.say import printable
from conductor_git.core.targets import Oid, Target


def fold(snapshot: Snapshot, now: int) -> Board:
    """Rebuild who is where. `now` is in seconds since the epoch and decides nothing but what is overdue."""
    claims = Claims(snapshot.history, snapshot.plans)
    verdicts = Verdicts(snapshot, claims)
    spine = judge_steps(snapshot, claims, verdicts)
    folder = _Folder(snapshot, claims, verdicts, spine, now)
    plans = tuple(folder.plan(plan) for plan in snapshot.plans) + tuple(map(_broken, snapshot.broken))
    plans = tuple(sorted(plans, key=lambda status: _natural(status.plan)))
    signers = judge_signers(snapshot.policy.trust, snapshot.signers)
    findings = _in_order(
        [
            *snapshot.findings,
            *signers,
            *spine.findings,
            *lost_landings(snapshot, claims),
            *claims.findings,
            *ledger_findings(snapshot.ledger),
            *powerless(snapshot.ledger.decisions, verdicts.agent, verdicts.delegator),
            *_unseen(snapshot),
        ]
    )
    policy = snapshot.policy
    footing = judge_level(policy, snapshot.signers, snapshot.hub)
    board = Board(
        SCHEMA,
        footing.level,
        policy.integration,
        policy.control_ref,
        plans,
        tuple(findings),
        (),
        footing.why,
        tuple(
            WaiverStatus(str(each.target), each.rule, each.reason, each.since, each.until, each.event)
            for each in read_waivers(snapshot.ledger.decisions)
        ),
        tuple(
            FreezeStatus(str(each.target), each.patterns, each.claim, each.agent, each.since)
            for each in freezes_in_force(verdicts)
        ),
        policy.limits.silent,
    )
    return msgspec.structs.replace(board, next=next_steps(board))


def _unseen(snapshot: Snapshot) -> list[Finding]:
    if not snapshot.unseen:
        return []
    some = f"{snapshot.unseen:,} older commit{'s' if snapshot.unseen > 1 else ''}"
    text = f"{some} of plans not looked at yet: whether they kept to their plan's paths"
    return [Finding("CG408", "info", snapshot.policy.integration, text, "conductor-git audit    # looks at all")]


class _Folder:
    """Folds one plan at a time over what is known of all."""

    def __init__(self, snapshot: Snapshot, claims: Claims, verdicts: Verdicts, spine: Spine, now: int) -> None:
        self.snapshot = snapshot
        self.claims = claims
        self.verdicts = verdicts
        self.spine = spine
        self.now = now
        self.obstacles = find_obstacles(snapshot.plans, snapshot.broken, snapshot.policy, snapshot.scripts)
        self.heard: dict[str, int] = {}
        for event in snapshot.ledger.events:
            if event.plan is not None and event.time > self.heard.get(event.plan, 0):
                self.heard[event.plan] = event.time
        self.claimed: dict[str, dict[Target, list[Oid]]] = {}
        for target, listed in claims.by_target.items():
            self.claimed.setdefault(target.plan, {})[target] = [said.commit for said in listed]
        self.strayed = judge_standing(snapshot, claims)
        self.blockers = show_blockers(snapshot.ledger.decisions, snapshot.policy.limits, verdicts.agent)
        self.executors = Executors(snapshot, claims)
        self.unblocks: dict[str, set[Target]] = {}
        for plan in snapshot.plans:
            for need in plan.needs:
                self.unblocks.setdefault(need.plan, set()).add(Target(plan.plan))
            for wave in plan.waves:
                for need in wave.needs:
                    if need.plan != plan.plan:
                        self.unblocks.setdefault(need.plan, set()).add(Target(plan.plan, wave.number))

    def plan(self, plan: Plan) -> PlanStatus:
        """The status of one plan."""
        tip = self.snapshot.history.branches.get(plan.branch)
        delegation = self.verdicts.delegation(plan.plan)
        begun = delegation is not None or self.claims.holders.has_own(plan.plan) or plan.plan in self.spine.landings
        waves = self._waves(plan, begun)
        current = next((wave for wave in waves if wave.state not in ("complete", "retired")), None)
        whole = self.verdicts.of(Target(plan.plan))
        moved = self._moved_on(whole, tip.oid if tip else None)
        claim = self._claim_status(plan, whole, moved)
        merged = self.verdicts.merged(plan.plan)
        state: State = "merged" if merged else self._state(plan, claim, waves, current, begun)
        return PlanStatus(
            plan=plan.plan,
            title=plan.title,
            state=state,
            agent=delegation.agent if delegation else plan.agent,
            branch=plan.branch,
            workspace=delegation.workspace if delegation else plan.workspace,
            needs=tuple(map(str, plan.needs)),
            unblocks=tuple(str(target) for target in sorted(self.unblocks.get(plan.plan, ()), key=_target_key)),
            waiting_for=() if merged else self._waiting_for(plan, current),
            blockers=self.blockers.get(plan.plan, ()),
            waves=waves,
            findings=(
                *self._obstacles(plan, state),
                *self._reverted(plan, state),
                *self.strayed.get(plan.plan, ()),
                *self._plan_findings(plan),
            ),
            claim=claim,
            current=current.wave if current else None,
            delegated=delegation is not None,
            tip=tip.oid if tip else None,
            commits=self._commits_since(plan, tip.oid) if tip else 0,
            last_activity=self._last_activity(plan, tip.oid if tip else None, begun),
            brief=delegation.brief if delegation else "",
            charge=delegation.charge if delegation else "",
        )

    def _waves(self, plan: Plan, begun: bool) -> tuple[WaveStatus, ...]:
        statuses: list[WaveStatus] = []
        active_taken = False
        for wave in plan.waves:
            status = self._wave(plan, wave, begun and not active_taken)
            active_taken = active_taken or status.state not in ("complete",)
            statuses.append(status)
        return (*statuses, *self._retired(plan))

    def _wave(self, plan: Plan, wave: Wave, may_be_active: bool) -> WaveStatus:
        target = Target(plan.plan, wave.number)
        verdict = self.verdicts.of(target)
        open_needs = self.verdicts.open_needs(target)
        state: State
        if verdict.complete:
            state = "complete"
        elif target in self.verdicts.blockers or Target(plan.plan) in self.verdicts.blockers:
            state = "blocked"
        elif verdict.said == "claimed":
            state = "claimed"
        elif open_needs and not (may_be_active and all(need.plan == plan.plan for need in open_needs)):
            state = "waiting"
        else:
            state = "active" if may_be_active else "ready"
        waiting = tuple(map(str, open_needs)) if state == "waiting" else ()
        tip = self.snapshot.history.branches.get(plan.branch) if state in ("active", "ready") else None
        missing = self.verdicts.missing(target, tip.oid) if tip else ()
        executors = self.executors.of(target, complete=verdict.complete)
        status = _status(verdict, wave.title, state, waiting)
        return msgspec.structs.replace(status, missing=missing, executors=executors)

    def _retired(self, plan: Plan) -> list[WaveStatus]:
        declared = {wave.number for wave in plan.waves}
        gone = {
            target.wave: commits[-1]
            for target, commits in self.claimed.get(plan.plan, {}).items()
            if target.wave is not None and target.wave not in declared
        }
        return [WaveStatus(number, "", "retired", gone[number]) for number in sorted(gone)]

    def _claim_status(self, plan: Plan, whole: Verdict, moved: bool) -> WaveStatus:
        state: State = "ready"
        if whole.said == "no" or moved:
            state = "waiting" if any(not self.verdicts.of(t).complete for t in plan.targets()[:-1]) else "ready"
            return WaveStatus(None, plan.title, state, whole.commit if moved else None)
        return _status(whole, plan.title, "complete" if whole.complete else "claimed", ())

    def _moved_on(self, whole: Verdict, tip: Oid | None) -> bool:
        """Whether the product changed after the newest plan claim (on the branch; what landed is past that)."""
        if whole.commit is None or tip is None or tip in self.claims.landed:
            return False
        history = self.snapshot.history
        return history.product(tip) != history.product(whole.commit)

    def _state(
        self, plan: Plan, claim: WaveStatus, waves: tuple[WaveStatus, ...], current: WaveStatus | None, begun: bool
    ) -> State:
        if claim.state == "complete":
            return "complete"
        if Target(plan.plan) in self.verdicts.blockers or any(wave.state == "blocked" for wave in waves):
            return "blocked"
        if claim.state == "claimed":
            return "claimed"
        if (
            current is not None
            and current.state == "waiting"
            and not any(w.state in ("ready", "active") for w in waves)
        ):
            return "waiting"
        return "active" if begun else "ready"

    def _waiting_for(self, plan: Plan, current: WaveStatus | None) -> tuple[str, ...]:
        if current is None:
            return ()
        own = {str(target) for target in plan.targets()}
        return tuple(need for need in current.waiting_for if need not in own)

    def _obstacles(self, plan: Plan, state: State) -> list[Finding]:
        return [] if state in ("complete", "merged") else self.obstacles.get(plan.plan, [])

    def _reverted(self, plan: Plan, state: State) -> list[Finding]:
        revert, tip = self.claims.landings_taken_back.get(plan.plan), self.snapshot.history.branches.get(plan.branch)
        if revert is None or state in ("complete", "merged"):
            return []
        if tip is not None and tip.ref.startswith("refs/heads/") and self.claims.graph.is_ancestor(revert, tip.oid):
            return []
        name = self.snapshot.policy.integration
        text = f"the landing of plan {plan.plan} was reverted on '{name}' by {revert[:7]}"
        hint = f"git merge {name} && git revert --no-edit {revert[:12]}    # on '{plan.branch}'; then claim {plan.plan}"
        return [Finding("CG509", "warning", plan.plan, text, hint, "merging the branch again would bring nothing back")]

    def _plan_findings(self, plan: Plan) -> list[Finding]:
        found = []
        for target in plan.targets():
            repeats = self.verdicts.of(target).repeats
            if repeats:
                text = f"{target} was complete already; its claim {repeats[-1][:7]} changes nothing"
                more = f"and {len(repeats) - 1} more before it" if len(repeats) > 1 else ""
                found.append(Finding("CG106", "info", str(target), text, detail=more))
        tip = self.snapshot.history.branches.get(plan.branch)
        for ref, oid in tip.others if tip else ():
            # A remote's name need not be text.
            text = f"'{printable(ref)}' is at {oid[:7]} and has commits that '{plan.branch}' lacks"
            if tip is not None and not self.claims.graph.is_ancestor(oid, tip.oid):
                found.append(Finding("CG710", "warning", plan.plan, text, f"git log {tip.oid[:12]}..{oid[:12]}"))
        return found

    def _commits_since(self, plan: Plan, tip: Oid) -> int:
        """How many commits that are no merges a branch has above its newest claim or start."""
        graph, ends = self.claims.graph, dict[int, list[int]]()
        for commits in self.claimed.get(plan.plan, {}).values():
            for line, at in filter(None, map(graph.place, commits)):
                ends.setdefault(line, []).append(at)
        count = 0
        for line, place, end in graph.stretches(tip, stop=self.claims.landed):
            found = [at for at in (*ends.get(line, ()), self.claims.start_below(line, place)) if place <= at < end]
            lowest = min(found, default=end)
            count += lowest - place - sum(1 for _ in graph.merges_on(line, place, lowest))
            if found:
                break
        return count

    def _last_activity(self, plan: Plan, tip: Oid | None, begun: bool) -> int | None:
        if not begun:
            return None
        committed = self.snapshot.history.time(tip) if tip else 0
        return max(committed, self.heard.get(plan.plan, 0)) or None


def _status(verdict: Verdict, title: str, state: State, waiting: tuple[str, ...]) -> WaveStatus:
    evidence = verdict.evidence
    proofs = tuple(
        Proof(proof.digest, proof.platform, proof.script, proof.tree, proof.writer, proof.ended, proof.passed)
        for proof in evidence.proofs
    )
    return WaveStatus(
        verdict.target.wave,
        title,
        state,
        verdict.commit,
        evidence.basis,
        proofs,
        evidence.awaiting,
        verdict.findings,
        waiting,
        evidence.drift,
        note=verdict.note,
    )


_CHECK = "conductor-git plan check    # once it is mended; then conductor-git plan commit"


def _broken(broken: BrokenPlan) -> PlanStatus:
    """A plan file that cannot be obeyed: shown, blocked, and nothing else of it is believed."""
    findings = tuple(Finding("CG701", "error", broken.path, str(error), _CHECK, error.hint) for error in broken.errors)
    return PlanStatus(
        broken.name, f"(broken: {broken.path})", "blocked", "", "", "", (), (), (), (), (), findings,
        WaveStatus(None, "", "blocked"), None, False, None, 0, None,
    )  # fmt: skip


_RANK = {"alarm": 0, "error": 1, "warning": 2, "info": 3}


def _in_order(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: _RANK[finding.severity])


def _natural(plan: str) -> tuple[int, int, str]:
    """Numbers in order of their value, then slugs."""
    return (0, int(plan), "") if plan.isdigit() else (1, 0, plan)


def _target_key(target: Target) -> tuple[tuple[int, int, str], int]:
    return _natural(target.plan), -1 if target.wave is None else target.wave
