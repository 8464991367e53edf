"""Path patterns mean what git's own pathspecs mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conductor_git.core.planning.globs import glob_problem, matches, overlap
from tests.conftest import Git

PATHS = [
    "a",
    "b",
    "a-b.rs",
    "docs/a.md",
    "docs/b/c.md",
    "docs/b/d/e.md",
    "docs2/x",
    "src/core/a.rs",
    "src/core/deep/a.rs",
    "src/lib.rs",
    "src/[x]/y",
    "src/A-Z/Z9",
    "src/ä b/ü",
    "x/src/lib.rs",
]
PATTERNS = [
    "a",
    "docs",
    "docs/",
    "docs/*",
    "docs/**",
    "docs/**/*.md",
    "docs*",
    "**",
    "*",
    "*/*",
    "**/lib.rs",
    "**/src/**",
    "src/**/a.rs",
    "src/***/a.rs",
    "src/**a.rs",
    "src/?ib.rs",
    "src/[k-m]ib.rs",
    "src/[!l]ib.rs",
    "src/[^k]ib.rs",
    "src/[[:alpha:]]ib.rs",
    "src/[z-a]ib.rs",
    "src/[]l]ib.rs",
    "src/[a\\-l]ib.rs",
    "src/\\[x\\]/y",
    "src/[[]x]/*",
    "src/[[:upper:]]-?/[A-Z][0-9]",
    "src/ä*/?",
    "src/ä*/??",
    "src/ä b/*",
    "[ab]",
    "a[-x]b.rs",
    "*.rs",
    "src/core",
    "src/core/",
    "src/c*e/**",
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file at each of PATHS."""
    folder = tmp_path_factory.mktemp("paths")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    return folder


def git_says(folder: Path, git: Git, pattern: str) -> list[str]:
    """The paths that git takes for this pattern."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
        git(folder, "add", ".")
    listed = git(folder, "ls-files", "-z", "--", f":(top,glob){pattern}")
    return sorted(path for path in listed.split("\0") if path)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_matches_what_git_matches(tree: Path, git: Git, pattern: str) -> None:
    assert glob_problem(pattern) == ""
    assert [path for path in sorted(PATHS) if matches(pattern, path)] == git_says(tree, git, pattern)


@given(pattern=st.text(alphabet="ab*?[]!-/\\.", min_size=1, max_size=8))
@example(pattern="[!]")
@example(pattern="[]")
@example(pattern="[]]")
@example(pattern="[!]]")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_matches_what_git_matches_for_any_pattern(tree: Path, git: Git, pattern: str) -> None:
    if glob_problem(pattern) == "":
        assert [path for path in sorted(PATHS) if matches(pattern, path)] == git_says(tree, git, pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "empty"),
        ("/src", "absolute"),
        (":(exclude)src", "magic"),
        (":!src", "magic"),
        ("../up", "'..'"),
        ("a/../b", "'..'"),
        ("./a", "'.'"),
        ("a//b", "empty part"),
        ("a\0b", "NUL"),
        ("src/[ab", "without ']'"),
        ("src/[a/b]", "without ']'"),
        ("src\\", "before nothing"),
        ("src/*/", "'src/*/**'"),
    ],
)
def test_unusable_patterns_are_refused_with_the_reason(pattern: str, problem: str) -> None:
    assert problem in glob_problem(pattern)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src", "src/core/a.rs"),
        ("src/**", "src/core"),
        ("src/**/a.rs", "src/core/*.rs"),
        ("**/*.md", "docs/**"),
        ("**", "x"),
        ("src/a*", "src/*b"),
        ("src/[a-c]x", "src/bx"),
        ("src/[a-c]x", "src/[d-f]x"),
        ("docs/", "docs/*.md"),
        ("a/**/b/**", "a/b/c"),
        ("*", "README"),
        ("src/?", "src/*"),
    ],
)
def test_overlapping_patterns_overlap_both_ways(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/core/**", "src/cli/**"),
        ("src", "srcs"),
        ("src/*.rs", "src/*.py"),
        ("src/*", "src/core/a.rs"),
        ("docs/**/*.md", "docs/**/*.rst"),
        ("src/[a-c]x", "src/dx"),
        ("*", "src/a"),
        ("src/**", "src2/**"),
        ("a?", "a"),
        ("src/\\*", "src/a"),
        ("bindings/python/**", "bindings/node/**"),
    ],
)
def test_disjoint_patterns_do_not(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)


GLOBS = st.text(alphabet="ab*?/", min_size=1, max_size=7).filter(lambda text: not glob_problem(text))


@given(GLOBS, GLOBS, st.text(alphabet="ab/", min_size=1, max_size=7).filter(lambda text: "" not in text.split("/")))
def test_a_path_in_both_patterns_means_that_they_overlap(one: str, other: str, path: str) -> None:
    if matches(one, path) and matches(other, path):
        assert overlap(one, other)


@given(GLOBS)
def test_a_pattern_overlaps_itself(pattern: str) -> None:
    assert overlap(pattern, pattern)
