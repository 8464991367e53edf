"""Commands that set a repository up and look after it."""

from __future__ import annotations

import click

from conductor_git.cli.frame import Command, finish, here, is_terminal, json_option, max_option, now, say


@click.command(
    cls=Command,
    examples=(
        "init",
        "init --validate 'pytest -q'",
        "init --validate 'make test' --agents",
        "init --integration develop",
        "init --control conductor",
        "init --sign ~/.ssh/id_ed25519",
    ),
)
@click.option("--validate", metavar="CMD", help="Make CMD the first validation, and run it once.")
@click.option("--integration", metavar="BRANCH", default="", help="What work lands on, where it is not what is found.")
@click.option("--agents", is_flag=True, help="Write what an agent must know into AGENTS.md.")
@click.option(
    "--control", metavar="BRANCH", default="", help="Keep policy, plans and scripts on a branch of their own."
)
@click.option("--pre-commit", is_flag=True, help="Put the doors in as entries of pre-commit, and install it.")
@click.option("--sign", metavar="KEY", default="", help="Have what the conductor decides signed with this ssh key.")
@click.option("--no-commit", is_flag=True, help="Leave the new files in the working tree.")
@max_option
@json_option
def init(
    validate: str | None,
    integration: str,
    agents: bool,
    control: str,
    pre_commit: bool,
    sign: str,
    no_commit: bool,
    max_seconds: float | None,
    as_json: bool,
) -> int:
    """Begin here: policy, first validation, doors.

    Where a policy exists already, only what this clone lacks is installed.
    """
    from conductor_git.commands.init import init as journey

    outcome = journey(
        here(),
        validate=validate,
        integration=integration,
        agents=agents,
        control=control,
        pre_commit=pre_commit,
        commit=not no_commit,
        sign=sign,
        say=say,
        now=now(),
        max_seconds=max_seconds,
        terminal=is_terminal(),
    )
    return finish(outcome, as_json=as_json)


@click.command(cls=Command, examples=("install",))
@json_option
def install(as_json: bool) -> int:
    """Install the doors (hooks) where a policy exists."""
    from conductor_git.commands.hub import hub_install, is_hub
    from conductor_git.commands.install import install as journey

    repo = here()
    return finish(hub_install(repo) if is_hub(repo) else journey(repo), as_json=as_json)


@click.command(cls=Command, examples=("uninstall",))
@json_option
def uninstall(as_json: bool) -> int:
    """Take the doors out, bring back the hooks of before."""
    from conductor_git.commands.hub import hub_uninstall, is_hub
    from conductor_git.commands.install import uninstall as journey

    repo = here()
    return finish(hub_uninstall(repo) if is_hub(repo) else journey(repo), as_json=as_json)


@click.command(cls=Command, examples=("whoami", "whoami --json"))
@json_option
def whoami(as_json: bool) -> int:
    """Tell which name this worktree writes under, and why."""
    from conductor_git.commands.whoami import whoami as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("doctor", "doctor --fix", "doctor --attack"))
@click.option("--fix", is_flag=True, help="First mend what is safe to mend.")
@click.option("--attack", is_flag=True, help="Try all known ways round the rules, in a scratch clone of this set-up.")
@json_option
def doctor(fix: bool, attack: bool, as_json: bool) -> int:
    """Fire every door in every worktree, name what lacks."""
    if attack:
        from conductor_git.commands.attack import attack as assault

        if fix:
            raise click.UsageError("'--attack' mends nothing: call '--fix' first, then '--attack'")
        return finish(assault(here(), now=now(), say=say), as_json=as_json)
    from conductor_git.commands.doctor import doctor as journey
    from conductor_git.commands.hub import hub_doctor, is_hub

    repo = here()
    return finish(hub_doctor(repo, fix=fix) if is_hub(repo) else journey(repo, fix=fix), as_json=as_json)
