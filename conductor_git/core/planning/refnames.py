"""Branch names: git's rules for them, and names made from titles.

Source of the rules: git-check-ref-format(1), and `git branch`, which also refuses `HEAD` and a leading dash.
"""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_SLUG_LENGTH = 48


def branch_problem(name: str) -> str:
    """Why git would not take this short branch name; empty when it would."""
    if not name:
        return "it is empty"
    if name.startswith("-"):
        return "it begins with '-'"
    if name in ("@", "HEAD"):
        return "git keeps that name for itself"
    if found := _FORBIDDEN.search(name):
        return f"git allows no {_named(found[0])} in it"
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        return "it is not UTF-8"
    return _structure_problem(name)


def slug(text: str, *, otherwise: str) -> str:
    """Lower-case ASCII words joined by dashes, fit for a branch or file name; `otherwise` where nothing is left."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > _SLUG_LENGTH:
        words = words[: _SLUG_LENGTH + 1].rpartition("-")[0] or words[:_SLUG_LENGTH]
    return words or otherwise


def _structure_problem(name: str) -> str:
    for sequence in ("..", "@{", "//"):
        if sequence in name:
            return f"git allows no '{sequence}' in it"
    if name.startswith("/") or name.endswith("/"):
        return "it begins or ends with '/'"
    if name.endswith("."):
        return "it ends with '.'"
    for part in name.split("/"):
        if part.startswith("."):
            return f"its part '{part}' begins with '.'"
        if part.endswith(".lock"):
            return f"its part '{part}' ends with '.lock'"
    return ""


def _named(letter: str) -> str:
    if letter == " ":
        return "space"
    return f"'{letter}'" if letter.isprintable() else f"control character U+{ord(letter):04X}"
