"""`explain`: every code has an answer, and a wrong one has a near one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import conductor_git
from conductor_git.commands.explain import explain
from conductor_git.core.codes.catalogue import CATALOGUE
from conductor_git.core.errors import CannotRun


@pytest.mark.parametrize("code", ["CG201", "cg201", "201", "[CG201]", " CG201 "])
def test_a_code_is_found_however_it_is_copied(code: str) -> None:
    assert explain(code).text == (
        "CG201: no validation of this content\n\n"
        "No attestation in the ledger is about exactly this product tree, plan, wave and rules.\n\n"
        "what to do: `conductor-git claim` validates and commits in one step; `conductor-git validate` only validates."
    )


def test_without_a_code_all_are_listed() -> None:
    listed = explain().text.splitlines()
    assert len(listed) == len(CATALOGUE) > 40
    assert listed[0] == "CG101  unknown plan or wave"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("CG20", "conductor-git explain CG2"),
        ("malformed claims", "conductor-git explain CG102"),
        ("999", "conductor-git explain"),
        ("", "conductor-git explain"),
    ],
)
def test_a_code_that_does_not_exist_has_the_nearest_as_its_hint(typed: str, hint: str) -> None:
    with pytest.raises(CannotRun) as caught:
        explain(typed)
    assert caught.value.what == f"there is no code '{typed}'"
    assert caught.value.hint.startswith(hint)
    word = caught.value.hint.removeprefix("conductor-git explain").strip()
    assert not word or explain(word).code == 0


def test_every_code_that_the_product_prints_is_in_the_catalogue() -> None:
    printed = set()
    for path in Path(conductor_git.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                printed |= set(re.findall(r"\bCG[0-9]{3}\b", node.value))
    assert printed - CATALOGUE.keys() == set()
