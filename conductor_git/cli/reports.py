"""Commands that only look: where things stand, and what a code means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import click

from conductor_git.cli.frame import Command, finish, here, in_color, is_terminal, json_option, now, say, show, width
from conductor_git.commands.outcome import Outcome

PAUSE = 2.0
"""Seconds between two looks of --watch."""

_CLEAR = "\x1b[H\x1b[2J"


@click.command(
    cls=Command,
    short_help="Show where every plan stands, and what is next (log-status).",
    examples=("status", "status 2 3", "log-status --json", "status --watch"),
)
@click.argument("plans", metavar="[PLAN]...", nargs=-1)
@click.option("--watch", "watching", is_flag=True, help=f"Look again every {PAUSE:g} s, until Ctrl-C.")
@click.option("--check", is_flag=True, help="Exit with 1 when there is an alarm or an error.")
@click.option("--format", "form", type=click.Choice(["text", "md", "json"]), default="text", help="How to print it.")
@json_option
def status(
    plans: tuple[str, ...], watching: bool, check: bool, form: Literal["text", "md", "json"], as_json: bool
) -> int:
    """Show where every plan stands and what is next.

    Also called log-status.
    """
    from conductor_git.commands import status as journey

    repo = here()
    form = "json" if as_json else form

    def look() -> Outcome:
        return journey.status(
            repo, plans, now=now(), format=form, check=check, color=form == "text" and in_color(), width=width()
        )

    return _watch(look, as_json=form == "json") if watching else finish(look(), as_json=form == "json")


def _watch(look: Callable[[], Outcome], *, as_json: bool) -> int:
    """Show it anew: on a terminal in place with ages that grow, elsewhere only when something changed."""
    from time import sleep

    shown: object = None
    while True:
        outcome = look()
        if is_terminal():
            print(_CLEAR, end="")
            finish(outcome, as_json=as_json)
        elif outcome.data != shown:
            finish(outcome, as_json=as_json)
            shown = outcome.data
        print(end="", flush=True)
        sleep(PAUSE)


@click.command(cls=Command, examples=("demo", "demo ./mathlib-demo"))
@click.argument("folder", metavar="[DIR]", required=False)
@json_option
def demo(folder: str | None, as_json: bool) -> int:
    """Watch a team of agents at work in a throw-away repository.

    Every command is typed for real, and the demo fails when one is answered otherwise than it should be.
    """
    from conductor_git.commands.demo import demo as journey

    outcome = journey(folder, say=say if as_json else show, color=in_color(), width=width())
    return finish(outcome, as_json=as_json)


@click.command(cls=Command, examples=("explain CG201", "explain"))
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> int:
    """Tell what a code like CG201 means; without one, list all."""
    from conductor_git.commands.explain import explain as journey

    return finish(journey(code), as_json=as_json)
