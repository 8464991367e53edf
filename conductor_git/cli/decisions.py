"""Commands that put a decision on the record."""

from __future__ import annotations

from math import isfinite
from typing import Any

import click

from conductor_git.cli.frame import Command, Span, finish, here, is_terminal, json_option, max_option, now, say


@click.command(cls=Command, examples=("reopen 2.3 --reason 'explain() loses its context'",))
@click.argument("target", metavar="PLAN[.WAVE]")
@click.option("--reason", metavar="TEXT", required=True, help="Why; stays in the ledger.")
@json_option
def reopen(target: str, reason: str, as_json: bool) -> int:
    """Take a claim back, as conductor or the plan's agent.

    The commit stays; it counts no more, and what needs it waits again.
    """
    from conductor_git.commands.decide import reopen as journey

    return finish(journey(here(), target, reason=reason, now=now(), say=say), as_json=as_json)


@click.command(
    cls=Command,
    examples=(
        "waive CG404 2 --reason 'the test of the old parser goes' --for 2h",
        "waive tests.passed 2.3 --reason 'the flaky suite is split off' --for 7d",
    ),
)
@click.argument("rule", metavar="CODE|METRIC")
@click.argument("target", metavar="PLAN[.WAVE]")
@click.option("--reason", metavar="TEXT", required=True, help="Why; stays in the ledger.")
@click.option("--for", "seconds", metavar="T", type=Span(), default="7d", show_default=True, help="How long it counts.")
@json_option
def waive(rule: str, target: str, reason: str, seconds: float, as_json: bool) -> int:
    """Let a rule pass for a while, as the conductor.

    It counts for claims and commits that are made before it runs out, and is shown with them for ever. What the plan
    calls `waivable: false` is not waived.
    """
    from conductor_git.commands.decide import waive as journey

    outcome = journey(here(), rule, target, reason=reason, seconds=int(seconds), now=now(), say=say)
    return finish(outcome, as_json=as_json)


@click.command(cls=Command, examples=("accept 3f2a91c --reason 'the hotfix of Friday, read by two people'",))
@click.argument("commit")
@click.option("--reason", metavar="TEXT", required=True, help="Why; stays in the ledger.")
@max_option
@json_option
def accept(commit: str, reason: str, max_seconds: float | None, as_json: bool) -> int:
    """Settle an alarm about a commit, as the conductor.

    Its content is validated first; what does not pass is not accepted.
    """
    from conductor_git.commands.decide import accept as journey

    outcome = journey(
        here(), commit, reason=reason, max_seconds=max_seconds, say=say, terminal=is_terminal(), now=now()
    )
    return finish(outcome, as_json=as_json)


class Scores(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Numbers with commas between them."""

    name = "scores"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            found = ()
        if not found or not all(isfinite(score) for score in found):
            self.fail(f"'{value}' is no list of scores like 8,7,9", param, ctx)
        return found


@click.command(cls=Command, examples=("attest 2.4 --manual --scores 8,7,9",))
@click.argument("target", metavar="PLAN.WAVE")
@click.option("--manual", is_flag=True, required=True, help="The evidence is what people say.")
@click.option("--scores", metavar="N,N,…", type=Scores(), required=True, help="What each of them gave.")
@json_option
def attest(target: str, manual: bool, scores: tuple[float, ...], as_json: bool) -> int:
    """Record the scores that people gave a wave.

    It is about the content of the wave's newest claim, else about what would be committed now. Exit code 1 where they
    are fewer or lower than the plan asks for.
    """
    from conductor_git.commands.attest import attest as journey

    return finish(journey(here(), target, scores=scores, now=now(), say=say), as_json=as_json)
