"""Wave executors on the board: who carries out what, and how far the plan's branch has taken it in."""

from __future__ import annotations

from conductor_git.core.events.delegation import Part, read_part
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.executors import read_executor
from conductor_git.core.reporting.board import Executor
from conductor_git.core.targets import Oid, Target


class Executors:
    """The executors of every wave, by what the ledger says and by which branches there are."""

    def __init__(self, snapshot: Snapshot, claims: Claims) -> None:
        self._claims = claims
        self._snapshot = snapshot
        self._parts: dict[Target, dict[str, Part]] = {}
        for event in snapshot.ledger.decisions:
            part = read_part(event)
            if part is not None:
                self._parts.setdefault(part.target, {})[part.branch] = part
        self._branches: dict[Target, dict[str, str]] = {}
        for branch in snapshot.history.executors:
            found = read_executor(branch, snapshot.plans)
            if found is not None:
                self._branches.setdefault(found.target, {})[branch] = found.name

    def of(self, target: Target, *, complete: bool) -> tuple[Executor, ...]:
        """Those of one wave; of a complete one, only those whose branch is still there."""
        branches = self._branches.get(target, {})
        said = {branch: part.agent for branch, part in self._parts.get(target, {}).items() if not complete}
        return tuple(self._executor(target, branch, name) for branch, name in sorted({**said, **branches}.items()))

    def _executor(self, target: Target, branch: str, name: str) -> Executor:
        part = self._parts.get(target, {}).get(branch)
        tip = self._snapshot.history.executors.get(branch)
        seen = [part.since] if part else []
        seen += [self._snapshot.history.time(tip.oid)] if tip else []
        return Executor(
            name,
            branch,
            part.workspace if part else "",
            part.tasks if part else (),
            tip.oid if tip else None,
            len(self.own_commits(target.plan, tip.oid)) if tip else 0,
            max(seen, default=None),
            part.brief if part else "",
            part.charge if part else "",
        )

    def own_commits(self, plan: str, tip: Oid) -> list[Oid]:
        """The commits below an executor's tip, merges and starts left out, that neither plan nor integration has."""
        graph, declared = self._claims.graph, self._snapshot.plan(plan)
        led = self._snapshot.history.branches.get(declared.branch) if declared else None
        trunk = self._snapshot.history.integration
        taken = graph.below([found.oid for found in (led, trunk) if found])
        commits = graph.ancestors([tip], stop=taken)
        return [oid for oid in commits if len(graph.parents(oid)) < 2 and not self._claims.is_part_start(oid)]
