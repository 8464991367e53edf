"""What is read without a YAML parser is what a YAML parser reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conductor_git.core.planning.frontmatter import _parsed, cut
from conductor_git.core.planning.plainyaml import read_plain
from conductor_git.core.planning.problems import Problems
from conductor_git.core.planning.yamlnodes import Items, Pairs, Text

PLANS = sorted((Path(__file__).parent.parent / "examples" / "plans").glob("*.md"))

_WORDS = st.sampled_from(
    [
        *("plan", "a b", "2.10", "no", "1", "é", "x - y", "...", "---", "-", "a:b", "'q'", '"q, [r]"', '"a\\n"', "#c"),
        *("a #c", "*", "&a", "!t", "|", ">", "%", "@", "?", "~", "null", "<<", ".", "/", "a ", ""),
        *("\t", "\u00a0", "\u2028", "\ufeff"),
    ]
)
_FLOW = st.recursive(
    _WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(st.tuples(_WORDS, inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=6,
)
_LINE = st.tuples(
    st.integers(0, 4), st.sampled_from(["", "- ", "- - "]), _WORDS, st.sampled_from([": ", ":", "", " "]), _FLOW
)
_SOURCE = st.lists(_LINE.map(lambda each: " " * each[0] + "".join(each[1:])), min_size=1, max_size=6)
_GOOD_LINE = st.tuples(st.sampled_from(["", "  ", "    "]), st.sampled_from(["plan: ", "waves:", "- "]), _FLOW)


@given(st.one_of(_SOURCE, st.lists(_GOOD_LINE.map("".join), min_size=1, max_size=6)))
@example(["title: a", "  b"])
@example(["needs:", "- 1"])
@example(["waves:", "  1: {title: x}", "   2: {title: y}"])
@example(["waves:", "    1: {title: x}", "  2: {title: y}"])
@example(["waves:", "  1:", "    title: x", "  2: y"])
@example(["a: [b, c]]"])
@example(["a: {b}"])
@example(["a: b: c"])
def test_what_is_plain_has_no_other_reading(lines: list[str]) -> None:
    source = "".join(f"{line}\n" for line in lines)
    plain = read_plain(source, 2)
    if plain is not None:
        problems = Problems("plan.md")
        assert _parsed(source, 2, problems) == plain
        assert problems.found() == ()


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_plans_as_this_tool_writes_them_are_plain(path: Path) -> None:
    matter = cut(path.read_text("utf-8"), Problems(path.name))
    assert matter is not None
    assert read_plain(matter.yaml, matter.yaml_line) is not None


def test_nodes_know_their_lines() -> None:
    assert read_plain('plan: 1\nscope:\n  - "a/**"\nwaves:\n  1: {title: b c}\n', 2) == Pairs(
        2,
        (
            (Text(2, "plan"), Text(2, "1")),
            (Text(3, "scope"), Items(4, (Text(4, "a/**"),))),
            (Text(5, "waves"), Pairs(6, ((Text(6, "1"), Pairs(6, ((Text(6, "title"), Text(6, "b c")),))),))),
        ),
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "a: b",
        "a:\n",
        "a: 'b'\n",
        "a: b  # c\n",
        "a: [b,c]\n",
        "- a: b\n",
        "a: &x b\n",
        f"a: {'[' * 20}{']' * 20}\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(source: str) -> None:
    assert read_plain(source, 2) is None
