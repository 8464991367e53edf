"""Commands that set a repository up and look after it."""

from __future__ import annotations

import click

from conductor_git.cli.frame import Command, finish, here, json_option


@click.command(cls=Command, examples=("install",))
@json_option
def install(as_json: bool) -> int:
    """Install the doors (hooks) where a policy exists."""
    from conductor_git.commands.install import install as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("uninstall",))
@json_option
def uninstall(as_json: bool) -> int:
    """Take the doors out, bring back the hooks of before."""
    from conductor_git.commands.install import uninstall as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("whoami", "whoami --json"))
@json_option
def whoami(as_json: bool) -> int:
    """Tell which name this worktree writes under, and why."""
    from conductor_git.commands.whoami import whoami as journey

    return finish(journey(here()), as_json=as_json)


@click.command(cls=Command, examples=("doctor", "doctor --fix"))
@click.option("--fix", is_flag=True, help="First mend what is safe to mend.")
@json_option
def doctor(fix: bool, as_json: bool) -> int:
    """Fire every door in every worktree, name what lacks."""
    from conductor_git.commands.doctor import doctor as journey

    return finish(journey(here(), fix=fix), as_json=as_json)
