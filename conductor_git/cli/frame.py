"""What every command shares: how it is written down, where it runs, and how its outcome is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, TypeVar

import click

from conductor_git.commands.outcome import Outcome
from conductor_git.core.say import on_terminal
from conductor_git.store.plumbing.repository import Repository

Function = TypeVar("Function", bound=Callable[..., Any])

PATIENCE = 100
"""Seconds that a command waits for a run when nobody watches and nobody says how long."""


class Exemplified(click.Command):
    """A command whose help ends with examples that can be pasted."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the examples."""
        with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
            for example in self.examples:
                formatter.write(f"{' ' * formatter.current_indent}conductor-git {example}\n")


class Command(Exemplified):
    """One command."""


class Group(Exemplified, click.Group):
    """Commands in sections. What is unknown is named together with the nearest that exists."""

    command_class = Command

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sections: dict[str, tuple[str, ...]] = {}

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add commands that the help lists together, in the order they are used in."""
        self.sections[title] = tuple(str(command.name) for command in commands)
        for command in commands:
            self.add_command(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section."""
        width = max(map(len, self.list_commands(ctx)), default=0)
        for title, names in self.sections.items():
            known = [command for name in names if (command := self.get_command(ctx, name))]
            with formatter.section(title):
                formatter.write_dl([(str(each.name).ljust(width), each.get_short_help_str(80)) for each in known])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; an unknown command is an error with the nearest one as its hint."""
        name, known = args[0], self.list_commands(ctx)
        if name in known or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise UnknownCommand(name, nearest(name, known), ctx)


class Deferred(Group):
    """Commands that are loaded when they are asked for: one command loads one module."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._places: dict[str, tuple[str, str]] = {}

    def defer(self, title: str, **modules: str) -> None:
        """Add a section of commands, each with the module of this package that has it."""
        self.sections[title] = tuple(modules)
        self._places |= {name: (module, name) for name, module in modules.items()}

    def alias(self, alias: str, name: str) -> None:
        """Another word for a command, which the help does not list."""
        self._places[alias] = self._places[name]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All words that name a command."""
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in self._places:
            return None
        module, name = self._places[cmd_name]
        command: click.Command = getattr(import_module(f"conductor_git.cli.{module}"), name)
        return command


class UnknownCommand(click.UsageError):
    """A command that does not exist; `near` is the nearest that does, or empty."""

    def __init__(self, name: str, near: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command '{name}'", ctx)
        self.near = near


def nearest(word: str, known: Iterable[str]) -> str:
    """The most similar of the known words; empty where none is similar."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), 1)), "")


def json_option(function: Function) -> Function:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")(function)


class Span(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Seconds, as a number or as people write spans: `90`, `90s`, `2m`, `1h30m`."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        from conductor_git.core.durations import parse_duration

        if isinstance(value, int | float):
            return value
        seconds = parse_duration(f"{value}s" if value.isascii() and value.isdigit() else value)
        return (
            self.fail(f"'{value}' is no span of time like 90s, 2m or 1h30m", param, ctx) if seconds is None else seconds
        )


def patience_option(text: str) -> Callable[[Function], Function]:
    """`--max`. Off a terminal it has a default: an agent's shell ends commands that take minutes."""
    text += f" [off a terminal: {PATIENCE}s]"

    def patience(ctx: click.Context, param: click.Parameter, seconds: float | None) -> float | None:
        return PATIENCE if seconds is None and not is_terminal() else seconds

    return click.option("--max", "max_seconds", metavar="T", type=Span(), callback=patience, help=text)


max_option = patience_option("Come back after T (90s, 2m); the run goes on, and the same command attaches again.")
"""`--max` of commands that run validations."""


def here() -> Repository:
    """The repository that the command was called in."""
    from conductor_git.store.plumbing import ahead, questions
    from conductor_git.store.plumbing.repository import discover

    return discover(asked=ahead.asked(questions.WHEREABOUTS))


def now() -> int:
    """Seconds since the epoch."""
    from time import time

    return int(time())


def say(text: str) -> None:
    """A line of progress, beside the result."""
    print(on_terminal(text), file=sys.stderr, flush=True)


def tick(text: str) -> None:
    """What is true for the moment, in one line of a terminal that the next one takes the place of; empty clears it."""
    if sys.stderr.isatty():
        # One line only, or it could not be taken back.
        cut = text[: os.get_terminal_size(sys.stderr.fileno()).columns - 1]
        print(f"\r\x1b[K{cut}", end="", file=sys.stderr, flush=True)


def show(text: str) -> None:
    """A part of the result, as soon as it is there."""
    print(on_terminal(text), flush=True)


def is_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def in_color() -> bool:
    """Whether standard output takes colours (https://no-color.org, https://force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (is_terminal() and os.environ.get("TERM") != "dumb")


def width() -> int:
    """How many cells a line has: what COLUMNS says, else this terminal, else enough that nothing is cut."""
    from conductor_git.core.reporting.lines import WIDE

    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDE
    except (OSError, ValueError):
        return WIDE


def finish(outcome: Outcome, *, as_json: bool = False) -> int:
    """Show an outcome: values or text on standard output, findings on standard error. Returns the exit code."""
    if as_json:
        from conductor_git.cli.values import outcome_json

        print(outcome_json(outcome))
    elif outcome.text:
        # Whoever laid it out: names of branches, files and plans are the repository's.
        print(on_terminal(outcome.text))
    if outcome.findings and not as_json:
        from conductor_git.core.say import say_findings

        sys.stdout.flush()
        print(say_findings(outcome.findings, unchanged=outcome.unchanged), file=sys.stderr)
    return outcome.code
