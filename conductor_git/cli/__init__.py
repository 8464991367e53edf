"""The command line: arguments in, a journey, its outcome on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from conductor_git import __version__
from conductor_git.cli import plans, reports, setup, work
from conductor_git.cli.frame import Group, UnknownCommand
from conductor_git.commands.outcome import BUG, CANNOT_RUN
from conductor_git.core.errors import CannotRun

INTERRUPTED = 130
BROKEN_PIPE = 141


def _change_folder(ctx: click.Context, param: click.Parameter, folders: tuple[str, ...]) -> None:
    for folder in folders:
        try:
            os.chdir(folder)
        except OSError as error:
            raise CannotRun(f"folder '{folder}' cannot be entered: {error.strerror}") from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "folders",
    metavar="DIR",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_change_folder,
    help="Run as if started in DIR.",
)
@click.version_option(__version__, message="conductor-git %(version)s")
def root() -> None:
    """Git itself coordinates many coding agents on one repository.

    Claims are commits, proofs are notes, hooks refuse what is not proven, and status is rebuilt from git.
    """


root.add_section("Start here", setup.init, work.delegate, work.claim, reports.status)
root.add_section("Plans and proofs", plans.plan, work.brief, work.validate, setup.whoami)
root.add_section("Look after a clone", setup.install, setup.uninstall, setup.doctor)
root.add_section("Learn", reports.demo, reports.explain)
root.add_command(reports.status, "log-status")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 refused, 2 could not run, 3 a bug, 4 not yet, 130 interrupted."""
    _speak_utf8()
    name = "git conductor" if os.path.basename(sys.argv[0]) == "git-conductor" else "conductor-git"
    try:
        code = _run(name, list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except CannotRun as error:
        from conductor_git.core.say import say_error

        return _fail(say_error(error), error.exit_code)
    except click.ClickException as error:
        return _fail(_usage(error, name), CANNOT_RUN)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads has seen enough.
        _close_output()
        return BROKEN_PIPE
    except OSError as error:
        from conductor_git.cli.bugs import report_failure

        return _fail(report_failure(error), CANNOT_RUN)
    except Exception as error:
        from conductor_git.cli.bugs import report_bug

        return _fail(report_bug(error), BUG)
    return code


def _run(name: str, args: list[str]) -> int:
    # Not click's own main: it ends the process itself on an interrupt and on a closed pipe.
    try:
        with root.make_context(name, args) as context:
            return int(root.invoke(context) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        return CANNOT_RUN
    except click.exceptions.Exit as end:
        return end.exit_code


def _speak_utf8() -> None:
    # A console that cannot print a tick must not turn a result into a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _fail(text: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        _close_output()
    print(text, file=sys.stderr)
    return code


def _close_output() -> None:
    # What is left in the buffer has nowhere to go; Python would complain of it once more when it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException, name: str) -> str:
    """A wrong call in the form of every other error."""
    from conductor_git.core.say import printable

    said = error.format_message().strip().removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else name
    hint = f"{path} --help"
    if isinstance(error, UnknownCommand) and error.near:
        hint = f"{path} {error.near}"
    elif isinstance(error, click.NoSuchOption):
        said = f"'{path}' has no option '{error.option_name}'"
        hint = f"{path} {error.possibilities[0]}" if error.possibilities else hint
    return printable(f"error: {said[:1].lower()}{said[1:]}\nhint: {hint}")
