"""The board as people and agents read it in a terminal: alarms first, the next safe step last."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from conductor_git.core.durations import ago, utc
from conductor_git.core.events.shortids import SHOWN
from conductor_git.core.findings import Finding, Severity
from conductor_git.core.reporting.board import Blocker, Board, Executor, PlanStatus, State, Step, WaveStatus
from conductor_git.core.reporting.executorlines import executor_text, executors_of
from conductor_git.core.reporting.lines import (
    GAP,
    Line,
    Span,
    Style,
    cells,
    columns,
    frozen_line,
    one_line,
    pad,
    plain,
    shorten,
)
from conductor_git.core.reporting.overdue import is_silent
from conductor_git.core.reporting.steps import idle
from conductor_git.core.say import each_hint_once, printable, say_findings
from conductor_git.core.standing import CONDUCTOR, say_level

NARROW = 100
"""Below that many cells the bars are half as long, so that nothing that matters is cut."""

STATE_STYLES: dict[State, Style] = {
    "blocked": "bad",
    "claimed": "claimed",
    "active": "busy",
    "ready": "",
    "waiting": "dim",
    "complete": "good",
    "merged": "good",
    "retired": "dim",
}
"""Every state with how it looks, what needs eyes first."""

_SEVERITY_STYLES: dict[Severity, Style] = {"alarm": "bad", "error": "bad", "warning": "claimed", "info": "dim"}
_FRESH = 300
"""Seconds for which nobody needs to be told how old the view of the remote is."""
_LEAST_TITLE = 8


def render_text(board: Board, *, now: int, width: int, me: str | None = None, only: Collection[str] = ()) -> str:
    """The report without colours. `me` is the writer who asks; plans that are named in `only` are shown in full."""
    return plain(report_lines(board, now=now, width=width, me=me, only=only))


def report_lines(
    board: Board, *, now: int, width: int, me: str | None = None, only: Collection[str] = ()
) -> list[Line]:
    """The report as styled lines of at most `width` cells where words and commands allow it."""
    shown = chosen(board, only)
    blocks = [
        _trouble(shown),
        _head(shown) + _view(shown, now),
        _table(shown, now, width),
        *(_details(status, now, width, every=bool(only)) for status in shown.plans),
        _remarks(shown),
        _waivers(shown, now),
        _frozen(board, only),
        _next(shown, width, me) + _idle(board, now, me),
    ]
    lines: list[Line] = []
    for block in filter(None, blocks):
        lines += [(), *block] if lines else block
    return lines


def chosen(board: Board, only: Collection[str]) -> Board:
    """The board with the plans that are named and what brings them on, or with all where none is.

    Alarms, and a ledger that was never fetched, are everybody's.
    """
    if not only:
        return board
    plans = tuple(status for status in board.plans if status.plan in only)
    steps = tuple(step for step in board.next if not step.target or step.target.partition(".")[0] in only)
    return msgspec.structs.replace(board, plans=plans, next=steps)


def summary(board: Board) -> str:
    """How many plans are in which state, and how many waves are complete."""
    count: dict[str, int] = {}
    for status in board.plans:
        count[status.state] = count.get(status.state, 0) + 1
    states = ", ".join(f"{count[state]} {state}" for state in STATE_STYLES if state in count)
    done, declared = (sum(numbers) for numbers in zip((0, 0), *map(progress, board.plans), strict=True))
    plans = "1 plan" if len(board.plans) == 1 else f"{len(board.plans) or 'no'} plans"
    told = f": {states}; {done} of {declared} waves complete" if board.plans else ""
    return f"{plans} on '{board.integration}'{told}"


def progress(status: PlanStatus) -> tuple[int, int]:
    """How many of a plan's declared waves are complete, and how many there are."""
    declared = [wave for wave in status.waves if wave.state != "retired"]
    return sum(wave.state == "complete" for wave in declared), len(declared)


def target(status: PlanStatus, wave: WaveStatus) -> str:
    """What a claim is about, as commands name it."""
    return status.plan if wave.wave is None else f"{status.plan}.{wave.wave}"


def last_seen(status: PlanStatus, board: Board, now: int) -> str:
    """When a plan last gave a sign of life; `silent` when that is too long ago for work that is going on."""
    if status.last_activity is None:
        return "-"
    seen = ago(now - status.last_activity)
    return f"silent {seen.removesuffix(' ago')}" if is_silent(status, board, now) else seen


def backing(status: PlanStatus, wave: WaveStatus, now: int) -> str:
    """What a claim rests on, or why it is not believed, in one line."""
    parts = []
    if wave.attestations and wave.state != "claimed":
        parts.append(_proven(status, wave, now))
    if wave.awaiting:
        done = ", ".join(proof.platform for proof in wave.attestations)
        parts.append(f"awaits {', '.join(wave.awaiting)}{f'; proven on {done}' if done else ''}")
    parts += [f"{finding.message} [{finding.code}]" for finding in _telling(wave)[:1]]
    return one_line("; ".join(parts))


