"""Styled lines: widths in cells, columns, and text that goes on below itself."""

from __future__ import annotations

import pytest

from conductor_git.core.reporting.lines import cells, columns, one_line, plain, shorten, wrap


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("漢字", 4), ("✅", 2), ("✔\ufe0f", 1)]
)
def test_cells_are_those_of_a_terminal(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢", 4, "漢…"), ("ab cd", 4, "ab…"), ("abc", 1, "…")],
)
def test_shortened_text_fits_and_says_that_it_was_cut(text: str, width: int, short: str) -> None:
    assert shorten(text, width) == short
    assert cells(shorten(text, width)) <= width


def test_wrapping_breaks_between_words_only() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("incomprehensibilities are long", 10) == ["incomprehensibilities", "are long"]
    assert wrap("", 10) == [""]


def test_text_from_a_repository_stays_in_its_line() -> None:
    assert one_line("a\nb\x1b[31m\tc\u202e") == "a b\\x1b[31m\\tc\\u202e"


def test_columns_are_as_wide_as_their_widest_cell_and_empty_ones_take_no_room() -> None:
    rows = [[("漢字", ""), ("", ""), ("x", "")], [("a", ""), ("", ""), ("y", "")]]
    assert plain(columns(rows, 80)) == "漢字  x\na     y"  # type: ignore[arg-type]


def test_the_last_column_goes_on_below_itself() -> None:
    rows = [[("key", ""), ("one two three four five six seven", "dim")]]
    assert plain(columns(rows, 30)) == "key  one two three four five\n     six seven"  # type: ignore[arg-type]


def test_no_rows_are_no_lines() -> None:
    assert columns([], 80) == []
