"""The hook files that we write: composed from `hooks/`, and told from everybody else's."""

from __future__ import annotations

import os
import re
import shlex
import sys
from functools import cache

import msgspec

import conductor_git
from conductor_git.core.errors import CannotRun

MANAGED = ("pre-commit", "commit-msg", "pre-merge-commit")
"""Hook types that other tools can run for us, in the order in which git runs them."""

ALONE = ("reference-transaction",)
"""Hook types whose file is always ours: as an entry among others it would start Python for each change of a ref."""

DOORS = (*MANAGED, *ALONE, "pre-push")
"""Hook types that have a door. pre-commit does not hand all of a push on: that file is ours, beneath its own."""

HUB_DOOR = "pre-receive"
"""The hook type that a hub has, and only a hub."""

_PACKAGE = os.path.dirname(os.path.abspath(conductor_git.__file__))
_INCLUDE = re.compile(r"^# include: (\S+)\n", re.MULTILINE)
_OURS = re.compile(rb"\A#![^\n]*\n# installed by conductor-git ([^\s;]+)")


class Start(msgspec.Struct, frozen=True):
    """How a hook file starts Python: by an interpreter and the package it has, or (both empty) by PATH only.

    `shared`: the hook file also serves repositories that have nothing to do with conductor-git.
    """

    python: str = ""
    package: str = ""
    shared: bool = False


def this_python(*, shared: bool = False) -> Start:
    """Start hooks with the interpreter and the package that are running now."""
    return Start(sys.executable, _PACKAGE, shared)


def compose(door: str, start: Start) -> bytes:
    """The self-contained hook file of a door."""
    shebang, _, body = _source(door).partition("\n")
    by = f"# installed by conductor-git {conductor_git.__version__}; 'conductor-git uninstall' takes it away\n"
    text = f"{shebang}\n{by}{_INCLUDE.sub(lambda found: _source(found[1]), body)}"
    for name, value in (
        ("python", start.python),
        ("package", start.package),
        ("shared", (start.shared and "yes") or ""),
        ("version", conductor_git.__version__),
    ):
        text = text.replace(f"@{name}@", shlex.quote(value))
    return text.encode("utf-8", "surrogateescape")


def version_of(content: bytes) -> str | None:
    """The version of conductor-git that wrote this hook file; None where it is not one of ours."""
    found = _OURS.match(content)
    return found[1].decode("utf-8", "replace") if found else None


def python_of(content: bytes) -> str:
    """The interpreter that a hook file of ours was written for; empty where it goes by PATH."""
    found = re.search(rb"^cg_python=(.*)$", content, re.MULTILINE)
    words = shlex.split(os.fsdecode(found[1])) if found else []
    return words[0] if words else ""


@cache
def _source(name: str) -> str:
    # Beside the package in a checkout (an editable install), inside it in a wheel.
    for folder in (os.path.join(_PACKAGE, "hooks"), os.path.join(os.path.dirname(_PACKAGE), "hooks")):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise CannotRun(f"'hooks/{name}' is missing from this installation of conductor-git")
