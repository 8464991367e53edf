"""Branches that are about to move: what arrives on them, and what they would lose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

import msgspec

from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.boundaries import Merging, judge_merge
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.forwards import find_forwarded
from conductor_git.core.judgement.freezes import FROZEN
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.history import History
from conductor_git.core.judgement.integration import judge_steps
from conductor_git.core.judgement.judge import Ruling, Saying, judge_saying
from conductor_git.core.judgement.owners import judge_as_made, judge_owned, standing_commits
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.judgement.wavelandings import EARLY
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid

_AT_THE_DOOR = frozenset({FROZEN, EARLY, "CG503", "CG505", "CG506", "CG507"})
"""What a step may be refused for. Its validation (CG504) comes after it, and fast-forwards (CG502) are told here."""


_CONDUCTORS_TOO = frozenset({"CG405", "CG406"})
"""Of a plan's bounds, what holds for the conductor's own commits on its branch."""


class Move(msgspec.Struct, frozen=True):
    """One ref (full name) and where it goes; None is where there is no ref."""

    ref: str
    old: Oid | None
    new: Oid | None


class Arrival(msgspec.Struct, frozen=True):
    """A guarded branch (short name) that is about to point to another commit, and who moves it."""

    branch: str
    old: Oid | None
    new: Oid
    writer: str
    platform: str
    """The one platform that can be proven here."""
    speaker: str = ""
    """As a saying's."""
    followed: tuple[Oid, ...] = ()
    """What the branch's upstream is known to have: what comes from there was judged there."""


def parse_moves(text: str) -> tuple[Move, ...]:
    """The lines that git gives to a reference-transaction hook, `<old> <new> <ref>`. Lines that are none say nothing.

    An old value that its caller did not name is not told from a ref that is not there: both are None.
    """
    words = (line.split(" ") for line in text.splitlines())
    return tuple(Move(line[2], _oid(line[0]), _oid(line[1])) for line in words if len(line) == 3)


def _oid(word: str) -> Oid | None:
    return Oid(word) if word.strip("0") else None


def judge_arrival(arrival: Arrival, before: Snapshot, after: Snapshot) -> list[Finding]:
    """Judge what a branch is about to get. `before` is what stands now, with the new commits read; `after` has the
    branch where it will be, under the same rules."""
    if arrival.branch == before.policy.integration:
        return _integration(arrival, before, after)
    said = [
        finding
        for _, saying in _new_claims(arrival, before, after)
        for finding in judge_saying(saying, after).findings
        if finding.refuses
    ]
    return said or list(_new_strays(arrival, before, after))


def led_by_plan(snapshot: Snapshot, branch: str) -> Snapshot:
    """The snapshot where an executor's branch is looked at like its plan's own: so is what arrives there."""
    tip = snapshot.history.executors.get(branch)
    if tip is None:
        return snapshot
    history = msgspec.structs.replace(snapshot.history, branches={**snapshot.history.branches, branch: tip})
    return msgspec.structs.replace(snapshot, history=history)


