"""`plan …`: writing plans and looking at them."""

from __future__ import annotations

from typing import Literal

import click

from conductor_git.cli.frame import Command, Group, finish, here, json_option


@click.group(
    cls=Group,
    examples=("plan new 'Faster parser' --wave Measure --wave Rewrite", "plan check", "plan commit", "plan show 2"),
)
def plan() -> None:
    """Write, show, check and commit plans."""


@click.command(
    "new",
    cls=Command,
    examples=(
        "plan new 'Faster parser' --wave Measure --wave Rewrite",
        "plan new 'Python API' --plan 3 --agent agent-3 --scope 'python/**' --needs 2.3",
    ),
)
@click.argument("title")
@click.option("--plan", "number", metavar="PLAN", default="", help="Its number or slug, when not the next free number.")
@click.option("--wave", "waves", metavar="TITLE", multiple=True, help="A wave; repeat it.")
@click.option("--agent", metavar="AGENT", default="", help="Who it is for.")
@click.option("--branch", metavar="BRANCH", default="", help="Its branch.")
@click.option("--validation", metavar="SCRIPT", default="", help="The script of the scripts folder that proves it.")
@click.option("--needs", metavar="PLAN[.WAVE]", multiple=True, help="What must be complete before; repeat it.")
@click.option("--scope", metavar="PATHS", multiple=True, help="What it may change, as 'src/parser/**'; repeat it.")
@json_option
def new(
    title: str,
    number: str,
    waves: tuple[str, ...],
    agent: str,
    branch: str,
    validation: str,
    needs: tuple[str, ...],
    scope: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write a plan file into the working tree."""
    from conductor_git.commands.plan import new as journey

    outcome = journey(
        here(),
        title,
        plan=number,
        waves=waves,
        agent=agent,
        branch=branch,
        validation=validation,
        needs=needs,
        scope=scope,
    )
    return finish(outcome, as_json=as_json)


@click.command("list", cls=Command, examples=("plan list", "plan list --json"))
@json_option
def list_plans(as_json: bool) -> int:
    """List the plans of the control branch."""
    from conductor_git.commands.plan import list_plans as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("plan show 2",))
@click.argument("name", metavar="PLAN")
@json_option
def show(name: str, as_json: bool) -> int:
    """Show one plan and what judges each of its waves."""
    from conductor_git.commands.plan import show as journey

    return finish(journey(here(), name), as_json=as_json)


@click.command(cls=Command, examples=("plan check", "plan check --try 2", "plan check --json"))
@click.option(
    "--try",
    "tried",
    metavar="[PLAN]",
    is_flag=False,
    flag_value="*",
    help="Also run each validation, and once more with garbage for its sources: then it must fail.",
)
@json_option
def check(tried: str | None, as_json: bool) -> int:
    """Check the plans of the working tree."""
    if tried is not None:
        from conductor_git.commands.canary import try_plans

        plan = "" if tried == "*" else tried
        return finish(try_plans(here(), plan, say=lambda text: click.echo(text, err=True)), as_json=as_json)
    from conductor_git.commands.plan import check as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("plan graph", "plan graph --format mermaid"))
@click.option("--format", "form", type=click.Choice(["text", "mermaid"]), default="text", help="How to print it.")
@json_option
def graph(form: Literal["text", "mermaid"], as_json: bool) -> int:
    """Show what can run side by side."""
    from conductor_git.commands.plan import graph as journey

    return finish(journey(here(), format=form), as_json=as_json)


@click.command(cls=Command, examples=("plan commit", "plan commit -m 'conductor: split plan 2'"))
@click.option("-m", "--message", metavar="TEXT", default="", help="The commit's message.")
@json_option
def commit(message: str, as_json: bool) -> int:
    """Put the working tree's plans on the control branch."""
    from conductor_git.commands.plan import commit_plans as journey

    return finish(journey(here(), message=message), as_json=as_json)


@click.command("import", cls=Command, examples=("plan import docs/PLAN_3.md --dry-run", "plan import docs/PLAN_*.md"))
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only show what would be read as what.")
@json_option
def import_documents(files: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Make plan files of planning documents.

    Read are headings like '## Wave 2: TITLE', task lists, and lines like 'Depends on: plan 1'.
    """
    from conductor_git.commands.importing import import_plans as journey

    return finish(journey(here(), files, dry_run=dry_run), as_json=as_json)


plan.add_section("Commands", new, list_plans, show, check, graph, import_documents, commit)
