"""The git command that runs the hook we were started from: hooks are not told, and it decides what is the right undo,
what is being fetched, and whether a push is a rehearsal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import msgspec

_HIGHEST = 12
"""Processes between git and us: the hook's shell, a hook manager, its wrappers."""
_TAKES_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env"})


class Call(msgspec.Struct, frozen=True):
    """A git command: `push`, and the words after it."""

    verb: str = ""
    """Empty where it cannot be known."""
    args: tuple[str, ...] = ()

    def operands(self) -> tuple[str, ...]:
        """The words that are no options. An option's own value is among them where it is a word by itself."""
        return tuple(word for word in self.args if not word.startswith("-"))


def find_call() -> Call:
    """The nearest git above this process. An alias is shown as it was typed."""
    pid = os.getppid()
    for _ in range(_HIGHEST):
        if pid <= 1:
            break
        argv, above = _process(pid)
        call = read_call(argv)
        if call is not None:
            return call
        pid = above
    return Call()


def read_call(argv: Sequence[str]) -> Call | None:
    """What a process's words say, where it is git."""
    program = os.path.basename(argv[0]) if argv else ""
    if program.startswith("git-"):
        return Call(program.removeprefix("git-"), tuple(argv[1:]))
    if program != "git":
        return None
    words = list(argv[1:])
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] in _TAKES_VALUE else 1]
    return Call(words[0], tuple(words[1:])) if words else Call()


def _process(pid: int) -> tuple[list[str], int]:
    """A process's words and its parent; nothing and 0 where they cannot be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = os.fsdecode(file.read()).removesuffix("\0").split("\0")
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The program's name is in brackets and may hold anything.
            return words, int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return _asked_of_ps(pid)


def _asked_of_ps(pid: int) -> tuple[list[str], int]:
    # macOS has no /proc. Words with spaces fall apart here, which none that is asked for has.
    try:
        done = subprocess.run(
            ["ps", "-ww", "-o", "ppid=,args=", "-p", str(pid)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
        above, *words = done.stdout.split()
        return words, int(above)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return [], 0
