"""What is said of an exception that nobody expected: a bug, or a machine that fails."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from contextlib import suppress

from conductor_git import __version__
from conductor_git.core.errors import CannotRun


def bug(error: Exception) -> CannotRun:
    """Keep the traceback in a file; what happened in one line, and where the file is."""
    return _said(f"this is a bug in conductor-git: {type(error).__name__}: {error}", error)


def failure(error: OSError) -> CannotRun:
    """The same for what the system refused: a full disk, a folder that cannot be written."""
    why = (error.strerror or str(error)).lower()
    return _said(f"'{error.filename}': {why}" if error.filename is not None else why, error)


def _said(what: str, error: Exception) -> CannotRun:
    return CannotRun(" ".join(what.split()), detail=f"what led to it is in '{_keep(error)}'")


def _keep(error: Exception) -> str:
    heading = f"conductor-git {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n{sys.argv}\n\n"
    text = heading + "".join(traceback.format_exception(error))
    for find in (_private, tempfile.gettempdir):
        # Where no folder can be written, the second one raises too.
        with suppress(OSError):
            if folder := find():
                os.makedirs(folder, exist_ok=True)
                handle, path = tempfile.mkstemp(prefix="conductor-git-bug-", suffix=".txt", dir=folder)
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(text)
                return path
    return "no file: none could be written"


def _private() -> str:
    from conductor_git.store.plumbing.repository import discover

    with suppress(CannotRun):
        return os.path.join(discover().private, "bugs")
    return ""
