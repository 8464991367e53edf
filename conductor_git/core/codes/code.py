"""What stands behind a finding's code."""

from __future__ import annotations

import msgspec


class Code(msgspec.Struct, frozen=True):
    """A stable code. Codes are never reused; docs/FORMAT.md lists them from `codes`."""

    code: str
    title: str
    why: str
    remedy: str
