"""Commands that bring work onto integration, and take away what it leaves."""

from __future__ import annotations

import click

from conductor_git.cli.frame import Command, finish, here, is_terminal, json_option, max_option, now, say


@click.command(
    cls=Command,
    examples=("merge", "merge 2 3.1", "merge fix/typo", "merge --dry-run", "merge --pr 2", "merge --resume"),
)
@click.argument("names", metavar="[PLAN|PLAN.WAVE|BRANCH]...", nargs=-1)
@click.option("--ready", is_flag=True, help="Everything that is ready; the same as naming nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would land, and why not the rest. Nothing is run or moved.")
@click.option("--resume", is_flag=True, help="Only bring a landing to its end that was cut short.")
@click.option("--pr", "by_request", is_flag=True, help="Push the result as a branch, for a pull request; move nothing.")
@max_option
@json_option
def merge(
    names: tuple[str, ...],
    ready: bool,
    dry_run: bool,
    resume: bool,
    by_request: bool,
    max_seconds: float | None,
    as_json: bool,
) -> int:
    """Land what is proven.

    Each result is validated in a clean checkout as it will stand on the integration branch. What is red or conflicts
    is named and does not hold up the rest.
    """
    from conductor_git.commands.merge import Asked
    from conductor_git.commands.merge import merge as journey
    from conductor_git.core.landing.progress import Progress

    if ready and names:
        raise click.UsageError("'--ready' names everything that is ready: name nothing beside it")

    def tell(progress: Progress) -> None:
        if as_json:
            from conductor_git.cli.values import line_json

            say(line_json(progress.values()))
        elif progress.kind == "fate" and progress.elapsed >= 1:
            say(f"{progress.text}, after {progress.elapsed:.0f} s")
        else:
            say(progress.text)

    asked = Asked(names, dry_run, resume, by_request, max_seconds, is_terminal())
    return finish(journey(here(), asked, tell=tell, now=now()), as_json=as_json)


@click.command(cls=Command, examples=("clean --dry-run", "clean", "clean 2"))
@click.argument("plans", metavar="[PLAN]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def clean(plans: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Remove worktrees and branches of landed plans.

    What has work that has not landed, or files that are not committed, stays. Files that git ignores go with the
    worktree.
    """
    from conductor_git.commands.clean import clean as journey

    return finish(journey(here(), plans, dry_run=dry_run, now=now()), as_json=as_json)
