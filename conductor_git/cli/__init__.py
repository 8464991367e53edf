"""The command line: arguments in, a journey, its outcome on the terminal."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence

import click

from conductor_git import __version__
from conductor_git.cli.frame import Deferred
from conductor_git.commands.outcome import CANNOT_RUN
from conductor_git.core.errors import CannotRun

INTERRUPTED = 130
BROKEN_PIPE = 141


def _change_folder(ctx: click.Context, param: click.Parameter, folders: tuple[str, ...]) -> None:
    for folder in folders:
        try:
            os.chdir(folder)
        except OSError as error:
            raise CannotRun(f"folder '{folder}' cannot be entered: {error.strerror}") from error


@click.group(
    cls=Deferred,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "init --validate 'pytest -q'",
        "delegate 'Faster parser' --wave Measure --wave Rewrite",
        "claim    # in the agent's worktree",
        "status",
    ),
)
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


root.defer("Start here", init="setup", delegate="work", claim="work", status="reports", merge="landing")
root.defer("Plans and proofs", plan="plans", join="work", brief="work", validate="work", whoami="setup")
root.defer(
    "Wait and talk",
    ready="coordination",
    why="coordination",
    wait="coordination",
    sync="coordination",
    block="coordination",
    guide="coordination",
    resolve="coordination",
    memory="coordination",
)
root.defer("Decide on the record", reopen="decisions", waive="decisions", accept="decisions", attest="decisions")
root.defer("Look after a clone", install="setup", uninstall="setup", doctor="setup", clean="landing")
root.defer("From outside", audit="auditing", ci="auditing", hub="hubs")
root.defer("Learn", demo="reports", explain="reports")
root.alias("log-status", "status")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 refused, 2 could not run, 3 a bug, 4 not yet, 130 interrupted."""
    _speak_utf8()
    name = "git conductor" if os.path.basename(sys.argv[0]) == "git-conductor" else "conductor-git"
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(name, args)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads has seen enough.
        _close_output()
        return BROKEN_PIPE
    except Exception as error:
        return _end(error, name, args)
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


def _end(error: Exception, name: str, args: Sequence[str]) -> int:
    from conductor_git.cli.troubles import trouble_of
    from conductor_git.core.say import say_error

    trouble, code = trouble_of(error, name)
    # Asked of the words alone: what ended the command may be that they could not be read.
    if "--json" in args or "--format=json" in args or ("--format", "json") in itertools.pairwise(args):
        from conductor_git.cli.values import error_json

        print(error_json(trouble))
    return _fail(say_error(trouble), code)


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
