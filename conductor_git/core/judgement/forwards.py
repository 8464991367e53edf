"""Steps of integration that a plan's branch had before: they come by fast-forward, and by no landing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid


def find_forwarded(steps: Iterable[Oid], before: Snapshot, stood: Container[Oid]) -> Iterator[Finding]:
    """Of steps that are about to come, those that are plans' commits and that nobody accepted. `before` has the
    branches where they stand now, and `stood` is what integration has.

    It can be told at the door only: afterwards both branches have the commit.
    """
    history, graph, into = before.history, before.history.graph, before.policy.integration
    held = graph.ancestors([oid for tip in history.branches.values() for oid in tip.oids], stop=stood)
    settled = accepted(before.ledger.decisions)
    for step in steps:
        if step in settled or not (step in held or history.speaks(step)):
            continue
        branch = next((name for name, tip in history.branches.items() if graph.is_ancestor(step, tip.oid)), "")
        whose = f"a commit of '{branch}'" if branch else "a plan's commit"
        text = f"{step[:7]} is {whose}: it would come into '{into}' by fast-forward, not by a landing"
        hint = f"conductor-git merge {branch or 'PLAN'}    # in the conductor's worktree, once the plan is proven"
        yield Finding("CG502", "error", step, text, hint)
