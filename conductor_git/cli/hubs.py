"""Commands about hubs."""

from __future__ import annotations

import click

from conductor_git.cli.frame import Command, Group, finish, here, json_option

_conductor = click.option(
    "--conductor", metavar="NAME", default="", help="The conductor's login, until a policy names it."
)
_identity = click.option("--identity", metavar="VAR", default="", help="The variable that names who pushes.")


@click.group(
    cls=Group,
    examples=("hub init /srv/git/shop.git --conductor ada --identity GL_USER", "hub install --identity GL_USER"),
)
def hub() -> None:
    """Make a bare repository refuse what is not proven."""


@click.command(cls=Command, examples=("hub init shop.git --conductor ada --identity REMOTE_USER",))
@click.argument("folder", metavar="DIR")
@_conductor
@_identity
@json_option
def init(folder: str, conductor: str, identity: str, as_json: bool) -> int:
    """Make a bare repository that enforces the rules."""
    from conductor_git.commands.hub import hub_init

    return finish(hub_init(folder, conductor=conductor, identity=identity), as_json=as_json)


@click.command(cls=Command, examples=("hub install --identity GL_USER --conductor ada", "hub install --print gitolite"))
@_conductor
@_identity
@click.option(
    "--print", "server", type=click.Choice(["gitolite", "http", "ssh"]), help="Print what to put where on a server."
)
@json_option
def install(conductor: str, identity: str, server: str | None, as_json: bool) -> int:
    """Make this bare repository enforce the rules."""
    from conductor_git.commands.hub import hub_install, hub_print

    if server is not None:
        return finish(hub_print(server), as_json=as_json)
    return finish(hub_install(here(), conductor=conductor, identity=identity), as_json=as_json)


hub.add_section("Commands", init, install)
