"""`log-status`: where every plan stands, read from git."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.plan import Plan
from conductor_git.core.reporting.board import Board, View
from conductor_git.core.reporting.lines import WIDE, plain
from conductor_git.core.reporting.overdue import Seen, silent_plans, timely
from conductor_git.core.reporting.report import chosen, report_lines
from conductor_git.store.boards import read_board
from conductor_git.store.plumbing.ahead import asked
from conductor_git.store.plumbing.questions import REFS
from conductor_git.store.plumbing.refs import Refs, read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import last_seen, remote_of

Format = Literal["text", "md", "json"]


def status(
    repo: Repository,
    plans: Sequence[str] = (),
    *,
    now: int,
    format: Format = "text",
    check: bool = False,
    color: bool = False,
    width: int = WIDE,
) -> Outcome:
    """Report on all plans, or on those that are named. With `check`, alarms and errors end in exit code 1.

    Raises CannotRun for a plan that is not there.
    """
    refs = read_refs(repo, asked=asked(REFS))
    whole = _with_view(repo, read_board(repo, now, refs=refs), refs)
    whole = timely(whole, now, _look_at_silent(repo, [silent.branch for silent in silent_plans(whole, now)]))
    _check_names(whole, plans)
    board = chosen(whole, plans)
    code = REFUSED if check and _wrong(board) else DONE
    if format == "json":
        return Outcome(code, data=board)
    if format == "md":
        from conductor_git.core.reporting.report_md import render_md

        return Outcome(code, render_md(board, now), board)
    return Outcome(code, _text(repo, whole, now, width, plans, color=color), board)


def _look_at_silent(repo: Repository, branches: Sequence[str]) -> dict[str, Seen]:
    if not branches:
        return {}
    from conductor_git.store.team.pulse import look_at

    return look_at(repo, branches)


def _with_view(repo: Repository, board: Board, refs: Refs) -> Board:
    remote = remote_of(refs, board.integration)
    return msgspec.structs.replace(board, view=View(remote, last_seen(repo, remote, refs)) if remote else None)


def _check_names(board: Board, plans: Sequence[str]) -> None:
    for name in plans:
        if board.plan(name) is None:
            from conductor_git.core.planning.plans import unknown_plan

            raise unknown_plan(name, [status.plan for status in board.plans])


def _wrong(board: Board) -> bool:
    """Whether anything of what is shown is not as it should be."""
    findings = [*board.findings]
    for shown in board.plans:
        findings += shown.findings
        for wave in (*shown.waves, shown.claim):
            findings += wave.findings
    return any(finding.refuses for finding in findings)


def _text(repo: Repository, board: Board, now: int, width: int, plans: Sequence[str], *, color: bool) -> str:
    lines = report_lines(board, now=now, width=width, me=_me(repo, board), only=plans)
    if not color:
        return plain(lines)
    from conductor_git.core.reporting.report_color import paint

    return paint(lines)


def _me(repo: Repository, board: Board) -> str | None:
    """Who asks; nobody where that cannot be told, for a report never fails on it."""
    from conductor_git.store.notes.writer import whoami

    plans = [Plan(shown.plan, shown.title, "", shown.agent, branch=shown.branch) for shown in board.plans]
    try:
        return whoami(repo, plans).name
    except CannotRun:
        return None
