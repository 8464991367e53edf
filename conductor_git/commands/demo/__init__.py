"""`demo`: a team at work in a throw-away repository, through real commands and real commits."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Iterator
from time import monotonic

from conductor_git.commands.demo.play import ENDS, PLAY, Turn
from conductor_git.commands.demo.stage import Played, Stage, typed
from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.reporting.lines import WIDE, Line, plain

_INDENT = "    "


def demo(folder: str | None = None, *, say: Callable[[str], None], color: bool = False, width: int = WIDE) -> Outcome:
    """Play every scene in `folder` (default: a new temporary one), and say what was typed and what was answered.

    Exit code 1 when a step answers otherwise than it should. Raises CannotRun for a folder that is not empty.
    """
    began = monotonic()
    stage = Stage(_empty(folder), color=color, width=width - len(_INDENT))
    brush = _painter(color)
    turns = 0
    for scene in PLAY:
        say(brush([(), ((f"== {scene.title}", "head"),), ((scene.why, "dim"),)]))
        for turn in scene.turns:
            say(brush([((f"{turn.who}$ ", "busy"), (turn.types, "head"))]))
            played = stage.play(turn)
            turns += 1
            for line in (*_shown(played.answer, turn.lines), *map(brush, _verdict(turn, played))):
                say(line)
            if played.wrong:
                return Outcome(
                    REFUSED, f"\nthe demo stopped: {played.wrong}\nlook around: cd {shlex.quote(stage.repo)}"
                )
    states = stage.states()
    if states != ENDS:
        return Outcome(REFUSED, f"\nthe demo ended with {states}, and should have with {ENDS}")
    end = f"\n{turns} commands in {monotonic() - began:.0f} s, each answered as it should be.\n"
    return Outcome(DONE, f"{end}look around: cd {shlex.quote(stage.repo)} && {typed()} log-status", states)


def _empty(folder: str | None) -> str:
    if folder is None:
        return tempfile.mkdtemp(prefix="conductor-git-demo-")
    path = os.path.abspath(folder)
    try:
        os.makedirs(path, exist_ok=True)
        taken = os.listdir(path)
    except OSError as error:
        raise CannotRun(f"folder '{folder}' cannot be used: {error.strerror}") from error
    if taken:
        raise CannotRun(f"folder '{folder}' is not empty", detail="nothing was changed")
    return path


def _shown(answer: str, most: int) -> list[str]:
    """The first lines of an answer, and how much more there was."""
    lines = [f"{_INDENT}{line}" for line in answer.expandtabs().splitlines()]
    left = len(lines) - most
    if left <= 0:
        return lines
    return [f"{lines[0]} …"] if most == 1 else [*lines[:most], f"{_INDENT}… {left} more line{'s' if left > 1 else ''}"]


def _verdict(turn: Turn, played: Played) -> Iterator[list[Line]]:
    if played.wrong:
        yield [((f"  ✗ {played.wrong}", "bad"),)]
    elif turn.code:
        yield [((f"  ✓ exit code {turn.code}, as it should be", "good"),)]


def _painter(color: bool) -> Callable[[list[Line]], str]:
    if not color:
        return plain
    from conductor_git.core.reporting.report_color import paint

    return paint
