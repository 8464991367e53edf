"""What was claimed and does not merge into integration: how that is said, and who settles it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.lines import one_line
from conductor_git.core.reporting.steps import UNMERGEABLE, next_steps
from conductor_git.core.targets import Oid, Target

_SHOWN_PATHS = 5

Touched = Mapping[str, tuple[Oid, str]]
"""By path: the step of integration that changed it last, and what it was."""


class Clash(msgspec.Struct, frozen=True):
    """Where a claim conflicts with integration, and who changed that there."""

    paths: tuple[str, ...]
    touched: Touched = {}


def to_land(board: Board) -> dict[str, Oid]:
    """By plan the claim that lands next: of plans that are complete, and on integration not yet."""
    return {
        status.plan: status.claim.commit
        for status in board.plans
        if status.state == "complete" and status.claim.commit is not None
    }


def with_clashes(board: Board, clashes: Mapping[str, Clash]) -> Board:
    """The board that says which of these plans do not merge now, and whose turn it therefore is."""
    plans = []
    for status in board.plans:
        clash = clashes.get(status.plan)
        if clash is not None:
            finding = unmergeable(f"plan {status.plan}", Target(status.plan), board, clash)
            status = msgspec.structs.replace(status, findings=(finding, *status.findings))
        plans.append(status)
    board = msgspec.structs.replace(board, plans=tuple(plans))
    return msgspec.structs.replace(board, next=next_steps(board))


def unmergeable(what: str, target: Target, board: Board, clash: Clash, branch: str = "") -> Finding:
    """The finding for what does not merge; `branch` names what is no plan's."""
    shown = []
    for path in clash.paths[:_SHOWN_PATHS]:
        step = clash.touched.get(path)
        shown.append(f"'{one_line(path)}'" + (f" ({step[1]} changed it, {step[0][:7]})" if step else ""))
    more = len(clash.paths) - _SHOWN_PATHS
    where = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    text = f"{what} does not merge into '{board.integration}': {where}"
    return Finding(UNMERGEABLE, "error", str(target), text, way_back(target, board, branch))


def way_back(target: Target, board: Board, branch: str = "") -> str:
    """What its owner does: take integration in where the work is, and say again that it is done."""
    status = board.plan(target.plan)
    import shlex

    merge = f"git merge {shlex.quote(board.integration)}"
    if status is None:
        return f"git switch {shlex.quote(branch)} && {merge}"
    return (
        f"{merge} && conductor-git claim {target}    # {status.agent}, on '{status.branch}', once it is settled there"
    )
