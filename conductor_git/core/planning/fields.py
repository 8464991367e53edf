"""Reading the keys of one mapping of the front matter: each value checked, each fault noted with line and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from conductor_git.core.planning.problems import Problems, unknown
from conductor_git.core.planning.values import line_problem
from conductor_git.core.planning.yamlnodes import Items, Node, Pairs, Text

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_COUNT = re.compile(r"[0-9]{1,9}")

Check = Callable[[str], str]
"""Why a text cannot be this value; empty when it can."""


class Fields:
    """The keys of one mapping. What is missing or wrong reads as the default, and the fault is in `problems`."""

    def __init__(self, node: Pairs, prefix: str, known: Sequence[str], problems: Problems) -> None:
        self.line = node.line
        self.prefix = prefix
        self.problems = problems
        self._nodes = _by_key(node, prefix, known, problems)

    def path(self, name: str) -> str:
        """The dotted key of a field."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def fault(self, name: str, message: str, *, node: Node | None = None, hint: str = "") -> None:
        """Note a fault of a field, at the node's line, else where the field stands, else where the mapping begins."""
        found = node or self._nodes.get(name)
        self.problems.add(found.line if found else self.line, self.path(name), f"'{self.path(name)}' {message}", hint)

    def node(self, name: str) -> Node | None:
        """The value of a field; None where it is left out or empty."""
        found = self._nodes.get(name)
        return None if isinstance(found, Text) and found.absent else found

    def text(self, name: str, check: Check | None = None) -> str:
        """A field of one text; empty where it is left out."""
        found = self.node(name)
        if found is None:
            return ""
        if not isinstance(found, Text):
            self.fault(name, f"is one text, not {_kind(found)}", node=found)
            return ""
        return self._checked(name, found, check or line_problem)

    def required(self, name: str, check: Check | None = None) -> str:
        """A field of one text that must be there."""
        if self.node(name) is None:
            self.fault(name, "is missing")
        return self.text(name, check)

    def texts(self, name: str, check: Check | None = None) -> tuple[str, ...]:
        """A field of several texts; one text stands for a list of one."""
        return tuple(self._checked(name, node, check or line_problem) for node in self.each(name))

    def each(self, name: str) -> list[Text]:
        """The items of a field of several texts, as they stand."""
        found = self.node(name)
        listed = found.items if isinstance(found, Items) else () if found is None else (found,)
        for node in listed:
            if not isinstance(node, Text) or node.absent:
                wrong = "an empty item" if isinstance(node, Text) else _kind(node)
                self.fault(name, f"is a list of texts, and has {wrong}", node=node)
        return [node for node in listed if isinstance(node, Text) and not node.absent]

    def flag(self, name: str, default: bool) -> bool:
        """A field that is `true` or `false`."""
        said = self.text(name)
        if said not in ("", "true", "false"):
            self.fault(name, f"is 'true' or 'false', not '{said}'")
        return default if said not in ("true", "false") else said == "true"

    def number(self, name: str) -> float | None:
        """A field of one finite number in ASCII digits."""
        said = self.text(name)
        if not said:
            return None
        value = float(said) if _NUMBER.fullmatch(said) else float("inf")
        if value in (float("inf"), float("-inf")):
            self.fault(name, f"is a number, not '{said}'")
            return None
        return value

    def count(self, name: str, least: int) -> int | None:
        """A field of one whole number from `least` up."""
        said = self.text(name)
        if not said:
            return None
        if not _COUNT.fullmatch(said) or int(said) < least:
            self.fault(name, f"is a whole number, {least} or more, not '{said}'")
            return None
        return int(said)

    def mapping(self, name: str, known: Sequence[str]) -> Fields | None:
        """A field that is a mapping with these keys."""
        found = self.node(name)
        if found is None:
            return None
        if not isinstance(found, Pairs):
            self.fault(name, f"is a mapping of {', '.join(known)}, not {_kind(found)}", node=found)
            return None
        return Fields(found, self.path(name), known, self.problems)

    def _checked(self, name: str, node: Text, check: Check) -> str:
        problem = "it is empty" if not node.value else check(node.value)
        if not problem:
            return node.value
        self.fault(name, f"cannot be '{_shown(node.value)}': {problem}", node=node)
        return ""


def _shown(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= 80 else plain[:77] + "..."


def _kind(node: Node) -> str:
    return {Text: "a text", Items: "a list", Pairs: "a mapping"}[type(node)]


def _by_key(node: Pairs, prefix: str, known: Sequence[str], problems: Problems) -> dict[str, Node]:
    found: dict[str, Node] = {}
    first: dict[str, int] = {}
    for key, value in node.pairs:
        path = f"{prefix}.{key.value}" if prefix else key.value
        if key.value in first:
            problems.add(key.line, path, f"key '{_shown(path)}' stands twice, first in line {first[key.value]}")
        elif known and key.value not in known:
            problems.add(key.line, path, unknown("key", _shown(key.value), known))
        else:
            found[key.value] = value
        first.setdefault(key.value, key.line)
    return found
