"""Text files of a working tree, read and replaced whole."""

from __future__ import annotations

import os
from contextlib import suppress

from conductor_git.store.files.refused import cannot


def read_text(path: str) -> str | None:
    """What the file holds, line ends as they are; None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_text(path: str, text: str) -> None:
    """Replace the file in one step, keeping its mode; folders are made. Raises CannotRun where that fails."""
    # A new file beside it, so that a reader never sees half of one; the mode of the old file is kept.
    draft = f"{path}.conductor-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(draft, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
        with suppress(FileNotFoundError):
            os.chmod(draft, os.stat(path).st_mode)
        os.replace(draft, os.path.realpath(path))
    except OSError as error:
        raise cannot("written", path, error, detail="it was left as it is") from error
