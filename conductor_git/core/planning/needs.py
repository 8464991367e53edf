"""What must be complete before what, over all plans and waves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.planning.plans import plan_order
from conductor_git.core.targets import Target

_STARTS = 64
"""How many targets of one knot are tried for the shortest circle through them."""

Needs = Mapping[Target, Iterable[Target]]


class NeedGraph:
    """Needs between the targets that are declared; a need of something that no plan declares is left out."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        self.plans = {plan.plan: plan for plan in plans}
        known = {target for plan in self.plans.values() for target in plan.targets()}
        self.needs: dict[Target, tuple[Target, ...]] = {}
        for plan in self.plans.values():
            for target, needs in declared_needs(plan):
                self.needs[target] = tuple(need for need in needs if need in known)

    def circles(self) -> list[tuple[Target, ...]]:
        """For each knot of targets that need each other the shortest circle, from its lowest target back to it."""
        return sorted((self._shortest(knot) for knot in self._knots()), key=lambda circle: target_order(circle[0]))

    def _shortest(self, knot: set[Target]) -> tuple[Target, ...]:
        starts = sorted(knot, key=target_order)[:_STARTS]
        found = min((self._circle(start, knot) for start in starts), key=len)
        lowest = found.index(min(found, key=target_order))
        turned = found[lowest:] + found[:lowest]
        return (*turned, turned[0])

    def _circle(self, start: Target, knot: set[Target]) -> list[Target]:
        came_from: dict[Target, Target] = {}
        queue = deque([start])
        while queue:
            target = queue.popleft()
            for need in self.needs[target]:
                if need == start:
                    path = [target]
                    while path[-1] != start:
                        path.append(came_from[path[-1]])
                    return path[::-1]
                if need in knot and need not in came_from:
                    came_from[need] = target
                    queue.append(need)
        raise AssertionError("a knot without a circle")

    def _knots(self) -> Iterator[set[Target]]:
        """The sets of targets that all need each other."""
        # What remains when everything is taken away that can be reached from neither end is on or between circles.
        left = _without(self.needs, layers(self.needs))
        left = _without(left, layers(_reversed(left)))
        while left:
            target = next(iter(left))
            knot = (reach(left, target) & reach(_reversed(left), target)) | {target}
            if target in reach(left, target):
                yield knot
            left = _without(left, [knot])


class Order:
    """Which plan can only begin after another; for needs without circles."""

    def __init__(self, graph: NeedGraph) -> None:
        # Sets of targets as bits of one number: a thousand plans have too many pairs for anything else.
        bits = {target: 1 << place for place, target in enumerate(graph.needs)}
        before: dict[Target, int] = {}
        for layer in layers(graph.needs):
            for target in layer:
                before[target] = 0
                for need in graph.needs[target]:
                    before[target] |= before[need] | bits[need]
        self._waves: dict[str, int] = {}
        self._before: dict[str, int] = {}
        for plan in graph.plans.values():
            waves = [Target(plan.plan, wave.number) for wave in plan.waves]
            self._waves[plan.plan] = sum(bits[wave] for wave in waves)
            common = before[waves[0]]
            for wave in waves[1:]:
                common &= before[wave]
            self._before[plan.plan] = common

    def is_after(self, later: str, earlier: str) -> bool:
        """Whether no wave of plan `later` can be claimed before all waves of plan `earlier` are."""
        return self._waves[earlier] & ~self._before[later] == 0


def declared_needs(plan: Plan) -> Iterator[tuple[Target, tuple[Target, ...]]]:
    """Each target of a plan with what it needs, declared anywhere or not.

    A plan's own needs gate its first claim, so every wave that no other wave of the plan comes before has them.
    """
    for position, wave in enumerate(plan.waves):
        yield Target(plan.plan, wave.number), _needs_of(plan, wave, position)
    yield Target(plan.plan), (*(Target(plan.plan, wave.number) for wave in plan.waves), *plan.needs)


def layers(needs: Needs) -> list[list[Target]]:
    """Targets in layers, each as early as it can be: its needs are all in layers before. Circles are left out."""
    missing = {target: set(needed) for target, needed in needs.items()}
    needed_by = _reversed(missing)
    layer = [target for target, needed in missing.items() if not needed]
    found = []
    while layer:
        found.append(layer)
        following = []
        for done in layer:
            for target in needed_by[done]:
                missing[target].discard(done)
                if not missing[target]:
                    following.append(target)
        layer = following
    return found


def reach(needs: Needs, target: Target) -> set[Target]:
    """Everything that must be complete before `target`; the target itself only where it needs itself."""
    seen: set[Target] = set()
    queue = list(needs[target])
    while queue:
        need = queue.pop()
        if need not in seen:
            seen.add(need)
            queue.extend(needs[need])
    return seen


def target_order(target: Target) -> tuple[tuple[int, int, str], int]:
    """Sort key of targets: by plan, a plan after its waves."""
    return plan_order(target.plan), 10**9 if target.wave is None else target.wave


def _needs_of(plan: Plan, wave: Wave, position: int) -> tuple[Target, ...]:
    first = position == 0 or wave.after_none
    return (*plan.needs_of(wave), *(plan.needs if first else ()))


def _reversed(needs: Needs) -> dict[Target, list[Target]]:
    found: dict[Target, list[Target]] = {target: [] for target in needs}
    for target, needed in needs.items():
        for need in needed:
            found[need].append(target)
    return found


def _without(needs: Needs, groups: Iterable[Iterable[Target]]) -> dict[Target, list[Target]]:
    gone = {target for group in groups for target in group}
    return {
        target: [need for need in needed if need not in gone] for target, needed in needs.items() if target not in gone
    }
