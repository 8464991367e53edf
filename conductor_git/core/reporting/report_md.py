"""The board as Markdown, for issues, pull requests and job summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_git.core.durations import utc
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.board import Board, PlanStatus, Step
from conductor_git.core.reporting.lines import one_line
from conductor_git.core.reporting.report import backing, last_seen, progress, summary, target

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|~@!])")
_HEADS = ("plan", "agent", "progress", "wave", "state", "waits for", "last")


def render_md(board: Board, now: int) -> str:
    """The report as GitHub-flavoured Markdown; everything that came from the repository is escaped."""
    findings = [*board.findings, *(finding for status in board.plans for finding in status.findings)]
    parts = [
        f"**{escape(summary(board))}**",
        _bullets(_finding(finding) for finding in findings if finding.refuses),
        _table(_HEADS, (_row(status, board, now) for status in board.plans)),
        _table(("claim", "state", "commit", "what backs it"), _claims(board, now)),
        _bullets(_finding(finding) for finding in findings if not finding.refuses),
        _bullets(
            f"waived: {code(each.rule)} on {each.target} until {utc(each.until)}: {escape(each.reason)}"
            for each in board.waivers
            if now < each.until
        ),
        _bullets(map(_step, board.next)),
    ]
    return "\n\n".join(filter(None, parts))


def escape(text: str) -> str:
    """Text from a repository as Markdown shows it unchanged, in one line, also inside a table."""
    return _SPECIAL.sub(r"\\\1", one_line(text)).replace("&", "&amp;").replace("<", "&lt;")


def code(text: str) -> str:
    """Text as a code span, fenced by more backticks than it has in a row."""
    shown = one_line(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}" if len(fence) > 1 else f"`{shown}`"


def _row(status: PlanStatus, board: Board, now: int) -> tuple[str, ...]:
    done, declared = progress(status)
    return (
        escape(f"{status.plan} {status.title}"),
        escape(status.agent) or "-",
        f"{done}/{declared}",
        "-" if status.current is None else str(status.current),
        status.state if status.state != "blocked" else "**blocked**",
        escape(", ".join(status.waiting_for)) or "-",
        last_seen(status, board, now),
    )


def _claims(board: Board, now: int) -> list[tuple[str, ...]]:
    return [
        (escape(target(status, wave)), wave.state, code(wave.commit[:7]), escape(backing(status, wave, now)))
        for status in board.plans
        for wave in (*status.waves, status.claim)
        if wave.commit is not None
    ]


def _finding(finding: Finding) -> str:
    hint = f" {code(finding.hint)}" if finding.hint else ""
    return f"**{finding.severity}** {escape(finding.message)} {code(finding.code)}{hint}"


def _step(step: Step) -> str:
    command = f": {code(step.command)}" if step.command else ""
    return f"next, {escape(step.who)}: {escape(step.step)}{command}"


def _bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body]) if body else ""
