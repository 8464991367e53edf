"""Commands that put a decision on the record."""

from __future__ import annotations

import click

from conductor_git.cli.frame import Command, finish, here, is_terminal, json_option, max_option, now, say


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
