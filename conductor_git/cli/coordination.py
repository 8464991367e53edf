"""Commands by which a team goes on: what is ready, what stands in the way, and who answers."""

from __future__ import annotations

import sys

import click

from conductor_git.cli.frame import Command, Group, finish, here, json_option, now, patience_option, say, tick
from conductor_git.core.reporting.blockers import LEVELS, Level


@click.command(
    cls=Command,
    examples=(
        "block -m 'the fixtures need a database'",
        "block 2.3 --level critical -m 'explain() is renamed on main' --context 'since 3f2a91c; 14 callers'",
    ),
)
@click.argument("target", metavar="[PLAN[.WAVE]]", default="")
@click.option("--level", type=click.Choice(LEVELS), default="high", show_default=True, help="How bad it is.")
@click.option("-m", "--message", metavar="TEXT", required=True, help="What is in the way.")
@click.option("--context", metavar="TEXT", default="", help="What was tried, and where to look.")
@json_option
def block(target: str, level: Level, message: str, context: str, as_json: bool) -> int:
    """Say that a plan or wave cannot go on.

    It cannot be claimed until its author or the conductor resolves the blocker; everybody sees it at once. Without a
    target it is this worktree's lowest wave that is not complete.
    """
    from conductor_git.commands.blockers import block as journey

    outcome = journey(here(), target, level=level, message=message, context=context, now=now(), say=say)
    return finish(outcome, as_json=as_json)


@click.command(cls=Command, examples=("guide 3f2a91c -m 'use the in-memory database of tests/db.py'",))
@click.argument("blocker", metavar="ID")
@click.option("-m", "--message", metavar="TEXT", required=True, help="What to do.")
@json_option
def guide(blocker: str, message: str, as_json: bool) -> int:
    """Answer a blocker, as the conductor.

    ID is the blocker's, or as much of its beginning as is unambiguous.
    """
    from conductor_git.commands.blockers import guide as journey

    return finish(journey(here(), blocker, message=message, now=now(), say=say), as_json=as_json)


@click.command(cls=Command, examples=("resolve 3f2a91c", "resolve 3f2a91c -m 'tests/db.py works'"))
@click.argument("blocker", metavar="ID")
@click.option("-m", "--message", metavar="TEXT", default="", help="How it was settled.")
@json_option
def resolve(blocker: str, message: str, as_json: bool) -> int:
    """Close a blocker, as its author or the conductor."""
    from conductor_git.commands.blockers import resolve as journey

    return finish(journey(here(), blocker, message=message, now=now(), say=say), as_json=as_json)


@click.command(cls=Command, examples=("ready", "ready --json"))
@json_option
def ready(as_json: bool) -> int:
    """List what can start or go on now, with the commands."""
    from conductor_git.commands.ready import ready as journey

    return finish(journey(here(), now=now()), as_json=as_json)


@click.command(cls=Command, examples=("why 3.4", "why .2"))
@click.argument("target", metavar="[PLAN[.WAVE]]", default="")
@json_option
def why(target: str, as_json: bool) -> int:
    """Tell what stands in the way, and what helps."""
    from conductor_git.commands.ready import why as journey

    return finish(journey(here(), target, now=now()), as_json=as_json)


@click.command(cls=Command, examples=("wait 2.3 --max 30m", "wait 2"))
@click.argument("target", metavar="PLAN[.WAVE]")
@patience_option("Come back after T (90s, 30m) with exit code 4.")
@json_option
def wait(target: str, max_seconds: float | None, as_json: bool) -> int:
    """Wait until a plan or wave is complete.

    Where integration has an upstream, that is fetched from meanwhile.
    """
    from time import monotonic, sleep

    from conductor_git.commands.wait import Clock
    from conductor_git.commands.wait import wait as journey

    clock = Clock(now, monotonic, sleep)
    return finish(journey(here(), target, max_seconds=max_seconds, say=say, clock=clock), as_json=as_json)


@click.command(cls=Command, examples=("sync", "sync origin", "sync --json"))
@click.argument("remote", metavar="[REMOTE]", default="")
@json_option
def sync(remote: str, as_json: bool) -> int:
    """Exchange with a remote what both sides know.

    Fetches integration, plans' branches and the ledger; pushes this clone's ledger and plans' branches, never by force,
    and integration never. No local branch moves.
    """
    from conductor_git.commands.sync import sync as journey

    return finish(journey(here(), remote, say=say, tick=tick), as_json=as_json)


@click.group(
    cls=Group, examples=("memory write parser/api '{\"frozen\": true}'", "memory read agent-2-wave-3-complete")
)
def memory() -> None:
    """Write down for the team, and read it back."""


@click.command(
    "write",
    cls=Command,
    examples=("memory write parser/api '{\"frozen\": true}'", "memory write notes -    # from standard input"),
)
@click.argument("key")
@click.argument("value", metavar="JSON")
@json_option
def write_memory(key: str, value: str, as_json: bool) -> int:
    """Give a key a value; `-` reads it from standard input.

    The last writer wins, and every earlier value stays readable.
    """
    from conductor_git.commands.memory import write as journey
    from conductor_git.core.events.memory import parse_value

    text = sys.stdin.buffer.read() if value == "-" else value
    return finish(journey(here(), key, parse_value(text), now=now(), say=say), as_json=as_json)


@click.command("read", cls=Command, examples=("memory read parser/api", "memory read agent-2-wave-3-complete"))
@click.argument("key")
@json_option
def read_memory(key: str, as_json: bool) -> int:
    """Print the value of a key as JSON.

    Keys like `agent-2-wave-3-complete`, `plan-2-wave-3-complete` and `plan-2-complete` are answered from history.
    """
    from conductor_git.commands.memory import read as journey

    return finish(journey(here(), key, now=now()), as_json=as_json)


@click.command("list", cls=Command, examples=("memory list", "memory list parser/"))
@click.argument("prefix", default="")
@json_option
def list_memory(prefix: str, as_json: bool) -> int:
    """List the keys that begin so, with their values."""
    from conductor_git.commands.memory import list_keys as journey

    return finish(journey(here(), prefix, now=now()), as_json=as_json)


@click.command("history", cls=Command, examples=("memory history parser/api",))
@click.argument("key")
@json_option
def memory_history(key: str, as_json: bool) -> int:
    """Show every value that a key had, newest first."""
    from conductor_git.commands.memory import history as journey

    return finish(journey(here(), key, now=now()), as_json=as_json)


memory.add_section("Commands", write_memory, read_memory, list_memory, memory_history)
