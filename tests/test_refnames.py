"""Branch names follow git's rules; durations and slugs are what people write."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.durations import parse_duration, render_duration
from conductor_git.core.planning.refnames import branch_problem, slug


def git_takes(name: str) -> bool:
    """Whether git makes a branch of this name."""
    checked = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
    return checked.returncode == 0 and name not in ("HEAD", "@") and not name.startswith("-")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("agent-2/educational", ""),
        ("träger/ü", ""),
        ("$(x)", ""),
        ("a@b", ""),
        ("", "empty"),
        ("-f", "'-'"),
        ("HEAD", "itself"),
        ("@", "itself"),
        ("a b", "no space"),
        ("a~1", "'~'"),
        ("a\x07", "U+0007"),
        ("a..b", "'..'"),
        ("a@{b", "'@{'"),
        ("a//b", "'//'"),
        ("/a", "'/'"),
        ("a/", "'/'"),
        ("a.", "'.'"),
        ("a/.b", "'.b'"),
        ("a.lock/b", "'a.lock'"),
        ("a\udc80", "UTF-8"),
    ],
)
def test_branch_problems_are_named(name: str, problem: str) -> None:
    assert (branch_problem(name) == "") == (problem == "")
    assert problem in branch_problem(name)


@given(st.text(alphabet="aA.-/@{}~^:?*[\\ lock\x01\x7fü", max_size=10))
@settings(max_examples=120, deadline=None)
def test_the_same_names_as_git(name: str) -> None:
    assert (branch_problem(name) == "") == git_takes(name)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Performance recovery", "performance-recovery"),
        ("  Wörter & Größe! ", "worter-grosse"),
        ("解説", "plan-9"),
        ("a" * 60, "a" * 48),
        ("word " * 20, "word-word-word-word-word-word-word-word-word"),
    ],
)
def test_slugs(title: str, expected: str) -> None:
    assert slug(title, otherwise="plan-9") == expected
    assert branch_problem(slug(title, otherwise="plan-9")) == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20m", 1200),
        ("1h30m", 5400),
        ("45s", 45),
        ("90m", 5400),
        ("0s", 0),
        ("", None),
        ("20", None),
        ("20 m", None),
        ("7d", 604_800),
        ("1d2h", 93_600),
        ("1h1d", None),
        ("30m1h", None),
        ("٢٠m", None),
        ("-5m", None),
        ("1.5h", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(min_value=0, max_value=10**8))
def test_a_rendered_duration_reads_back(seconds: int) -> None:
    assert parse_duration(render_duration(seconds)) == seconds
