"""Whatever ended a command, in the form of every other error, with its exit code."""

from __future__ import annotations

import re

import click

from conductor_git.cli.bugs import bug, failure
from conductor_git.cli.frame import UnknownCommand, nearest
from conductor_git.commands.outcome import BUG, CANNOT_RUN
from conductor_git.core.errors import CannotRun


def trouble_of(error: Exception, name: str) -> tuple[CannotRun, int]:
    """What to say of an exception, and the exit code. `name` is how the program was called."""
    if isinstance(error, CannotRun):
        return error, error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error, name), CANNOT_RUN
    if isinstance(error, OSError):
        return failure(error), CANNOT_RUN
    return bug(error), BUG


def _usage(error: click.ClickException, name: str) -> CannotRun:
    said = error.format_message().strip().removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else name
    hint = f"{path} --help"
    if isinstance(error, UnknownCommand) and error.near:
        hint = f"{path} {error.near}"
    elif isinstance(error, click.NoSuchOption):
        said = f"'{path}' has no option '{error.option_name}'"
        hint = f"{path} {error.possibilities[0]}" if error.possibilities else hint
    elif isinstance(error, click.BadParameter) and error.param and isinstance(error.param.type, click.Choice):
        # click keeps the word that it did not know in its message only.
        word = re.search(r"'([^']*)' is not one of", said)
        near = nearest(word[1], error.param.type.choices) if word else ""
        hint = f"{path} {error.param.opts[0]} {near}" if near else hint
    return CannotRun(f"{said[:1].lower()}{said[1:]}", hint=hint)
