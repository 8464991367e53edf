"""What the line of a claim is made of."""

from __future__ import annotations

import re

TICK = "✅"
SHORTCODE = ":white_check_mark:"
"""What people type where a keyboard has no tick; a hook writes the tick for it."""

UNSAFE_IN_NOTE = (
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""A character that no note may hold, as a pattern. Readers print notes to people and to agents."""


def is_note(text: str) -> bool:
    """Whether a claim can carry this note: not empty, no white space at its ends, nothing unsafe."""
    if not text or text != text.strip():
        return False
    # ASCII first: the pattern is compiled only where it is needed, and hooks wait for it.
    return text.isprintable() if text.isascii() else re.search(UNSAFE_IN_NOTE, text) is None
