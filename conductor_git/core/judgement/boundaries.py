"""Boundaries: which paths a commit may change, and who may merge what into what."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.landing import Landings
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.waiving import Waivers
from conductor_git.core.judgement.wavelandings import judge_wave
from conductor_git.core.planning.executors import plan_at
from conductor_git.core.planning.globs import matches, pathspec
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid, Target


class Staged(msgspec.Struct, frozen=True):
    """Paths that a commit is about to change by itself (for a merge: those that differ from all parents)."""

    paths: tuple[str, ...]
    branch: str | None
    writer: str
    is_first: bool = False
    """Whether the branch has no commit yet, so that there is nothing to restore from."""


def excuse(findings: list[Finding], plan: str, waivers: Waivers, commit: Oid | None = None) -> list[Finding]:
    """The findings of a commit on a plan's branch, where those that the conductor waived refuse nothing."""
    found = []
    for finding in findings:
        waiver = waivers.of_plan(plan, finding.code, commit)
        text = f"{finding.message}; {waiver}"
        found.append(
            finding if waiver is None else msgspec.structs.replace(finding, severity="info", message=text, hint="")
        )
    return found


def judge_staged(staged: Staged, policy: Policy, plans: tuple[Plan, ...]) -> list[Finding]:
    """Judge a commit's paths: scope, other plans' scopes, control tree, protected paths."""
    if staged.writer == CONDUCTOR:
        return []
    plan = plan_at(staged.branch, plans)
    take_back = "git rm --cached -q" if staged.is_first else "git restore --staged"
    return [finding for path in staged.paths for finding in _path(path, plan, policy, plans, take_back)]


def _path(path: str, plan: Plan | None, policy: Policy, plans: tuple[Plan, ...], take_back: str) -> Iterator[Finding]:
    back = f"{take_back} -- {pathspec(path)}    # then commit without -a"
    if path.startswith(".conductor/"):
        text = f"'{path}' is in the control tree, which only the conductor changes"
        yield Finding("CG403", "error", path, text, back)
        return
    if plan is None:
        return
    if _within(path, policy.protect):
        text = f"'{path}' is protected by the policy: a change of it could weaken the proof"
        yield Finding("CG404", "error", path, text, back)
    if plan.scope and _within(path, plan.scope):
        return
    # Of a protected path too: a waiver of the one is none of the other.
    owner = next((other for other in plans if other is not plan and _within(path, other.scope)), None)
    if owner is not None:
        text = f"'{path}' belongs to plan {owner.plan} ({owner.agent}), not to plan {plan.plan}"
        yield Finding("CG402", "error", path, text, back)
    elif plan.scope:
        yield Finding("CG401", "error", path, f"'{path}' is outside the scope of plan {plan.plan}", back)


def _within(path: str, patterns: tuple[str, ...]) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


class Merging(msgspec.Struct, frozen=True):
    """A merge that is about to be committed."""

    branch: str | None
    sources: tuple[Oid, ...]
    writer: str
    by_hand: bool = False
    """Its content is not what merging gives by itself: somebody settled conflicts, or changed more."""


def judge_merge(merging: Merging, snapshot: Snapshot, verdicts: Verdicts | None = None) -> list[Finding]:
    """Who may merge what into integration; `verdicts` on this snapshot, for whoever asks about many merges. What a
    plan's branch takes in is `owners.judge_intake`'s to judge."""
    if merging.branch != snapshot.policy.integration:
        return []
    into = snapshot.policy.integration
    if merging.writer != CONDUCTOR:
        text = f"only the conductor merges into '{into}', and this worktree's writer is '{merging.writer}'"
        hint = "git merge --abort    # your claims are on the board; the conductor lands what is proven"
        return [Finding("CG501", "error", into, text, hint)]
    verdicts = verdicts or Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    claims = verdicts.claims
    landings = Landings(claims, verdicts, ever=False)
    # What the upstream's integration has is followed, and judged where it stands.
    sources = [source for source in merging.sources if source not in claims.landed]
    landed = [landings.said[source].target for source in sources if landings.complete(source)]
    found = [finding for source in sources if (finding := _uncovered(source, claims, landings))]
    found += [_by_hand(target, into) for target in landed if merging.by_hand]
    allowed = snapshot.policy.landing.waves
    found += [early for target in landed if (early := judge_wave(target, allowed=allowed))]
    return found + [finding for target in landed for finding in verdicts.blocked(target)]


def _by_hand(target: Target, into: str) -> Finding:
    text = (
        f"plan {target.plan} and '{into}' do not merge by themselves, and what was made by hand is not what was proven"
    )
    detail = (
        f"its agent runs 'git merge {into}' on the plan's branch, settles it there and claims plan {target.plan} again"
    )
    return Finding("CG505", "error", target.plan, text, "git merge --abort", detail)


def _uncovered(source: Oid, claims: Claims, landings: Landings) -> Finding | None:
    """The finding for a merge that brings plans' work which no complete claim covers."""
    plans = landings.uncovered(source, claims.graph.ancestors([source], stop=claims.landed))
    # A branch that was made by hand has no start commit, and is its plan's all the same.
    here = claims.plan_of(source)
    plans = plans or ([here] if here is not None and not landings.complete(source) else [])
    if not plans:
        return None
    what = f"plan {', '.join(plans)}" if any(plans) else "a claim of no plan"
    text = f"{source[:7]} brings {what}, and no proven claim covers it"
    hint = f"git merge --abort    # then: conductor-git log-status {' '.join(plans)}".rstrip()
    return Finding("CG503", "error", plans[0] or source, text, hint)
