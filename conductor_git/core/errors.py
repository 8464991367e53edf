"""What could not be done. A refusal is a value (`findings.Finding`), never one of these."""

from __future__ import annotations


class CannotRun(Exception):
    """The command could not run: bad input, missing thing, a failing machine. Exit code 2.

    `what` is lower case and names its subject in single quotes; `hint` is one command that can be pasted
    and is always true; `detail` is one more line of why, or what was left unchanged.
    """

    exit_code = 2

    def __init__(self, what: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.detail = detail
