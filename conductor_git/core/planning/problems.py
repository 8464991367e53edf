"""Collecting everything that is wrong in one plan or policy file, not only the first thing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conductor_git.core.planning.plan import PlanError

SIZE_LIMIT = 262_144
"""Bytes a plan or policy file may have."""


_MOST = 200
# What is no text, and what YAML, TOML and Markdown do not agree about as a line break.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Problems:
    """What is wrong in one file. Lines count from 1 in the file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._errors: list[PlanError] = []

    def add(self, line: int, key: str, message: str, hint: str = "") -> None:
        """Note one error; `key` is dotted (`waves.3.title`), empty where no key is to blame."""
        if len(self._errors) < _MOST:
            self._errors.append(PlanError(self.path, line, key, message, hint))

    def found(self) -> tuple[PlanError, ...]:
        """All errors in the order of the file."""
        return tuple(sorted(dict.fromkeys(self._errors), key=lambda error: error.line))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant."""
    import difflib

    close = difflib.get_close_matches(word.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """`unknown key 'tilte'; did you mean 'title'?`, or with all that is known where nothing is near."""
    listed = list(known)
    meant = nearest(word, listed)
    if meant is not None:
        return f"unknown {kind} '{word}'; did you mean '{meant}'?"
    return f"unknown {kind} '{word}'; known: {', '.join(listed)}"


def decoded(source: str | bytes, problems: Problems) -> str | None:
    """The text with `\\n` line ends and no byte order mark; None (and one error) where the file is no text."""
    if len(source) > SIZE_LIMIT:
        problems.add(1, "", f"the file is larger than {SIZE_LIMIT // 1024} KiB")
        return None
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(line, "", f"not UTF-8: byte 0x{raw[error.start]:02x} cannot be read")
        return None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        problems.add(line, "", f"control character U+{ord(control[0]):04X}")
        return None
    return text
