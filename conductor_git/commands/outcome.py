"""What a journey returns: values for the terminal, for `--json` and for the exit code."""

from __future__ import annotations

import msgspec

from conductor_git.core.findings import Finding

DONE = 0
REFUSED = 1
CANNOT_RUN = 2
BUG = 3
NOT_YET = 4


class Outcome(msgspec.Struct, frozen=True):
    """The end of a journey. Exit codes are those of DONE … NOT_YET above, the same for every command."""

    code: int = DONE
    text: str = ""
    """For standard output, without a final newline."""
    data: object = None
    """For `--json`: values that msgspec can encode."""
    findings: tuple[Finding, ...] = ()
    """For standard error, as `error:`/`warning:` lines with their hints."""
    unchanged: str = ""
    """What a refusal left as it was ("nothing was committed"); said once, with the first finding."""
