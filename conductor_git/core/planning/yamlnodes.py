"""YAML as a tree in which every scalar is text and every node knows its line."""

from __future__ import annotations

import msgspec


class Text(msgspec.Struct, frozen=True):
    """A scalar. `absent` is an empty one without quotes: the same as leaving the key out."""

    line: int
    value: str
    absent: bool = False


class Items(msgspec.Struct, frozen=True):
    """A list."""

    line: int
    items: tuple[Node, ...]


class Pairs(msgspec.Struct, frozen=True):
    """A mapping in the order of the file, duplicates and all."""

    line: int
    pairs: tuple[tuple[Text, Node], ...]


Node = Text | Items | Pairs
