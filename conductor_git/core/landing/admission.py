"""Who may stand in the queue: claims that are complete, and branches that bring no plan's work."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from conductor_git.core.findings import Finding, refused
from conductor_git.core.judgement.boundaries import Merging, judge_merge
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdict, Verdicts
from conductor_git.core.landing.entry import Entry
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import INTEGRATION, Oid, Target


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants to land: a plan, a wave, or with `tip` a branch that is no plan's."""

    name: str
    target: Target
    tip: Oid | None = None


class Admission(msgspec.Struct, frozen=True):
    """What was found of wishes."""

    entries: tuple[Entry, ...] = ()
    refused: tuple[tuple[str, tuple[Finding, ...]], ...] = ()
    """Name, and why it does not land now."""
    landed: tuple[str, ...] = ()
    """Names of what integration has already."""


def admit(snapshot: Snapshot, wishes: Iterable[Wish]) -> Admission:
    """Ask the judge about each wish, by the rules and the ledger of now."""
    door = _Door(snapshot)
    wishes = tuple(wishes)
    found = [(wish, door.ask(wish)) for wish in wishes]
    entries = [answer for _, answer in found if isinstance(answer, Entry)]
    named = {entry.target: entry.name for entry in entries}
    return Admission(
        tuple(msgspec.structs.replace(entry, needs=door.needs(entry, named)) for entry in entries),
        tuple((wish.name, answer) for wish, answer in found if isinstance(answer, tuple)),
        tuple(wish.name for wish, answer in found if answer is None),
    )


class _Door:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.claims = Claims(snapshot.history, snapshot.plans)
        self.verdicts = Verdicts(snapshot, self.claims)

    def ask(self, wish: Wish) -> Entry | tuple[Finding, ...] | None:
        """The entry, or why there is none; None for what has landed."""
        source = wish.tip
        if source is None:
            verdict = self.verdicts.of(wish.target)
            if not verdict.complete or verdict.lands is None:
                return _unproven(wish, verdict)
            source = verdict.lands
        if source in self.claims.landed:
            return None
        merging = Merging(self.snapshot.policy.integration, (source,), CONDUCTOR)
        findings = judge_merge(merging, self.snapshot, self.verdicts)
        if refused(findings):
            return tuple(_for_the_queue(finding) for finding in findings)
        plan = self.snapshot.plan(wish.target.plan)
        wave = plan.wave(wish.target.wave) if plan and wish.target.wave is not None else None
        title = wave.title if wave else plan.title if plan else ""
        return Entry(wish.name, source, wish.target, title)

    def needs(self, entry: Entry, named: dict[Target, str]) -> tuple[str, ...]:
        """The entries without which this one does not land: what it needs, and waves of its own plan."""
        if entry.target == INTEGRATION:
            return ()
        own = entry.target.plan
        return tuple(
            name
            for target, name in named.items()
            if name != entry.name
            and target != INTEGRATION
            and (target.plan != own or target.wave is not None)
            and self._is_below(target, entry)
        )

    def _is_below(self, target: Target, entry: Entry) -> bool:
        """Whether the entry's commit has that claim in its history: merging it brings the claim along."""
        commit = self.verdicts.of(target).commit
        return commit is not None and self.claims.graph.is_ancestor(commit, entry.source)


def _unproven(wish: Wish, verdict: Verdict) -> tuple[Finding, ...]:
    wrong = tuple(finding for finding in verdict.findings if finding.refuses)
    state = "claimed, and not proven" if verdict.said == "claimed" else "not claimed"
    what = "plan" if wish.target.wave is None else "wave"
    text = f"{what} {wish.target} is {state}: only what is complete lands"
    hint = f"conductor-git log-status {wish.target.plan}"
    return wrong or (Finding("CG503", "error", str(wish.target), text, hint),)


def _for_the_queue(finding: Finding) -> Finding:
    """The finding of a merge that somebody makes by hand, without the way back from that."""
    prefix = "git merge --abort"
    if not finding.hint.startswith(prefix):
        return finding
    return msgspec.structs.replace(finding, hint=finding.hint.removeprefix(prefix).removeprefix("    # then: "))