def _proven(status: PlanStatus, wave: WaveStatus, now: int) -> str:
    newest = max(wave.attestations, key=lambda proof: proof.ended)
    platforms = ", ".join(proof.platform for proof in wave.attestations)
    whose = "" if wave.basis != "self" or newest.writer == status.agent else f" ({newest.writer})"
    return f"{wave.basis}{whose}, tree '{newest.tree[:7]}', {newest.script}, {platforms}, {ago(now - newest.ended)}"


def _telling(wave: WaveStatus) -> list[Finding]:
    """Findings that say more than what is awaited, those that refuse first."""
    telling = [finding for finding in wave.findings if not (finding.severity == "info" and wave.awaiting)]
    return sorted(telling, key=lambda finding: not finding.refuses)


def _trouble(board: Board) -> list[Line]:
    every = [*board.findings, *(finding for status in board.plans for finding in status.findings)]
    return [line for finding in each_hint_once(each for each in every if each.refuses) for line in _said(finding)]


def _remarks(board: Board) -> list[Line]:
    listed = each_hint_once(finding for finding in board.findings if not finding.refuses)
    return [line for finding in listed for line in _said(finding)]


def _waivers(board: Board, now: int) -> list[Line]:
    """What is waived now; what ran out backs claims still, and is said with them."""
    return [
        ((one_line(f"waived: {each.rule} on {each.target} until {utc(each.until)}: {each.reason}"), "claimed"),)
        for each in board.waivers
        if now < each.until
    ]


def _frozen(board: Board, only: Collection[str]) -> list[Line]:
    """What the plans that are shown in full froze."""
    return [((frozen_line(each), "dim"),) for each in board.frozen if each.target.partition(".")[0] in only]


def _said(finding: Finding) -> list[Line]:
    first, *more = say_findings([finding]).split("\n")
    style = _SEVERITY_STYLES[finding.severity]
    return [((first, style),), *(((line, "command" if line.startswith("hint:") else "dim"),) for line in more)]


def _head(board: Board) -> list[Line]:
    control = board.control.removeprefix("refs/heads/")
    rules = "" if control == board.integration else f"; rules come from '{control}'"
    return [((one_line(summary(board)), "head"),), ((one_line(f"{say_level(board.level)}{rules}"), "dim"),)]


def _view(board: Board, now: int) -> list[Line]:
    """How old the view of the remote is, once that is worth a fetch."""
    view = board.view
    if view is None or (view.fetched is not None and now - view.fetched < _FRESH):
        return []
    if any(finding.code == "CG604" for finding in board.findings):
        return []  # that says it, and more
    told = "was not fetched from yet" if view.fetched is None else f"was last fetched from {ago(now - view.fetched)}"
    return [((one_line(f"'{view.remote}' {told}: conductor-git sync"), "dim"),)]


def _table(board: Board, now: int, width: int) -> list[Line]:
    if not board.plans:
        return []
    heads = ("", "plan", "agent", "progress", "wave", "state", "waits for", "last")
    rows: list[list[Span]] = [[(head, "dim") for head in heads]]
    rows += [_row(status, board, now, 10 if width >= NARROW else 5) for status in board.plans]
    return columns(_fitted(rows, width), width)


def _row(status: PlanStatus, board: Board, now: int, bar: int) -> list[Span]:
    seen = last_seen(status, board, now)
    return [
        (one_line(status.plan), "head"),
        (one_line(status.title), "dim" if status.state == "waiting" else ""),
        (one_line(status.agent) or "-", ""),
        (_bar(*progress(status), bar), "bar"),
        _current(status),
        (status.state, STATE_STYLES[status.state]),
        (", ".join(status.waiting_for) or "-", "dim"),
        (seen, "bad" if seen.startswith("silent") else "dim"),
    ]


def _current(status: PlanStatus) -> Span:
    """The lowest incomplete wave, with its state where that says more than the plan's."""
    wave = next((wave for wave in status.waves if wave.wave == status.current), None)
    if wave is None:
        return "-", "dim"
    told = wave.state in ("claimed", "blocked") and wave.state != status.state
    return (f"{wave.wave} {wave.state}", STATE_STYLES[wave.state]) if told else (str(wave.wave), "")


def _bar(done: int, declared: int, length: int) -> str:
    # Only what is whole is full: a bar must not look done one wave before it is.
    full = done * length // declared if declared else 0
    return f"[{'#' * full}{'.' * (length - full)}] {done}/{declared}"


