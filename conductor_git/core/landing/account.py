"""What became of a queue, for people: one line an entry, and for what did not land whose turn it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from conductor_git.core.findings import Finding
from conductor_git.core.landing.entry import Entry, Fate
from conductor_git.core.landing.landtext import title_of
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.conflicts import Clash, Touched, unmergeable, way_back
from conductor_git.core.reporting.lines import WIDE, Line, Span, columns, one_line, plain
from conductor_git.core.targets import INTEGRATION


def named(entries: Sequence[Entry]) -> str:
    """Entries in one line: `plan 2, wave 3.1`."""
    return ", ".join(title_of(entry) for entry in entries)


def fate_line(fate: Fate, integration: str) -> str:
    """What became of one entry."""
    what = title_of(fate.entry)
    match fate.how:
        case "landed":
            if fate.commit is None:
                return f"{what}: on '{integration}' already"
            again = "; it passed the second time only" if fate.flaky else ""
            return f"{what}: landed as {fate.commit[:7]}{again}"
        case "conflict":
            return f"{what}: does not merge" if fate.paths else f"{what}: would change '.conductor/'"
        case "red":
            return f"{what}: red on '{integration}'"
        case "together":
            return f"{what}: red together with {', '.join(fate.partners)}, green alone"
        case "waits":
            return f"{what}: waits for {', '.join(fate.partners)}"
        case "withdrawn":
            return f"{what}: changed while it was queued"
        case "moved":
            return f"{what}: '{integration}' kept moving"
        case "requested":
            return f"{what}: pushed as '{fate.why}', for a pull request"
        case "unjudged":
            return f"{what}: could not be judged"


def table(fates: Iterable[Fate], integration: str, *, width: int = WIDE) -> str:
    """The summary: name, what became of it, and what it is called."""
    rows: list[tuple[Span, ...]] = []
    for fate in fates:
        how = fate_line(fate, integration).partition(": ")[2]
        rows.append(((f"  {title_of(fate.entry)}", ""), (how, ""), (one_line(fate.entry.title), "")))
    lines: list[Line] = columns(rows, width)
    return plain(lines)


def findings_of(fate: Fate, board: Board, touched: Touched) -> list[Finding]:
    """Why an entry did not land, and the command for whoever it is up to; nothing where it did."""
    if fate.landed or fate.how == "requested":
        return []
    what, subject = title_of(fate.entry), str(fate.entry.target) if _is_plans(fate) else fate.entry.name
    again = f"conductor-git merge {shlex.quote(fate.entry.name)}"
    match fate.how:
        case "conflict":
            return [_conflict(fate, board, touched)]
        case "red":
            text = f"{what} is red on '{board.integration}': {fate.why}"
            return [Finding("CG512", "error", subject, text, _mend(fate, board), _log(fate))]
        case "together":
            text = f"{what} and {_others(fate, board)} are green alone and red together: {fate.why}"
            return [Finding("CG513", "error", subject, text, _mend(fate, board), _log(fate))]
        case "waits":
            text = f"{what} needs {', '.join(fate.partners)}, which did not land"
            return [Finding("CG514", "error", subject, text, f"{again} {' '.join(fate.partners)}")]
        case "withdrawn":
            return [Finding("CG515", "error", subject, f"{what} changed while it was queued: {fate.why}", again)]
        case "moved":
            text = f"'{board.integration}' was moved each time {what} was about to land"
            return [Finding("CG516", "error", subject, text, again)]
        case _:
            return [Finding("CG517", "error", subject, f"{what} could not be judged: {fate.why}", again)]


def _conflict(fate: Fate, board: Board, touched: Touched) -> Finding:
    what, name = title_of(fate.entry), board.integration
    if not fate.paths:
        subject = str(fate.entry.target)
        text = f"{what} would change '.conductor/', which only the conductor changes, on the control branch"
        return Finding("CG507", "error", subject, text, f"git diff --stat {name}...{fate.entry.source[:12]} .conductor")
    return unmergeable(what, fate.entry.target, board, Clash(fate.paths, touched), fate.entry.name)


def _mend(fate: Fate, board: Board) -> str:
    return way_back(fate.entry.target, board, fate.entry.name)


def _others(fate: Fate, board: Board) -> str:
    """Its partners in words, as `title_of` has them."""
    words = []
    for name in fate.partners:
        plan, _, wave = name.partition(".")
        known = board.plan(plan) is not None
        words.append(f"{'wave' if wave else 'plan'} {name}" if known else f"branch '{name}'")
    return ", ".join(words)


def _log(fate: Fate) -> str:
    return f"log: {fate.log}" if fate.log else ""


def _is_plans(fate: Fate) -> bool:
    return fate.entry.target != INTEGRATION
