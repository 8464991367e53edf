"""What the documents say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from conductor_git.core.codes.catalogue import CATALOGUE
from conductor_git.core.events.event import KINDS
from conductor_git.core.planning.planfile import PLAN_KEYS, WAVE_KEYS
from conductor_git.core.reporting.board import State

ROOT = Path(__file__).parent.parent
FORMAT = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")


def test_every_code_is_listed_with_the_words_of_explain() -> None:
    rows = re.findall(r"^\| (CG\d{3}) \| (.+?) \| (.+?) \|$", FORMAT, re.MULTILINE)
    assert rows == [(code.code, code.title, code.why) for code in CATALOGUE.values()]


def test_every_state_kind_and_key_is_described() -> None:
    words = [*State.__args__, *KINDS, *PLAN_KEYS, *WAVE_KEYS]  # type: ignore[attr-defined]
    assert [word for word in words if f"`{word}" not in FORMAT] == []


def test_every_code_that_the_source_names_is_in_the_catalogue() -> None:
    sources = [*(ROOT / "conductor_git").rglob("*.py"), *(ROOT / "hooks").rglob("*")]
    named = {code for path in sources if path.is_file() for code in re.findall(r"\bCG\d{3}\b", path.read_text("utf-8"))}
    assert named <= CATALOGUE.keys()
