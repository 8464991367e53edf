"""A second reader, from docs/FORMAT.md and with none of the product's code: plain git, no cache, small histories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

Target = tuple[str, int | None]
Proven = Callable[[Target, str], bool]
"""Whether a proof that counts here is known for a target and a product tree."""

_CLAIM = re.compile(r"✅ (?:Wave (0|[1-9][0-9]*) Complete|PLAN (0|[1-9][0-9]*) COMPLETE)(?: - \S.*)?")
_START = re.compile(r"▶ PLAN (\S+) START - \S+")
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40})")


class Plan(NamedTuple):
    """What a plan file says, as far as this reader asks."""

    branch: str
    waves: tuple[int, ...]
    needs: tuple[Target, ...] = ()


class Commit(NamedTuple):
    """One commit as git prints it."""

    parents: tuple[str, ...]
    tree: str
    trailers: tuple[tuple[str, str], ...]
    body: str

    @property
    def line(self) -> str:
        return self.body.partition("\n")[0]


class Reading:
    """One clone, read at one moment. `products` are product trees by tree, known from earlier moments."""

    def __init__(
        self, root: Path, git: Callable[..., str], plans: Mapping[str, Plan], proven: Proven, products: dict[str, str]
    ) -> None:
        self.plans = plans
        self.git = partial(git, root)
        self._products = products
        self.commits = dict(self._log())
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname)").split("\n")
        refs = {line.split(" ")[0]: line.split(" ")[1] for line in listed}
        trunk, above = refs["refs/heads/main"], refs.get("refs/remotes/origin/main")
        self.landed = self.below(trunk)
        if above is not None and trunk in self.below(above):
            trunk, self.landed = above, self.below(above)
        self.spine = list(self.first_parents(trunk))
        self.tips = {name: refs[f"refs/heads/{plan.branch}"] for name, plan in plans.items()}
        self._evidence = proven
        self._proven: dict[Target, list[str]] = {}

    def _log(self) -> Iterator[tuple[str, Commit]]:
        trailers = "%(trailers:only,unfold,separator=%x1e,key_value_separator=%x1d)"
        form = f"--format=%H%x1f%P%x1f%T%x1f{trailers}%x1f%B%x1c"
        for entry in self.git("log", "--branches", "--remotes", form).split("\x1c"):
            if entry.strip():
                oid, parents, tree, said, body = entry.lstrip("\n").split("\x1f")
                pairs = tuple(tuple(pair.split("\x1d", 1)) for pair in said.split("\x1e") if "\x1d" in pair)
                yield oid, Commit(tuple(parents.split()), tree, pairs, body)  # type: ignore[arg-type]

    def below(self, *tips: str) -> set[str]:
        """These commits and all their ancestors."""
        found, todo = set[str](), list(tips)
        while todo:
            oid = todo.pop()
            if oid not in found:
                found.add(oid)
                todo += self.commits[oid].parents
        return found

    def first_parents(self, oid: str | None) -> Iterator[str]:
        while oid is not None:
            yield oid
            oid = next(iter(self.commits[oid].parents), None)

    def product(self, oid: str) -> str:
        """The tree without '.conductor', made by git itself."""
        tree = self.commits[oid].tree
        if tree not in self._products:
            kept = [line for line in self.git("ls-tree", tree).split("\n") if not line.endswith("\t.conductor")]
            self._products[tree] = self.git("mktree", stdin="".join(f"{line}\n" for line in kept))
        return self._products[tree]

    # Section 2.3: whose a claim is.

    def stands(self, oid: str) -> str | None:
        for each in self.first_parents(oid):
            start = _START.fullmatch(self.commits[each].line)
            if start:
                return start[1]
            if each in self.spine:
                break
        return self.alone(oid)

    def alone(self, oid: str) -> str | None:
        """The one plan whose branch has it among its first parents, down to what has landed."""
        holds = [
            name
            for name, tip in self.tips.items()
            if oid not in self.landed and oid in list(self._own_first_parents(tip))
        ]
        return holds[0] if len(holds) == 1 else None

    def _own_first_parents(self, tip: str) -> Iterator[str]:
        for each in self.first_parents(tip):
            if each in self.landed:
                return
            yield each

    def in_scope(self, plan: str, oid: str) -> bool:
        return oid in self.landed or (plan in self.tips and oid in self.below(self.tips[plan]))

    @cached_property
    def counting(self) -> set[str]:
        return self.landed.union(*(self.below(tip) for tip in self.tips.values()))

    @cached_property
    def claims(self) -> dict[str, Target | None]:
        """Each commit that says a claim and counts; None where the claim is inert."""
        said = {oid: _CLAIM.fullmatch(self.commits[oid].line) for oid in self.counting}
        return {oid: self._target(oid, match) for oid, match in said.items() if match}

    def _target(self, oid: str, match: re.Match[str]) -> Target | None:
        every = [(key.lower(), value) for key, value in self.commits[oid].trailers]
        ours = [pair for pair in every if pair[0].startswith("conductor-")]
        trailers = dict(ours)
        wave = None if match[1] is None else int(match[1])
        names = [name for name in (match[2], trailers.get("conductor-plan"), self.stands(oid)) if name is not None]
        alone = self.alone(oid)
        if len(ours) != len(trailers) or len(set(names)) != 1 or not self.in_scope(names[0], oid):
            return None
        if alone is not None and alone != names[0] and not self.in_scope(names[0], oid):
            return None
        if trailers.get("conductor-wave") not in (None, str(wave)):
            return None
        return names[0], wave

    # Section 2.4: what is taken back.

    @cached_property
    def taken_back(self) -> dict[Target, list[str]]:
        found: dict[Target, list[str]] = {}
        for oid in self.counting:
            match = _REVERTS.search(self.commits[oid].body)
            if match is None:
                continue
            landed = match[1] in self.spine and oid in self.landed
            whose = self.stands(oid)
            for target in self._named(oid, match[1], whose):
                if (landed or whose in (None, target[0])) and self.in_scope(target[0], oid):
                    found.setdefault(target, []).append(oid)
        return found

    def _named(self, oid: str, reverted: str, whose: str | None) -> set[Target]:
        parents = self.commits[reverted].parents if reverted in self.commits else ()
        named = {target for each in (reverted, *parents[1:]) if (target := self.claims.get(each))}
        if len(parents) > 1:
            brought = self.below(*parents[1:]) - self.below(parents[0])
            named |= {target for each in brought if (target := self.claims.get(each)) and target[1] is None}
        quoted = _CLAIM.fullmatch(self.commits[oid].line.removeprefix('Revert "').removesuffix('"'))
        plan = quoted and (quoted[2] or whose)
        if quoted and plan:
            named.add((plan, None if quoted[1] is None else int(quoted[1])))
        return named

    def stands_yet(self, oid: str, target: Target) -> bool:
        return oid not in self.below(*self.taken_back.get(target, ()))

    # Sections 7 and 8: what is complete.

    def needs(self, target: Target) -> list[Target]:
        plan, wave = self.plans[target[0]], target[1]
        before = [number for number in plan.waves if wave is None or number < wave]
        own = [(target[0], number) for number in (before if wave is None else before[-1:])]
        return [*plan.needs, *own]

    def holds(self, oid: str, target: Target) -> bool:
        """Whether a claim has its proof, and what it needs is complete and in its history."""
        return self._evidence(target, self.product(oid)) and all(
            any(done in self.below(oid) for done in self.proven(need)) for need in self.needs(target)
        )

    def proven(self, target: Target) -> list[str]:
        """The claims of a target that are complete."""
        if target not in self._proven:
            said = [oid for oid, of in self.claims.items() if of == target and self.stands_yet(oid, target)]
            self._proven[target] = [oid for oid in said if self.holds(oid, target)]
        return self._proven[target]
