"""YAML front matter: cut off, and read into nodes.

YAML's own types are not wanted: it reads `2.10` as 2.1, `010` as 8 and `no` as false, and drops duplicate keys.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from conductor_git.core.planning.plainyaml import read_plain
from conductor_git.core.planning.problems import Problems
from conductor_git.core.planning.yamlnodes import Items, Node, Pairs, Text

_QUOTE = "a value with ': ', ' #' in it, or with '*', '&', '!', '[' or '{' first, stands in quotes"
_DEPTH_LIMIT = 16


class Matter(msgspec.Struct, frozen=True):
    """A plan file cut in two. Lines are those of the whole file."""

    yaml: str
    yaml_line: int
    body: str
    body_line: int


def cut(text: str, problems: Problems) -> Matter | None:
    """The front matter between the first line `---` and the next, and what follows; None (and an error) without."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        problems.add(1, "", "no front matter: the first line must be '---'")
        return None
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        problems.add(1, "", "the front matter is not closed: there is no second '---'")
        return None
    return Matter("\n".join(lines[1:end]) + "\n", 2, "\n".join(lines[end + 1 :]), end + 2)


def compose(source: str, first_line: int, problems: Problems) -> Node | None:
    """Read one YAML document; None where it is empty or (with errors) cannot be read."""
    return read_plain(source, first_line) or _parsed(source, first_line, problems)


def _parsed(source: str, first_line: int, problems: Problems) -> Node | None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(first_line, problems)
    try:
        for event in yaml.parse(source, Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        _not_yaml(error, source, first_line, problems)
        return None
    except _TooDeepError as error:
        problems.add(error.line, "", "nested too deeply")
        return None
    return builder.root


def _not_yaml(error: Any, source: str, first_line: int, problems: Problems) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    lines = source.split("\n")
    place = min(mark.line if mark else 0, len(lines) - 1)
    if re.match(r" *\t", lines[place]):
        problems.add(first_line + place, "", "a tab indents this line; YAML indents with spaces")
        return
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    problems.add(first_line + place, "", f"not YAML: {said}", _QUOTE)


class _TooDeepError(Exception):
    """Raised to stop at once: libyaml's time is quadratic in the depth of `[[[[…`."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class _Frame:
    """A list or mapping that is still open."""

    def __init__(self, line: int, mapping: bool) -> None:
        self.line = line
        self.mapping = mapping
        self.nodes: list[Node] = []

    @property
    def key(self) -> str:
        """The key whose value comes next, where there is one."""
        last = self.nodes[-1] if self.mapping and len(self.nodes) % 2 else None
        return last.value if isinstance(last, Text) else ""


class _Builder:
    """Turns the parser's events into nodes without recursion, noting what plans do not use of YAML."""

    def __init__(self, first_line: int, problems: Problems) -> None:
        self.first_line = first_line
        self.problems = problems
        self.root: Node | None = None
        self._open: list[_Frame] = []

    def take(self, event: Any) -> None:
        """Take the next event."""
        name = type(event).__name__
        line = self.first_line + event.start_mark.line
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            self._begin(event, line, mapping=name == "MappingStartEvent")
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._end()
        elif name == "ScalarEvent":
            self._refuse_extras(event, line)
            self._put(Text(line, event.value, absent=not event.style and not event.value))
        elif name == "AliasEvent":
            self._complain(line, f"alias '*{event.anchor}': plans have no aliases; write the value again")
            self._put(Text(line, "", absent=True))
        elif name == "DocumentStartEvent" and self.root is not None:
            self._complain(line, "more than one YAML document in the front matter")

    def _begin(self, event: Any, line: int, *, mapping: bool) -> None:
        self._refuse_extras(event, line)
        if len(self._open) == _DEPTH_LIMIT:
            raise _TooDeepError(line)
        self._open.append(_Frame(line, mapping))

    def _end(self) -> None:
        frame = self._open.pop()
        if frame.mapping:
            self._put(Pairs(frame.line, tuple(self._pairs(frame.nodes))))
        else:
            self._put(Items(frame.line, tuple(frame.nodes)))

    def _pairs(self, nodes: list[Node]) -> list[tuple[Text, Node]]:
        pairs = []
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if isinstance(key, Text):
                pairs.append((key, value))
            else:
                self._complain(key.line, "a key is one word, not a list or mapping")
        return pairs

    def _put(self, node: Node) -> None:
        if self._open:
            self._open[-1].nodes.append(node)
        elif self.root is None:
            self.root = node

    def _refuse_extras(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._complain(line, f"anchor '&{event.anchor}': plans have no anchors; write the value again")
        if event.tag is not None:
            self._complain(line, f"tag '{event.tag}': plans have no tags; every value is text")

    def _complain(self, line: int, message: str) -> None:
        key = ".".join(frame.key for frame in self._open if frame.key)
        self.problems.add(line, key, message)
