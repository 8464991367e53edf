"""The small entry that hook files call."""

from __future__ import annotations


def main() -> int:
    """Placeholder until the doors stand."""
    return 0
