"""Commands that trust nothing that stands here: an audit of all history, and the jobs of a forge that run it."""

from __future__ import annotations

from typing import Literal

import click

from conductor_git.cli.frame import Command, Group, finish, here, is_terminal, json_option, now, say


@click.command(
    cls=Command,
    examples=(
        "audit",
        "audit --checkpoint ~/shop.checkpoint",
        "audit --from https://example.org/shop.git --format junit",
        "audit --range origin/main..HEAD --rerun",
    ),
)
@click.option("--from", "url", metavar="URL", default="", help="Audit a fresh copy of that repository, not this one.")
@click.option("--checkpoint", metavar="FILE", default="", help="Find what went back since FILE was written; update it.")
@click.option("--no-update", is_flag=True, help="Compare with the checkpoint, and leave its file as it is.")
@click.option("--rerun", is_flag=True, help="Run the validations of complete claims again, and compare.")
@click.option("--range", "range_", metavar="A..B", default="", help="Tell only of commits that B has and A has not.")
@click.option("--control", metavar="BRANCH", default="", help="Read the rules from BRANCH.")
@click.option("--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", help="How to print it.")
@json_option
def audit(
    url: str,
    checkpoint: str,
    no_update: bool,
    rerun: bool,
    range_: str,
    control: str,
    form: Literal["text", "json", "junit"],
    as_json: bool,
) -> int:
    """Judge all of history again, from raw objects.

    Every claim, integration step and ledger line, without caches, configuration, replace refs or grafts of this clone.
    Exit code 0: clean; 1: findings; 2: it cannot be told, as something is missing.
    """
    from conductor_git.commands.audit import Asked
    from conductor_git.commands.audit import audit as journey

    form = "json" if as_json else form
    asked = Asked(url, control, checkpoint, not no_update, range_, rerun, form)
    outcome = journey(here, asked, say=say if is_terminal() else _quiet, now=now())
    return finish(outcome, as_json=form == "json")


def _quiet(text: str) -> None:
    """Off a terminal nobody waits for progress."""


@click.group(cls=Group, examples=("ci github", "ci gitlab"))
def ci() -> None:
    """Print jobs that audit and validate on a forge."""


@click.command("github", cls=Command, examples=("ci github",))
@json_option
def github(as_json: bool) -> int:
    """Print a workflow for GitHub Actions."""
    from conductor_git.commands.ci import jobs

    return finish(jobs(here(), "github"), as_json=as_json)


@click.command("gitlab", cls=Command, examples=("ci gitlab",))
@json_option
def gitlab(as_json: bool) -> int:
    """Print jobs for GitLab CI."""
    from conductor_git.commands.ci import jobs

    return finish(jobs(here(), "gitlab"), as_json=as_json)


@click.command("prove", cls=Command, examples=("ci prove",))
@json_option
def prove(as_json: bool) -> int:
    """Validate each claim that awaits this platform.

    It is what those jobs run; the writer is named by CONDUCTOR_WRITER=runner-PLATFORM.
    """
    from conductor_git.commands.ci import prove as journey

    return finish(journey(here(), say=say, now=now()), as_json=as_json)


ci.add_section("Commands", github, gitlab, prove)
