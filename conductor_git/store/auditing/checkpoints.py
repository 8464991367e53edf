"""The checkpoint file: read whole, written whole."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress

from conductor_git.core.reporting.checkpoint import Checkpoint, read_checkpoint, render_checkpoint
from conductor_git.store.files.refused import cannot


def load(path: str) -> Checkpoint | None:
    """The checkpoint in the file; None where there is no file yet.

    Raises CannotRun where it cannot be read, and where its folder is none that could take it: better now than after
    all the work.
    """
    try:
        with open(path, "rb") as file:
            return read_checkpoint(file.read(), path)
    except FileNotFoundError as error:
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise cannot("written", path, error, detail=f"'{folder}' is no folder; nothing was judged") from error
        return None
    except OSError as error:
        raise cannot("read", path, error, detail="nothing was judged") from error


def save(path: str, checkpoint: Checkpoint) -> None:
    """Replace the file in one step; it is there whole or as it was. Raises CannotRun where that fails."""
    folder = os.path.dirname(os.path.abspath(path))
    draft = ""
    try:
        handle, draft = tempfile.mkstemp(prefix=".checkpoint-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(render_checkpoint(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, os.path.realpath(path))
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise cannot("written", path, error, detail="it was left as it is") from error
