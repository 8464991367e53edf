"""Squashes: commits of one parent whose content is what merging claimed commits gives, as a forge makes them.

To every rule such a commit is the merge that it stands for: its claims are parents of it. So what a landing is, what
has landed, and which needs are met is asked the same way, whichever button was pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.landings import claim_of, requests
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.history import History
from conductor_git.core.judgement.landing import Landings
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.wavelandings import allows_waves, judge_wave
from conductor_git.core.messages import message
from conductor_git.core.targets import Oid, Target


class Bundle(msgspec.Struct, frozen=True):
    """Claims that may have come in together."""

    claims: tuple[Oid, ...]
    targets: tuple[Target, ...]


class Suspect(msgspec.Struct, frozen=True):
    """A step of integration that may be the squash of a bundle: the content passed for what the bundle claims."""

    step: Oid
    parent: Oid
    bundle: Bundle
    product: Oid


_DAY = 86_400

Weigh = Callable[[Iterable[Oid]], Mapping[Oid, Oid]]
"""Gives product trees by commit, of commits that were read."""


def suspects(snapshot: Snapshot, weigh: Weigh) -> list[Suspect]:
    """Which steps may be squashes of what was claimed and has not landed; a few, and none where nobody squashes."""
    history = snapshot.history
    if history.integration is None:
        return []
    bundles = list(_bundles(snapshot))
    recent = _recent_steps(history, bundles)
    above = [(bundle, _steps_beside(history, bundle, recent)) for bundle in bundles] if recent else []
    if not any(steps for _, steps in above):
        return []
    passed = _passed(snapshot, {target for bundle in bundles for target in bundle.targets})
    products = weigh({step for _, steps in above for step in steps})
    likely = [
        (step, bundle)
        for bundle, steps in above
        for step in steps
        if all((target, products.get(step)) in passed for target in bundle.targets)
    ]
    before = weigh({history.graph.parents(step)[0] for step, _ in likely})
    return [
        Suspect(step, parent, bundle, products[step])
        for step, bundle in likely
        for parent in history.graph.parents(step)
        # What changes nothing lands nothing.
        if before.get(parent) != products[step]
    ]


def as_merges(snapshot: Snapshot, found: Mapping[Oid, Bundle], told: History) -> Snapshot:
    """The snapshot where each of these steps has the claims as further parents, if those are complete and its content
    is proven for them. `told` has what the rules ask of landings beside.

    An incomplete claim brings nothing, nor does that of a wave which may not land before its plan: else any agent could
    make an alarm of a commit on integration.
    """
    kept = dict(found)
    while kept:
        grafted = _grafted(snapshot, kept, told)
        claims = Claims(grafted.history, grafted.plans)
        verdicts = Verdicts(grafted, claims)
        landings = Landings(claims, verdicts, ever=True)
        good = {step: each for step, each in kept.items() if _is_proven(step, each, grafted, landings)}
        if len(good) == len(kept):
            return grafted
        kept = good
    return snapshot


def _is_proven(step: Oid, bundle: Bundle, snapshot: Snapshot, landings: Landings) -> bool:
    history, verdicts = snapshot.history, landings.verdicts
    product, declared = history.product(step), history.declared.get(step, {})
    allowed = allows_waves(snapshot, step)
    return (
        product is not None
        and not any(judge_wave(target, allowed=allowed) for target in bundle.targets)
        and all(landings.complete(claim, declared) for claim in bundle.claims)
        and all(verdicts.court.ever_proved(target, product, verdicts.rules(target), step) for target in bundle.targets)
    )


def _grafted(snapshot: Snapshot, found: Mapping[Oid, Bundle], told: History) -> Snapshot:
    nodes = dict(snapshot.history.nodes)
    for step, bundle in found.items():
        parents, tree, time = nodes[step]
        nodes[step] = ((*parents, *bundle.claims), tree, time)
    squashes = {step: bundle.claims for step, bundle in found.items()}
    history = msgspec.structs.replace(told, graph=Graph(nodes), squashes=squashes)
    return msgspec.structs.replace(snapshot, history=history)


def _bundles(snapshot: Snapshot) -> Iterator[Bundle]:
    """What somebody was asked to merge together, then each claim for itself; whole plans and later claims first."""
    history = snapshot.history
    landed = history.graph.below([history.integration.oid] if history.integration else [])
    for listed in requests(snapshot.ledger.decisions):
        claims = tuple(claim for event in listed if (claim := claim_of(event)))
        targets = tuple(target for event in listed if (target := event.target))
        if len(targets) == len(claims) and all(oid in history.notes and oid not in landed for oid in claims):
            yield Bundle(claims, targets)
    said = [
        (oid, target)
        for oid, note in history.notes.items()
        if oid not in landed and (target := _target(note.line, note.trailers))
    ]
    generation = history.graph.generation
    for oid, target in sorted(said, key=lambda each: (each[1].wave is not None, -generation(each[0]), each[0])):
        yield Bundle((oid,), (target,))


def _target(line: str, pairs: tuple[tuple[str, str], ...]) -> Target | None:
    """What a claim names itself."""
    claim, trailers = message.parse(line), message.read_trailers(pairs)
    if not isinstance(claim, message.Claim) or not isinstance(trailers, message.Trailers):
        return None
    plan = claim.plan or trailers.plan
    return Target(plan, claim.wave) if plan else None


def _recent_steps(history: History, bundles: Iterable[Bundle]) -> list[Oid]:
    """Integration's own steps of one parent, none of which says something itself, that are not older than all claims.

    Nobody squashed a claim before it was made; between machines a clock may be a day behind.
    """
    graph, tip, nodes = history.graph, history.integration, history.nodes
    oldest = min((history.time(claim) for bundle in bundles for claim in bundle.claims), default=None)
    if tip is None or oldest is None:
        return []
    steps = graph.first_parents(tip.oid, stop=graph.below([history.since] if history.since else []))
    found = [step for step in steps if nodes[step][2] >= oldest - _DAY]
    return [step for step in found if len(graph.parents(step)) == 1 and not history.speaks(step)]


def _steps_beside(history: History, bundle: Bundle, recent: Iterable[Oid]) -> list[Oid]:
    """Those steps that these claims do not contain, and that are not older."""
    contained = history.graph.below(bundle.claims)
    made = min(history.time(claim) for claim in bundle.claims)
    return [step for step in recent if history.time(step) >= made - _DAY and step not in contained]


def _passed(snapshot: Snapshot, targets: set[Target]) -> set[tuple[Target, Oid | None]]:
    doubted = (doubt.event for doubt in snapshot.ledger.doubted if doubt.event.kind == "attestation")
    read = (*(proof for _, proof in snapshot.ledger.proofs), *map(attestation.read, doubted))
    return {(proof.target, proof.tree) for proof in read if proof is not None and proof.target in targets}
