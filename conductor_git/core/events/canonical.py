"""Canonical JSON: what digests and signatures are over."""

from __future__ import annotations

import json


def canonical(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, ASCII only, no NaN; one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
