"""The allowed signers of the control tree (ssh-keygen(1), "ALLOWED SIGNERS"), read to say what is wrong.

Whether a signature counts is decided by ssh-keygen, from the same bytes.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cached_property

import msgspec

from conductor_git.core.targets import Oid

SIGNERS_PATH = ".conductor/allowed_signers"
SIZE_LIMIT = 262_144
"""Bytes the file may have."""

_WORD = re.compile(r'\s*((?:"(?:\\.|[^"\\])*"|[^\s"])+)')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:\\.|[^"\\])*)")?(?:,|\Z)')
_OPTIONS = {"namespaces", "valid-after", "valid-before", "cert-authority"}
_KEY_TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+")


class AllowedKey(msgspec.Struct, frozen=True):
    """One line of the file."""

    line: int
    principals: str
    """A list of patterns, as ssh has it: those writers' names that the key may speak for."""
    key: bytes
    namespaces: str | None = None
    """A list of patterns; None where the line names none, and so allows every role."""
    authority: bool = False
    """It certifies keys, and signs nothing itself."""

    def speaks_for(self, writer: str) -> bool:
        """Whether it may speak for that writer."""
        return matches_list(writer, self.principals)

    def allows(self, namespace: str) -> bool:
        """Whether it may sign in that namespace."""
        return self.namespaces is None or matches_list(namespace, self.namespaces)


class Signers(msgspec.Struct, frozen=True, dict=True):
    """The file as the control ref's tip has it. `blob` is its oid, empty where there is no such file."""

    blob: Oid = Oid("")
    text: str = ""

    @cached_property
    def keys(self) -> tuple[AllowedKey, ...]:
        """The lines that can be read."""
        return tuple(found for found in read_lines(self.text) if isinstance(found, AllowedKey))

    @cached_property
    def problems(self) -> tuple[tuple[int, str], ...]:
        """Number and fault of each line that cannot be read."""
        return tuple(found for found in read_lines(self.text) if not isinstance(found, AllowedKey))


def read_lines(text: str) -> Iterator[AllowedKey | tuple[int, str]]:
    """Every line that is no comment, or its number and what is wrong with it."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            found = _read(number, line)
            yield (number, found) if isinstance(found, str) else found


def matches_list(name: str, patterns: str) -> bool:
    """Whether a name matches a comma-separated list of patterns with `*`, `?` and a leading `!` (ssh_config(5))."""
    found = False
    for pattern in patterns.split(","):
        if _matches(name, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _matches(name: str, pattern: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


def _read(number: int, line: str) -> AllowedKey | str:
    words = [found[1] for found in _WORD.finditer(line)]
    if len(words) < 3:
        return "a line is 'WRITER [OPTIONS] KEY-TYPE KEY'"
    principals, *rest = words
    options: dict[str, str] | str = {}
    if not _KEY_TYPE.fullmatch(rest[0]):
        options = _options(rest.pop(0))
    if isinstance(options, str):
        return options
    if len(rest) < 2 or not _KEY_TYPE.fullmatch(rest[0]):
        return f"'{rest[0][:40] if rest else ''}' is no type of key, as 'ssh-ed25519' is"
    key = _key(*rest[:2])
    if key is None:
        return f"what follows '{rest[0]}' is no public key"
    authority = "cert-authority" in options
    return AllowedKey(number, principals.strip('"'), key, options.get("namespaces"), authority)


def _options(word: str) -> dict[str, str] | str:
    found: dict[str, str] = {}
    end = 0
    while end < len(word):
        option = _OPTION.match(word, end)
        name = option[1].lower() if option else word[end:]
        if option is None or name not in _OPTIONS:
            return f"unknown option '{name[:40]}'; known: {', '.join(sorted(_OPTIONS))}"
        found[name] = option[2] or ""
        end = option.end()
    return found


def _key(kind: str, text: str) -> bytes | None:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        return None
    name = kind.encode("ascii")
    return key if key.startswith(len(name).to_bytes(4, "big") + name) else None
