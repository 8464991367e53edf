"""Frozen paths: what a complete wave froze stays as it is in every commit that builds on its claim.

A commit is judged against those of its parents that contain the claim: what it left as one of them has it was not its
doing. What another wave froze may be taken over from there by a merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conductor_git.core.durations import utc
from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.snapshot import Bounds, Freeze, Snapshot, Touch
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.waiving import Waivers
from conductor_git.core.planning.globs import matches, pathspec
from conductor_git.core.targets import Oid, Target

FROZEN = "CG405"


def freezes_in_force(verdicts: Verdicts) -> tuple[Freeze, ...]:
    """What is frozen now: by each complete wave, as its claim has it."""
    found = []
    for plan in verdicts.snapshot.plans:
        for wave in plan.waves:
            target = Target(plan.plan, wave.number)
            verdict = verdicts.of(target) if wave.freezes else None
            if verdict is not None and verdict.complete and verdict.commit is not None:
                since = verdicts.snapshot.history.time(verdict.commit)
                found.append(Freeze(target, wave.freezes, verdict.commit, verdicts.agent(plan.plan), since))
    return tuple(found)


def held_paths(freezes: Iterable[Freeze], paths: Iterable[str]) -> list[tuple[Freeze, str]]:
    """Which of these paths which freeze holds."""
    paths = list(paths)
    return [(freeze, path) for freeze in freezes for path in paths if _holds(freeze, path)]


def descendants(graph: Graph, freezes: Iterable[Freeze], tips: Iterable[Oid], known: Iterable[Oid]) -> list[Oid]:
    """The commits at and below `tips`, but not below `known`, that build on some freezing claim; ancestors first."""
    claims = [freeze.claim for freeze in freezes]
    new = graph.ancestors(tips, stop=graph.below(known))
    built: dict[Oid, bool] = dict.fromkeys(claims, True)
    found = []
    for oid in sorted(new, key=lambda each: (graph.generation(each), each)):
        for parent in graph.parents(oid):
            if parent not in built:
                built[parent] = any(graph.is_ancestor(claim, parent) for claim in claims)
        if any(built[parent] for parent in graph.parents(oid)):
            built[oid] = True
            found.append(oid)
        else:
            built.setdefault(oid, False)
    return found


def judge_frozen(
    touches: Sequence[Touch],
    parents: Sequence[Oid],
    commit: Oid | None,
    snapshot: Snapshot,
    *,
    step: bool = False,
    conductor: bool = False,
) -> list[Finding]:
    """Judge what a commit did to frozen paths; `commit` is None where it is about to be made, by the `conductor` or by
    somebody who cannot waive.

    As a `step` of integration it answers for all that it brings: it is compared with its first parent, once that
    contains the claim.
    """
    bounds, graph = snapshot.bounds, snapshot.history.graph
    waivers = Waivers(snapshot.ledger.decisions, snapshot.made)
    passed = _accepted(snapshot) if step and touches else set()
    found = []
    for touch in touches:
        if (touch.path, touch.blob) in passed:
            continue
        for freeze in bounds.freezes:
            if _holds(freeze, touch.path) and _breaks(touch, freeze, parents, bounds, graph, step=step):
                waiver = waivers.of(freeze.target, (FROZEN,), commit)
                text = f"'{touch.path}' {_frozen(freeze)}"
                if waiver is not None:
                    found.append(Finding(FROZEN, "info", touch.path, f"{text}; {waiver}"))
                else:
                    back = f"git restore --staged -- {pathspec(touch.path)}    # then commit without -a"
                    hint = f"conductor-git waive {FROZEN} {freeze.target} --reason 'WHY'" if conductor else back
                    text = f"{text}: others build on it as it is there"
                    found.append(Finding(FROZEN, "error", touch.path, text, hint))
    return found


def _frozen(freeze: Freeze) -> str:
    who, since = f"{freeze.target} ({freeze.agent})", utc(freeze.since)
    return f"is frozen by {who} since {since}, as claim {freeze.claim[:7]} has it"


def _holds(freeze: Freeze, path: str) -> bool:
    return any(matches(pattern, path) for pattern in freeze.patterns)


def _breaks(touch: Touch, freeze: Freeze, parents: Sequence[Oid], bounds: Bounds, graph: Graph, *, step: bool) -> bool:
    judged_by = [parent for parent in parents if graph.is_ancestor(freeze.claim, parent)]
    if step and parents and parents[0] in judged_by:
        judged_by = [parents[0]]
    if not judged_by or touch.blob == bounds.kept.get((freeze.claim, touch.path)):
        return False
    if any(parent not in touch.differs for parent in judged_by):
        return False
    return len(parents) < 2 or not _is_taken_over(touch, freeze, parents, bounds, graph)


def _is_taken_over(touch: Touch, freeze: Freeze, parents: Sequence[Oid], bounds: Bounds, graph: Graph) -> bool:
    """Whether a merge took it from where another wave froze it, one that this freeze does not build upon."""
    return any(
        touch.blob == bounds.kept.get((other.claim, touch.path))
        and any(graph.is_ancestor(other.claim, parent) for parent in parents)
        and not graph.is_ancestor(other.claim, freeze.claim)
        for other in bounds.freezes
        if other != freeze and _holds(other, touch.path)
    )


def _accepted(snapshot: Snapshot) -> set[tuple[str, str]]:
    """What accepted commits made of frozen paths: that may land."""
    settled: Mapping[Oid, tuple[Touch, ...]] = snapshot.bounds.touched
    return {
        (touch.path, touch.blob) for commit in accepted(snapshot.ledger.decisions) for touch in settled.get(commit, ())
    }
