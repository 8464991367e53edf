"""Which claims history holds, and whose they are (docs/FORMAT.md, "Attribution")."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

import msgspec

from conductor_git.core.findings import Finding, newest_of
from conductor_git.core.judgement.history import History, Note
from conductor_git.core.judgement.holders import Holders
from conductor_git.core.messages import message
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid, Target


class Said(msgspec.Struct, frozen=True):
    """One claim commit whose plan is known."""

    commit: Oid
    target: Target
    note: str
    product: Oid
    trailers: message.Trailers


class Claims:
    """Every claim that counts in one history, by target, ancestors first, and what is wrong with the rest."""

    def __init__(self, history: History, plans: tuple[Plan, ...]) -> None:
        self.history = history
        self.graph = history.graph
        self.starts: dict[Oid, str] = {}
        self._parts: dict[Oid, message.PartStart] = {}
        """The first commits of executors' branches."""
        self.by_target: dict[Target, list[Said]] = {}
        self.plans_said: dict[Oid, str] = {}
        """Claim commit -> plan, also of claims that are inert."""
        self.nameless: set[Oid] = set()
        """Claims that are of no plan."""
        self.taken_back: dict[Target, list[Oid]] = {}
        """The reverts that take back every claim of a target below them."""
        self.landings_taken_back: dict[str, Oid] = {}
        """Plan -> the newest revert, in integration, of a merge that landed it."""
        tip = history.integration
        self.landed = self.graph.below([tip.oid] if tip else [])
        self._tips = {plan.plan: found for plan in plans if (found := history.branches.get(plan.branch))}
        self.holders = Holders(self.graph, {plan: found.oid for plan, found in self._tips.items()}, self.landed)
        self._spine = frozenset(self.graph.first_parents(tip.oid)) if tip else frozenset()
        self._starts_of: dict[str, list[Oid]] = {}
        self.faults: list[tuple[Oid, Finding]] = []
        """Every commit of which something is wrong with what it says."""
        self._remarks: dict[tuple[str, str], list[Finding]] = {}
        self._read()

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with claims: of each plan and each kind of fault the newest, and how many there are."""
        return [newest_of(listed) for listed in self._remarks.values()]

    def all_said(self) -> list[Said]:
        """Every claim that counts, in no particular order."""
        return [said for listed in self.by_target.values() for said in listed]

    def in_scope(self, plan: str, commit: Oid) -> bool:
        """Whether a commit is in the history of a plan's branch or of integration."""
        return commit in self.landed or self.holders.hold(plan, commit)

    def plan_of(self, commit: Oid) -> str | None:
        """Whose a commit is by where it stands: the start commit below it, else the branch that alone holds it."""
        return self.started(commit) or self.holders.alone(commit)

    def start_of(self, plan: str) -> Oid | None:
        """The delegation event that the plan's start commit names: the oldest one that counts; None where none does."""
        starts = [oid for oid in self._starts_of.get(plan, ()) if self.in_scope(plan, oid)]
        if not starts:
            return None
        trailers = message.read_trailers(self.history.notes[min(starts, key=self.graph.generation)].trailers)
        named = None if isinstance(trailers, message.Malformed) else trailers.delegation
        return None if named is None else Oid(named)

    def started(self, commit: Oid) -> str | None:
        """The plan of the nearest start commit at or below on the first-parent chain, down to integration's own."""
        spine = self._spine_places
        for line, place in self.graph.first_parent_places(commit):
            start = self._next_start(line, place)
            own = spine.get(line)
            if start is not None and (own is None or start[0] <= max(own, place)):
                return start[1]
            if own is not None:
                return None
        return None

    def start_below(self, line: int, place: int) -> int:
        """The place of the nearest start commit on a line of the graph, at a place or below; -1 where there is none."""
        start = self._next_start(line, place)
        return -1 if start is None else start[0]

    def _next_start(self, line: int, place: int) -> tuple[int, str] | None:
        found = self._start_places.get(line, [])
        at = bisect_left(found, (place, ""))
        return found[at] if at < len(found) else None

    @cached_property
    def _start_places(self) -> dict[int, list[tuple[int, str]]]:
        """By line of the graph, where start commits are on it, and whose."""
        found: dict[int, list[tuple[int, str]]] = {}
        for oid, plan in self.starts.items():
            if (where := self.graph.place(oid)) is not None:
                found.setdefault(where[0], []).append((where[1], plan))
        return {line: sorted(listed) for line, listed in found.items()}

    @cached_property
    def _spine_places(self) -> dict[int, int]:
        """By line of the graph, from where on it is integration's own chain."""
        tip = self.history.integration
        return dict(self.graph.first_parent_places(tip.oid)) if tip else {}

    def executor_of(self, commit: Oid) -> message.PartStart | None:
        """Whose part of a wave a commit is: that of the executor's start nearest below it on its first-parent chain.

        Of nobody's where that start is on the first-parent chain of the plan's own branch, or of what landed: the plan
        was forwarded onto it, and what is above is the plan's.
        """
        if not self._parts:
            return None
        for oid in self.graph.first_parents(commit):
            if oid in self._parts:
                return None if oid in self._taken_over else self._parts[oid]
            if oid in self.starts or oid in self._spine:
                break
        return None

    @cached_property
    def _taken_over(self) -> frozenset[Oid]:
        """The starts of executors that are on plans' own first-parent chains."""
        tips = [oid for tip in self._tips.values() for oid in (tip.oid, *(other for _, other in tip.others))]
        tips += [parent for step in self._spine for parent in self.graph.parents(step)[1:]]
        # A tip that was not read is a copy of nobody's interest.
        known = [tip for tip in dict.fromkeys(tips) if tip in self.graph.nodes]
        return frozenset(oid for tip in known for oid in self._own_chain(tip) if oid in self._parts)

    def is_part_start(self, commit: Oid) -> bool:
        """Whether an executor's branch begins with it."""
        return commit in self._parts

    def _own_chain(self, tip: Oid) -> Iterator[Oid]:
        """A first-parent chain down to the plan's start."""
        for oid in self.graph.first_parents(tip):
            yield oid
            if oid in self.starts or oid in self._spine:
                return

    def _read(self) -> None:
        # Oldest first, whatever order they were read in: a board must not depend on what a cache held.
        spoken = [(oid, note) for oid, note in self.history.notes.items() if oid != self.history.since]
        spoken.sort(key=lambda item: (self.graph.generation(item[0]), item[0]))
        for oid, note in spoken:
            start = message.parse_start(note.line)
            if start is not None:
                self.starts[oid] = start.plan
                self._starts_of.setdefault(start.plan, []).append(oid)
            elif (part := message.parse_part_start(note.line)) is not None:
                self._parts[oid] = part
        counting = [(oid, note) for oid, note in spoken if oid in self.landed or self.holders.any_holds(oid)]
        said: dict[Oid, Target] = {}
        for oid, note in counting:
            parsed = message.parse(note.line)
            if isinstance(parsed, message.Malformed):
                self._malformed(oid, note, parsed)
            elif isinstance(parsed, message.Claim) and (heard := self._hear(oid, note, parsed)):
                self.by_target.setdefault(heard.target, []).append(heard)
                said[oid] = heard.target
        for oid, note in counting:
            if note.reverts is not None:
                self._take_back(oid, note, note.reverts, said)

    def _malformed(self, oid: Oid, note: Note, parsed: message.Malformed) -> None:
        text = f"'{note.line[:60]}' in {oid[:7]} is not a claim: {', '.join(parsed.reasons)}"
        plan = self.plan_of(oid)
        self._remark("CG102", plan, oid, text, message.claim_command(parsed.suggestion, plan))

    def _hear(self, oid: Oid, note: Note, claim: message.Claim) -> Said | None:
        """The claim of a commit; None where it is inert."""
        stands, trailers = self.plan_of(oid), message.read_trailers(note.trailers)
        named = None if isinstance(trailers, message.Malformed) else trailers.plan
        plan = claim.plan or named or stands
        if plan is None:
            self.nameless.add(oid)
        else:
            self.plans_said[oid] = plan
        code, why = self._fault(oid, note, claim, trailers, stands)
        if code:
            self._remark(code, stands or plan, oid, f"claim {oid[:7]} {why}")
        product = self.history.product(oid)
        if code or isinstance(trailers, message.Malformed) or plan is None or product is None:
            return None
        return Said(oid, Target(plan, claim.wave), claim.note, product, trailers) if self.in_scope(plan, oid) else None

    def _fault(
        self,
        oid: Oid,
        note: Note,
        claim: message.Claim,
        trailers: message.Trailers | message.Malformed,
        stands: str | None,
    ) -> tuple[str, str]:
        """What makes a claim inert, as a code and words that follow its name; both empty where nothing does."""
        if isinstance(trailers, message.Malformed):
            return "CG104", f"has wrong trailers: {', '.join(trailers.reasons)}"
        names = [name for name in (claim.plan, trailers.plan, stands) if name is not None]
        if not names:
            return "CG105", f"'{note.line[:60]}' is of no plan"
        here = self.holders.alone(oid)
        others = set(names[1:]) - {names[0]}
        if here is not None and not self.in_scope(names[0], oid):
            others.add(here)
        if others:
            return "CG103", f"names plan {names[0]} and stands on plan {', '.join(sorted(others))}"
        part = self.executor_of(oid)
        if part is not None:
            return "CG107", f"stands where '{part.name}' carries out {part.target}, and an executor claims nothing"
        if trailers.wave not in (None, claim.wave):
            return "CG104", f"says wave {claim.wave} and its trailer wave {trailers.wave}"
        return "", ""

    def _remark(self, code: str, plan: str | None, oid: Oid, text: str, hint: str = "") -> None:
        finding = Finding(code, "warning", plan or oid, text, hint)
        self.faults.append((oid, finding))
        self._remarks.setdefault((code, plan or ""), []).append(finding)

    def _take_back(self, oid: Oid, note: Note, reverted: Oid, said: dict[Oid, Target]) -> None:
        """Note what a revert takes back: the claim that it names or quotes; of a merge, the claims that were merged,
        and the claims of plans among all that it brought."""
        whose = self.plan_of(oid)
        targets: set[Target] = set()
        # What is on no branch any more only a cache still has, and a board must not depend on that.
        if reverted in self.landed or self.holders.any_holds(reverted):
            named = (reverted, *self.graph.parents(reverted)[1:])
            targets = {said[each] for each in named if each in said} | self._brought(reverted, said)
        # After a rebase it names a commit that is gone; what it quotes is there still.
        quoted = message.parse(note.line.removeprefix('Revert "').removesuffix('"'))
        if isinstance(quoted, message.Claim) and (plan := quoted.plan or whose):
            targets.add(Target(plan, quoted.wave))
        landed = reverted in self._spine and oid in self.landed
        for target in targets:
            if (landed or whose in (None, target.plan)) and self.in_scope(target.plan, oid):
                self.taken_back.setdefault(target, []).append(oid)
                if landed:
                    self.landings_taken_back[target.plan] = oid

    def _brought(self, merge: Oid, said: dict[Oid, Target]) -> set[Target]:
        """The plans whose claims a merge brought."""
        parents = self.graph.parents(merge)
        if len(parents) < 2:
            return set()
        brought = self.graph.below(parents[1:], stop=self.graph.below(parents[:1]))
        return {target for oid, target in said.items() if target.wave is None and oid in brought}