def _new_strays(arrival: Arrival, before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """What the new commits of a plan's branch did outside its bounds, by the changes that `after` has. The conductor is
    asked what he merges there and about what is frozen, and as at pre-commit not about scopes."""
    claims, settled = Claims(after.history, after.plans), accepted(after.ledger.decisions)
    known = _known(arrival, before)
    stood = before.history.graph.ancestors([arrival.old]) if arrival.old else set()
    for owned in standing_commits(after, claims):
        if owned.commit in known or owned.commit in settled:
            continue
        parents = claims.graph.parents(owned.commit)
        if stood.issuperset(parents[1:]):
            # A merge that a rewrite carries brings nothing that the branch did not have.
            owned = msgspec.structs.replace(owned, took=())
        paths, conductor = after.changes.get(owned.commit, ()), arrival.writer == CONDUCTOR
        if owned.commit == arrival.new and parents == (arrival.old,):
            found = judge_as_made(owned, paths, after, conductor=conductor)
        else:
            found = judge_owned(owned, paths, after)
        yield from (each for each in found if each.refuses and (not conductor or each.code in _CONDUCTORS_TOO))


def _known(arrival: Arrival, before: Snapshot) -> AbstractSet[Oid]:
    """What stood on some judged branch, or is followed: it was judged where it came from."""
    history = before.history
    tips = [*history.branches.values(), *([history.integration] if history.integration else [])]
    return history.graph.ancestors([*(oid for tip in tips for oid in tip.oids), *arrival.followed])


def parse_pushes(text: str) -> tuple[Move, ...]:
    """The lines that git gives to a pre-push hook, `<local ref> <new> <remote ref> <old>`."""
    words = (line.split(" ") for line in text.splitlines())
    return tuple(Move(line[2], _oid(line[3]), _oid(line[1])) for line in words if len(line) == 4)


def judge_outgoing(arrival: Arrival, snapshot: Snapshot) -> list[Finding]:
    """Judge the claims that a remote's branch is about to get. One of what is complete by another claim is no harm."""
    history = msgspec.structs.replace(snapshot.history, branches={}, integration=None)
    nothing = msgspec.structs.replace(snapshot, history=history)
    verdicts = Verdicts(snapshot, Claims(snapshot.history, snapshot.plans))
    found = []
    for commit, saying in _new_claims(arrival, nothing, snapshot):
        ruling = judge_saying(saying, snapshot)
        if ruling.target is None or not verdicts.of(ruling.target).complete:
            found += [_of_commit(finding, commit, ruling) for finding in ruling.findings if finding.refuses]
    return found


def _of_commit(finding: Finding, commit: Oid, ruling: Ruling) -> Finding:
    """What was found of a claim that stands: another commit would not mend it."""
    if not finding.code.startswith("CG2") or ruling.target is None:
        return finding
    hint = f"conductor-git validate {ruling.target} --commit {commit[:12]}"
    return msgspec.structs.replace(finding, message=f"claim {commit[:7]}: {finding.message}", hint=hint)


class LedgerMove(msgspec.Struct, frozen=True):
    """What another program than ours does to a ledger of this repository."""

    ref: str
    forward: bool
    """Whether what stood there stays in its history."""
    lost: int
    """Notes that would be gone or have another content."""
    own: bool
    """Whether it is this clone's, to which only our own writer adds."""


def judge_ledger(move: LedgerMove) -> list[Finding]:
    """Judge a ledger's move: nothing that was said may be unsaid, and nobody speaks for this clone."""
    if not move.forward or move.lost:
        what = f"{move.lost} of its notes" if move.lost else "what it recorded"
        return [Finding("CG606", "error", move.ref, f"'{move.ref}' would lose {what}: a ledger is only added to")]
    if move.own:
        text = f"'{move.ref}' is written by conductor-git only: a note from elsewhere would miss its lock and clock"
        return [Finding("CG606", "error", move.ref, text)]
    return []


def _integration(arrival: Arrival, before: Snapshot, after: Snapshot) -> list[Finding]:
    graph = Graph(after.history.nodes)
    followed = graph.ancestors(arrival.followed)
    stood = graph.ancestors([arrival.old]) if arrival.old else set()
    comes = graph.ancestors([arrival.new])
    lost = stood - comes - followed
    if lost and not _is_rewritten(arrival, graph, lost, followed, after.history):
        return [_rewound(arrival, graph, lost, after.history)]
    steps = []
    for oid in graph.first_parents(arrival.new):
        if oid in stood or oid in followed or oid == after.history.since:
            break
        steps.append(oid)
    forwarded = next(find_forwarded(steps, before, stood), None)
    if forwarded is not None:
        return [forwarded]
    claims = Claims(after.history, after.plans)
    merges = [oid for oid in steps if len(graph.parents(oid)) > 1]
    found = [finding for step in merges for finding in _merge(arrival, step, graph, before)]
    spine = judge_steps(after, claims, Verdicts(after, claims), coming=steps)
    codes = _AT_THE_DOOR - {finding.code for finding in found}
    return found + [each for each in spine.findings if each.subject in steps and each.code in codes]


def _is_rewritten(
    arrival: Arrival, graph: Graph, lost: AbstractSet[Oid], followed: AbstractSet[Oid], history: History
) -> bool:
    """Whether what is lost was made again and nobody can miss it: the newest commit amended, or what upstream does not
    have yet put on top of what it has, as `git pull --rebase` does. What a landing brought is there for good."""
    if any(history.speaks(oid) for oid in lost) or arrival.new in followed:
        return False
    if lost == {arrival.old} and graph.parents(arrival.new) == graph.parents(min(lost)):
        return True
    merges = any(len(graph.parents(oid)) > 1 for oid in lost)
    return not merges and any(graph.is_ancestor(tip, arrival.new) for tip in arrival.followed if tip not in lost)


def _merge(arrival: Arrival, step: Oid, graph: Graph, before: Snapshot) -> list[Finding]:
    return judge_merge(Merging(arrival.branch, graph.parents(step)[1:], arrival.writer), before)


def _rewound(arrival: Arrival, graph: Graph, lost: AbstractSet[Oid], history: History) -> Finding:
    text = f"'{arrival.branch}' would lose {len(lost)} commit{'s' if len(lost) > 1 else ''} that others build on"
    steps = [oid for oid in graph.first_parents(arrival.old) if oid in lost] if arrival.old else []
    one = steps[0] if steps else next(iter(lost))
    merge = "-m 1 " if len(history.parents_in_git(one)) > 1 else ""
    hint = f"git revert {merge}{one[:12]}    # takes it back in a commit of its own"
    return Finding("CG508", "error", arrival.branch, text, hint)


def _new_claims(arrival: Arrival, before: Snapshot, after: Snapshot) -> Iterator[tuple[Oid, Saying]]:
    """The claims that come with a move, with their commits, oldest first: not those that stood on some judged branch,
    nor those that a rewrite only carries."""
    history = after.history
    graph = Graph(history.nodes)
    known = _known(arrival, before)
    arrived = [oid for oid in graph.ancestors([arrival.new], stop=known) if history.is_claim(oid)]
    if not arrived:
        return
    dropped = graph.ancestors([arrival.old], stop=graph.ancestors([arrival.new])) if arrival.old else set()
    for oid in sorted(arrived, key=graph.generation):
        product = history.product(oid)
        if product is None or is_carried(oid, dropped, history):
            continue
        note = history.notes[oid]
        parents = (graph.parents(oid),)
        yield oid, Saying(note.line, note.trailers, arrival.branch, parents, product, arrival.platform, arrival.speaker)


def is_carried(oid: Oid, dropped: Iterable[Oid], history: History) -> bool:
    """Whether a rewrite made it of a claim that stood on the branch: the same words on other parents, or the same
    content. With the same parents and other content it is a new claim, however much it looks like an old one."""
    note = history.notes[oid]
    return any(
        history.notes[other] == note
        and (history.nodes[other][0] != history.nodes[oid][0] or history.product(other) == history.product(oid))
        for other in dropped
        if other in history.notes
    )
