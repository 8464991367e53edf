"""Changing YAML as text, so that comments, order and quoting of everything else stay as people wrote them."""

from __future__ import annotations

from typing import Any

Node = Any
"""A composed PyYAML node: `.value`, `.start_mark` and `.end_mark` with `.index`, `.line` and `.column`."""


class CannotEdit(Exception):
    """The text is not such a file, or not laid out so that lines can be added or taken out; says why."""


def compose(text: str) -> Node | None:
    """The root node; None for a file without content. Raises CannotEdit where the text is no YAML."""
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise CannotEdit(_one_line(error)) from error


def load(text: str) -> Any:
    """The values. Raises CannotEdit where the text is no YAML."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CannotEdit(_one_line(error)) from error


def is_mapping(node: Node | None) -> bool:
    """Whether the node is a mapping in block style, which lines can be added to."""
    return node is not None and node.id == "mapping" and not node.flow_style


def is_sequence(node: Node | None) -> bool:
    """Whether the node is a sequence in block style, which lines can be added to."""
    return node is not None and node.id == "sequence" and not node.flow_style


def entry(mapping: Node, key: str) -> tuple[Node, Node] | None:
    """The key node and the value node of that key."""
    return next(((name, value) for name, value in mapping.value if name.value == key), None)


def value(mapping: Node, key: str) -> Node | None:
    """The value node of that key."""
    found = entry(mapping, key)
    return None if found is None else found[1]


def is_empty(node: Node) -> bool:
    """Whether nothing is written for the node: `key:` alone."""
    return bool(node.id == "scalar" and node.start_mark.index == node.end_mark.index)


def line_after(text: str, node: Node) -> int:
    """Where the line after the node's last content begins; comments further down stay below it."""
    end = _last_leaf(node).end_mark.index
    written = text[:end].rstrip()
    line_end = text.find("\n", len(written))
    return len(text) if line_end < 0 else line_end + 1


def line_of(text: str, node: Node) -> int:
    """Where the line begins on which the node begins."""
    return text.rfind("\n", 0, node.start_mark.index) + 1


def insert(text: str, at: int, block: str) -> str:
    """The text with whole lines put in at the beginning of a line, or at its end."""
    before = text[:at]
    return f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{block}{text[at:]}"


def indent(block: str, columns: int) -> str:
    """The lines of a block, moved to the right."""
    return "".join(f"{' ' * columns}{line}\n" for line in block.splitlines())


def _last_leaf(node: Node) -> Node:
    # A block collection ends, for the parser, where the next token begins: comments in between would be inside it.
    while node.id != "scalar" and node.value and not node.flow_style:
        last = node.value[-1]
        node = (last[0] if is_empty(last[1]) else last[1]) if node.id == "mapping" else last
    return node


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
