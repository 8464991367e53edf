"""How a process of ours begins and ends, where every commit and every look at the board waits for it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_SELDOM = 2_000_000
"""New objects between two collections. Python's own 700 costs a status of many commits a tenth of its time."""


def live(run: Callable[[], int]) -> NoReturn:
    """Be one short process: hardly anything is collected while it runs, and nothing is taken apart after it.

    Never returns; `run` answers with the exit code.
    """
    gc.set_threshold(_SELDOM)
    try:
        code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def load_msgspec() -> None:
    """Load it without typing_extensions, which it takes typing's own for and which loads a dozen modules: a sixth of
    what Python takes to be ready here."""
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    except ImportError:
        pass
    finally:
        del sys.modules["typing_extensions"]
