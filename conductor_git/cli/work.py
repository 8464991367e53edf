"""Commands that move work: delegating it, and saying that it is done."""

from __future__ import annotations

from typing import Literal

import click

from conductor_git.cli.frame import Command, finish, here, is_terminal, json_option, max_option, now, say


@click.command(
    cls=Command,
    examples=(
        "delegate 2",
        "delegate 'Faster parser' --wave 'Measure' --wave 'Rewrite' --to agent-5",
        "delegate 2 --exec 'my-agent --headless'",
        "delegate 2 --take-over --to agent-9 --reason 'agent-2 is gone'",
        "delegate 2.1 --to bob --task 'the linear solver'",
    ),
)
@click.argument("what", metavar="PLAN|PLAN.WAVE|TITLE")
@click.option(
    "--wave", "waves", metavar="TITLE", multiple=True, help="Write a new plan TITLE with this wave; repeat it."
)
@click.option(
    "--to", metavar="AGENT", default="", help="Who gets it, when not the plan's agent; of a wave, the executor."
)
@click.option("--task", "tasks", metavar="TEXT", multiple=True, help="Of a wave, only this; repeat it.")
@click.option("--branch", metavar="BRANCH", default="", help="The branch, when not the plan's.")
@click.option(
    "--exec", "exec_command", metavar="CMD", default="", help="Start CMD in the worktree, the brief on its stdin."
)
@click.option("--resume", is_flag=True, help="Go on with the same agent: its worktree and brief again.")
@click.option("--take-over", is_flag=True, help="Give the plan to another agent; needs --to and --reason.")
@click.option("--reason", metavar="TEXT", default="", help="Why it is taken over; stays in the ledger.")
@json_option
def delegate(
    what: str,
    waves: tuple[str, ...],
    to: str,
    tasks: tuple[str, ...],
    branch: str,
    exec_command: str,
    resume: bool,
    take_over: bool,
    reason: str,
    as_json: bool,
) -> int:
    """Give a plan to one agent, or a wave of it to an executor: branch, worktree and brief."""
    from conductor_git.core.targets import names_wave

    if names_wave(what) and not waves:
        _only_plans(branch=branch, take_over=take_over, reason=reason)
        from conductor_git.commands.handout import delegate_wave

        handed = delegate_wave(here(), what, to=to, tasks=tasks, exec_command=exec_command, resume=resume, say=say)
        return finish(handed, as_json=as_json)
    if tasks:
        raise click.UsageError("'--task' is for a wave, as in: delegate 2.1 --to bob --task 'the linear solver'")
    from conductor_git.commands.delegate import delegate as journey

    outcome = journey(
        here(),
        what,
        waves=waves,
        to=to,
        branch=branch,
        exec_command=exec_command,
        resume=resume,
        take_over=take_over,
        reason=reason,
        say=say,
    )
    return finish(outcome, as_json=as_json)


def _only_plans(**given: object) -> None:
    for option, value in given.items():
        if value:
            raise click.UsageError(f"'--{option.replace('_', '-')}' is for plans; a wave's executor has no use for it")


@click.command(cls=Command, examples=("join 2", "join 2 --resume"))
@click.argument("plan")
@click.option("--branch", metavar="BRANCH", default="", help="The branch that must be checked out, to be sure.")
@click.option("--resume", is_flag=True, help="Come back to a plan that was joined from this branch before.")
@json_option
def join(plan: str, branch: str, resume: bool, as_json: bool) -> int:
    """Take up a plan on the branch checked out here.

    For an agent in a clone that chose its own branch: doors, ledger, start commit, delegation and brief in one step.
    Of two that join a plan at once, one gets it.
    """
    from conductor_git.commands.join import join as journey

    return finish(journey(here(), plan, branch=branch, resume=resume, say=say), as_json=as_json)


@click.command(cls=Command, examples=("brief", "brief 2", "brief 2.3 --short", "brief 2 --format checklist"))
@click.argument("target", metavar="[PLAN[.WAVE]]", default="")
@click.option("--task", "tasks", metavar="TEXT", multiple=True, help="Of a wave, only this; repeat it.")
@click.option("--short", is_flag=True, help="Only what is to be done now.")
@click.option("--format", "form", type=click.Choice(["md", "json", "checklist"]), default="md", help="How to print it.")
@json_option
def brief(
    target: str, tasks: tuple[str, ...], short: bool, form: Literal["md", "json", "checklist"], as_json: bool
) -> int:
    """Tell an agent all it needs to start on a plan or wave."""
    from conductor_git.commands.brief import brief as journey

    asked = "json" if as_json else form
    return finish(journey(here(), target, now=now(), tasks=tasks, short=short, format=asked))


@click.command(cls=Command, examples=("claim", "claim 2.3 -m 'Expression.explain() API stable'", "claim 2"))
@click.argument("target", metavar="[PLAN[.WAVE]]", default="")
@click.option("-m", "--note", metavar="NOTE", default="", help="A note for the claim's line.")
@max_option
@json_option
def claim(target: str, note: str, max_seconds: float | None, as_json: bool) -> int:
    """Prove a plan or wave, and commit the claim.

    Without a target it is this worktree's lowest wave that is not complete, after the last one the plan itself.
    """
    from conductor_git.commands.claim import claim as journey

    outcome = journey(here(), target, note=note, max_seconds=max_seconds, say=say, terminal=is_terminal(), now=now())
    return finish(outcome, as_json=as_json)


@click.command(
    cls=Command, examples=("validate", "validate 2.3", "validate 2.3 --commit HEAD~2", "validate 2 --rebased")
)
@click.argument("target", metavar="[PLAN[.WAVE]]", default="")
@click.option("--tree", metavar="TREE", default="", help="Prove this tree instead of what git would commit now.")
@click.option("--commit", metavar="COMMIT", default="", help="Prove this commit instead of what git would commit now.")
@click.option("--rerun", is_flag=True, help="Run again, even if a proof is there.")
@click.option("--rebased", is_flag=True, help="Prove each claim again that a rebase rewrote.")
@max_option
@json_option
def validate(
    target: str, tree: str, commit: str, rerun: bool, rebased: bool, max_seconds: float | None, as_json: bool
) -> int:
    """Prove a plan or wave on a clean checkout."""
    from conductor_git.commands.validate import validate as journey

    outcome = journey(
        here(),
        target,
        tree=tree,
        commit=commit,
        rerun=rerun,
        rebased=rebased,
        max_seconds=max_seconds,
        say=say,
        terminal=is_terminal(),
        now=now(),
    )
    return finish(outcome, as_json=as_json)
