"""Our lines in a shell hook that belongs to somebody else: between markers, and first in the file."""

from __future__ import annotations

import re

_LINES = re.compile(r"^# >>> conductor-git\n.*?^# <<< conductor-git\n", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"#![^\n]*\b(?:sh|bash|dash|ksh|zsh)\b[^\n]*\n")


def is_shell(text: str) -> bool:
    """Whether lines of shell can be put into this hook: it has a shell's `#!` line, or none."""
    return not text.startswith("#!") or _SHELL.match(text) is not None


def add_lines(text: str, door: str) -> str:
    """The hook with our lines of now: before all others, so that nothing leaves the script ahead of them."""
    text = remove_lines(text)
    head = _SHELL.match(text)
    at = head.end() if head else 0
    return text[:at] + _lines(door) + text[at:]


def remove_lines(text: str) -> str:
    """The hook without our lines, of whatever version."""
    return _LINES.sub("", text)


def has_lines(text: str, door: str) -> bool:
    """Whether our lines of now are there."""
    return _lines(door) in text


def _lines(door: str) -> str:
    if door == "pre-push":
        # What git says here can be read once, and the rest of the file may want it too.
        return (
            "# >>> conductor-git\nconductor_git_lines=$(cat)\n"
            'printf \'%s\\n\' "$conductor_git_lines" | conductor-git-hook pre-push "$@" || exit $?\n'
            "exec <<CONDUCTOR_GIT\n$conductor_git_lines\nCONDUCTOR_GIT\n# <<< conductor-git\n"
        )
    return f'# >>> conductor-git\nconductor-git-hook {door} "$@" || exit $?\n# <<< conductor-git\n'
