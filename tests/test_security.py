"""docs/SECURITY.md says what the table of attacks says, and names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from conductor_git.core.attacks.table import ATTACKS
from conductor_git.core.codes.catalogue import CATALOGUE

TESTS = Path(__file__).parent
DOORS = ("pre-commit", "commit-msg", "pre-merge-commit", "reference-transaction", "pre-push")
PAGE = (TESTS.parent / "docs/SECURITY.md").read_text(encoding="utf-8")


def test_every_attack_is_told_with_what_is_promised() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (\w+) \| (\w+) \| .+ \|$", PAGE, re.MULTILINE)
    assert rows == [(each.name, each.words, each.l0, each.l2) for each in ATTACKS]


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 25
    for file, function in named:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not function or function in functions, f"{file}::{function}"


def test_every_code_that_is_named_is_known() -> None:
    assert set(re.findall(r"\bCG\d{3}\b", PAGE)) <= CATALOGUE.keys()


def test_every_attack_names_who_answers_and_its_own_test() -> None:
    replayed = re.findall(r"^\| `[a-z-]+` \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
    assert [by for by in replayed if not set(re.findall(r"[a-z-]+", by)) & {*DOORS, "audit", "hub"}] == []
    _, _, more = PAGE.partition("\n## More attacks")
    rows = [line.strip("| ").split(" | ") for line in more.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 40
    assert [row for row in rows if len(row) != 3 or not re.fullmatch(r"`test_\w+\.py::test_\w+`", row[2])] == []
