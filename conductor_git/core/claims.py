"""Which claims history holds, and whose they are (docs/FORMAT.md, "Attribution")."""

from __future__ import annotations

import msgspec

from conductor_git.core import message
from conductor_git.core.findings import Finding
from conductor_git.core.history import Graph, History, Note
from conductor_git.core.holders import Holders
from conductor_git.core.plan import Plan
from conductor_git.core.targets import Oid, Target


class Said(msgspec.Struct, frozen=True):
    """One claim commit whose plan is known."""

    commit: Oid
    target: Target
    note: str
    product: Oid
    trailers: message.Trailers
    findings: tuple[Finding, ...] = ()
    """What makes it inert whatever its evidence."""


class Claims:
    """Every claim that counts in one history, by target, ancestors first, and what is wrong with the rest."""

    def __init__(self, history: History, plans: tuple[Plan, ...]) -> None:
        self.graph = Graph(history.nodes)
        self.history = history
        self.by_target: dict[Target, list[Said]] = {}
        self.findings: list[Finding] = []
        self.starts: dict[Oid, str] = {}
        self._starts_of: dict[str, list[Oid]] = {}
        self.revoked: dict[Oid, Oid] = {}
        """Claim commit -> the revert that names it."""
        tip = history.integration
        self.landed: set[Oid] = self.graph.ancestors([tip.oid]) if tip else set()
        tips = {plan.plan: found.oid for plan in plans if (found := history.branches.get(plan.branch))}
        self.holders = Holders(self.graph, tips, self.landed)
        self._spine = frozenset(self.graph.first_parents(tip.oid)) if tip else frozenset()
        self._start_below: dict[Oid, str | None] = {}
        self._read()

    def all_said(self) -> list[Said]:
        """Every claim that counts, in no particular order."""
        return [said for listed in self.by_target.values() for said in listed]

    def in_scope(self, plan: str, commit: Oid) -> bool:
        """Whether a commit is in the history of a plan's branch or of integration."""
        return commit in self.landed or self.holders.hold(plan, commit)

    def plan_of(self, commit: Oid) -> str | None:
        """Whose a commit is by where it stands: the start commit below it, else the branch that alone holds it."""
        return self._started(commit) or self.holders.alone(commit)

    def start_of(self, plan: str) -> Oid | None:
        """The delegation event that the plan's start commit names: the oldest one that counts; None where none does."""
        starts = [oid for oid in self._starts_of.get(plan, ()) if self.in_scope(plan, oid)]
        if not starts:
            return None
        trailers = message.read_trailers(self.history.notes[min(starts, key=self.graph.generation)].trailers)
        named = None if isinstance(trailers, message.Malformed) else trailers.delegation
        return None if named is None else Oid(named)

    def _started(self, commit: Oid) -> str | None:
        """The plan of the nearest start commit at or below on the first-parent chain, above integration's own."""
        known, walked = self._start_below, []
        found: str | None = None
        for oid in self.graph.first_parents(commit):
            if oid in known:
                found = known[oid]
                break
            walked.append(oid)
            if oid in self.starts:
                found = self.starts[oid]
                break
            if oid in self._spine and oid != commit:
                break
        for oid in walked:
            known[oid] = found
        return found

    def _read(self) -> None:
        notes = {oid: note for oid, note in self.history.notes.items() if oid != self.history.since}
        for oid, note in notes.items():
            start = message.parse_start(note.line)
            if start is not None:
                self.starts[oid] = start.plan
                self._starts_of.setdefault(start.plan, []).append(oid)
        for oid, note in notes.items():
            if note.reverts is not None:
                self.revoked[note.reverts] = oid
            spoken = message.parse(note.line)
            if isinstance(spoken, message.Claim):
                self._hear(oid, note, spoken)
            elif isinstance(spoken, message.Malformed) and self._counts_somewhere(oid):
                self._malformed(oid, note, spoken)
        for listed in self.by_target.values():
            listed.sort(key=lambda said: (self.graph.generation(said.commit), said.commit))

    def _counts_somewhere(self, oid: Oid) -> bool:
        return oid in self.landed or self.holders.any_holds(oid)

    def _malformed(self, oid: Oid, note: Note, spoken: message.Malformed) -> None:
        plan = self.plan_of(oid)
        text = f"'{note.line[:60]}' in {oid[:7]} is not a claim: {', '.join(spoken.reasons)}"
        hint = message.commit_command(spoken.suggestion) if spoken.suggestion else ""
        self.findings.append(Finding("CG102", "warning", plan or oid, text, hint))

    def _hear(self, oid: Oid, note: Note, spoken: message.Claim) -> None:
        if not self._counts_somewhere(oid):
            return
        trailers = message.read_trailers(note.trailers)
        faults: list[Finding] = []
        if isinstance(trailers, message.Malformed):
            text = f"the trailers of claim {oid[:7]} are wrong: {', '.join(trailers.reasons)}"
            faults.append(Finding("CG104", "error", oid, text))
            trailers = message.Trailers()
        stands = self.plan_of(oid)
        plan = spoken.plan or trailers.plan or stands
        if plan is None:
            self.findings.append(Finding("CG105", "warning", oid, f"claim {oid[:7]} '{note.line[:60]}' is of no plan"))
            return
        others = {named for named in (spoken.plan, trailers.plan, stands) if named not in (None, plan)}
        if others:
            text = f"claim {oid[:7]} names plan {plan} and stands on plan {', '.join(sorted(map(str, others)))}"
            faults.append(Finding("CG103", "error", oid, text))
        if trailers.wave is not None and trailers.wave != spoken.wave:
            text = f"claim {oid[:7]} says wave {spoken.wave} and its trailer wave {trailers.wave}"
            faults.append(Finding("CG104", "error", oid, text))
        if not self.in_scope(plan, oid):
            return
        product = self.history.product(oid)
        if product is not None:
            target = Target(plan, spoken.wave)
            said = Said(oid, target, spoken.note, product, trailers, tuple(faults))
            self.by_target.setdefault(target, []).append(said)