def _fitted(rows: list[list[Span]], width: int) -> list[list[Span]]:
    """Titles give way when the table is too wide, down to a few characters, then altogether; nothing else does."""
    widths = [max(cells(row[at][0]) for row in rows) for at in range(len(rows[0]))]
    room = width - sum(widths) + widths[1] - GAP * (len(widths) - 1)
    if room >= widths[1]:
        return rows
    kept = room if room >= _LEAST_TITLE else 0
    return [[row[0], (shorten(row[1][0], kept) if kept else "", row[1][1]), *row[2:]] for row in rows]


def _details(status: PlanStatus, now: int, width: int, *, every: bool) -> list[Line]:
    """What backs each claim of a plan; of a landed one its own claim only."""
    waves = [*status.waves, status.claim] if every or status.state != "merged" else [status.claim]
    shown = [wave for wave in waves if wave.commit is not None or wave.executors or every]
    lines = columns([_claim(status, wave, now) for wave in shown], width)
    lines += [line for told, executor in executors_of(status) for line in _executor(told, executor, now)]
    lines += [line for blocker in status.blockers for line in _blocker(blocker, now)]
    lines += [((f"  {text}", style),) for text, style in _plan_findings(status)]
    return [_title(status), *lines] if lines else []


def _title(status: PlanStatus) -> Line:
    where = f"  {one_line(status.branch)}" if status.branch else ""
    return ((f"{one_line(status.plan)} {one_line(status.title)}", "head"), (where, "dim"))


def _claim(status: PlanStatus, wave: WaveStatus, now: int) -> list[Span]:
    said = backing(status, wave, now) or (one_line(wave.title) if wave.wave is not None else "the plan's own claim")
    return [
        (f"  {one_line(target(status, wave))}", ""),
        (wave.state, STATE_STYLES[wave.state]),
        (wave.commit[:7] if wave.commit else "", "dim"),
        (said, "dim" if wave.state != "claimed" else ""),
    ]


def _executor(told: str, executor: Executor, now: int) -> Iterator[Line]:
    text = f"executor of {told}: {executor_text(executor, now)}"
    yield ("  ", ""), (one_line(text), "busy" if executor.ahead else "dim")


def _blocker(blocker: Blocker, now: int) -> Iterator[Line]:
    grade = f" {blocker.level}" if blocker.level else ""
    name = f" {blocker.id[:SHOWN]}" if blocker.id else ""
    told = f"{blocker.message} ({blocker.writer}, {ago(now - blocker.since)})"
    yield ("  ", ""), (one_line(f"blocker{name} on {blocker.target}{grade}: {told}"), "bad")
    if blocker.context:
        yield ("    ", ""), (one_line(blocker.context), "dim")
    for answer in blocker.guidance:
        yield ("    ", ""), (one_line(f"guidance: {answer.message} ({ago(now - answer.since)})"), "busy")


def _plan_findings(status: PlanStatus) -> Iterator[Span]:
    for finding in (finding for finding in status.findings if not finding.refuses):
        yield one_line(f"{finding.message} [{finding.code}]"), _SEVERITY_STYLES[finding.severity]


def _next(board: Board, width: int, me: str | None) -> list[Line]:
    alarms = {finding.message for finding in board.findings if finding.severity == "alarm"}
    steps = [step for step in board.next if step.step not in alarms]
    if alarms:
        steps.insert(0, Step(CONDUCTOR, "settle the alarm above, before anything is merged"))
    steps.sort(key=lambda step: step.who != me)
    lines = _steps(steps, width, me)
    return [(("next", "dim"),), *lines] if lines else []


def _idle(board: Board, now: int, me: str | None) -> list[Line]:
    """That the one who asks has nothing to do, on any plan."""
    idling = idle(board, me, now) if me is not None and any(status.agent == me for status in board.plans) else ""
    return [((printable(idling), "head"),)] if idling else []


def _steps(steps: list[Step], width: int, me: str | None) -> list[Line]:
    """Who, what and the command in three columns; a command that does not fit stands below."""
    names = max((cells(one_line(step.who)) for step in steps), default=0) + 2 * GAP
    told = max((cells(one_line(step.step)) for step in steps if _fits(step, names, width)), default=0)
    lines: list[Line] = []
    for step in steps:
        who, text, command = one_line(step.who), one_line(step.step), printable(step.command)
        start: Line = ((pad(f"  {who}", names), "head" if step.who == me else ""), (text, ""))
        if command and _fits(step, names, width):
            room = width - names - cells(text) - cells(command)
            lines.append((*start, (" " * min(told - cells(text) + GAP, room), ""), (command, "command")))
        else:
            lines += [start, ((" " * names, ""), (command, "command"))] if command else [start]
    return lines


def _fits(step: Step, names: int, width: int) -> bool:
    return names + cells(one_line(step.step)) + GAP + cells(printable(step.command)) <= width
