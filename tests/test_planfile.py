"""Plan files: what they say, what is wrong with them and where, and that what we write we read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.planning import sections
from conductor_git.core.planning.plan import BrokenPlan, Criterion, Manual, Plan, Validation, Wave
from conductor_git.core.planning.planfile import PLAN_KEYS, WAVE_KEYS, parse_plan
from conductor_git.core.planning.plantext import render_plan
from conductor_git.core.targets import Target

PATH = ".conductor/plans/2.md"
VECTORS = json.loads((Path(__file__).parent / "vectors" / "plans.json").read_text("utf-8"))["cases"]


def given_fields(value: Any) -> Any:
    """A struct as JSON values, without what has its default."""
    if isinstance(value, msgspec.Struct) and not isinstance(value, Target):
        listed = msgspec.structs.fields(value)
        pairs = {
            field.name: getattr(value, field.name) for field in listed if getattr(value, field.name) != field.default
        }
        return {name: given_fields(found) for name, found in pairs.items()}
    if isinstance(value, tuple):
        return [given_fields(item) for item in value]
    return msgspec.to_builtins(value)


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_vectors(case: dict[str, Any]) -> None:
    read = parse_plan(case["file"], PATH)
    if "plan" in case:
        assert given_fields(read) == {**case["plan"], "path": PATH}
        return
    assert isinstance(read, BrokenPlan)
    assert [(error.line, error.key) for error in read.errors] == [
        (each["line"], each["key"]) for each in case["errors"]
    ]
    for error, expected in zip(read.errors, case["errors"], strict=True):
        assert expected["says"] in error.message
        assert error.path == PATH
    assert read.plan == case["of"]


def test_an_error_shows_file_and_line() -> None:
    read = parse_plan("---\nplan: 2\ntitel: T\nwaves: {1: }\n---\n", "plans/2.md")
    assert isinstance(read, BrokenPlan)
    assert str(read.errors[1]) == "plans/2.md:3: unknown key 'titel'; did you mean 'title'?"


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (b"---\nplan: 2\ntitle: \xff\n---\n", 3, "not UTF-8: byte 0xff"),
        ("---\nplan: 2\ntitle: \udcff\n---\n", 3, "not UTF-8"),
        ("---\nplan: 2\n---\n".encode("utf-16"), 1, "not UTF-8"),
        (b"---\nplan: 2\n---\n" + b"x" * 1_000_000, 1, "larger than 256 KiB"),
        (b"---\nplan: 2\n---\n\nfoo\0\n", 5, "U+0000"),
    ],
)
def test_files_that_are_no_text_have_one_clear_error(source: str | bytes, line: int, says: str) -> None:
    read = parse_plan(source, PATH)
    assert isinstance(read, BrokenPlan)
    ((found,), plan) = read.errors, read.plan
    assert (found.line, plan) == (line, None)
    assert says in found.message


def test_the_pure_python_loader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    with_c = [parse_plan(case["file"], PATH) for case in VECTORS]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    without = [parse_plan(case["file"], PATH) for case in VECTORS]
    assert [plan for plan in without if isinstance(plan, Plan)] == [plan for plan in with_c if isinstance(plan, Plan)]


def test_errors_do_not_pile_up_without_end() -> None:
    read = parse_plan("---\n" + "".join(f"k{number}: x\n" for number in range(5000)) + "---\n", PATH)
    assert isinstance(read, BrokenPlan)
    assert len(read.errors) == 200


FULL = Plan(
    plan="2",
    title="Education: the first 100%",
    path=PATH,
    agent="agent-2",
    agent_kind="rust-engineer",
    branch="agent-2/educational",
    workspace="../w",
    validation=Validation("verify.sh", ("--quick", "a b", ""), 5400),
    needs=(Target("1"), Target("slug-x", 3)),
    scope=("crates/core/src/educational/**", "docs/**", "a very long folder name/with spaces/and more/**/*.md"),
    criteria=(Criterion("tests.passed", 676), Criterion("bench.*", None, 1.05, True, False)),
    platforms=("linux-x86_64",),
    waves=(
        Wave(0, "Audit", text="- [ ] look\n\n```\n## Wave 9: no\n```"),
        Wave(
            3,
            "Explain API",
            needs=(Target("1", 4),),
            after_none=True,
            freezes=("crates/core/src/explain.rs", "crates/core/src/explain/**/*.rs"),
            manual=Manual(3, 7),
            platforms=("linux-x86_64", "macos-arm64", "windows-x86_64"),
            validation=Validation("w.sh"),
            criteria=(Criterion("size", at_most=48),),
            records_baseline=True,
        ),
        Wave(1),
    ),
    text="What and why.\n\n## Risks\n\nSome.",
)


def test_rendering_is_what_a_person_would_write() -> None:
    assert render_plan(FULL) == (
        """---
plan: 2
title: "Education: the first 100%"
agent: {name: agent-2, kind: rust-engineer}
branch: agent-2/educational
workspace: ../w
validation: {script: verify.sh, args: ["--quick", a b, ""], timeout: 1h30m}
needs: [1, slug-x.3]
scope:
  - "crates/core/src/educational/**"
  - "docs/**"
  - "a very long folder name/with spaces/and more/**/*.md"
criteria:
  - {metric: tests.passed, at-least: 676}
  - {metric: "bench.*", at-most: 1.05, of: baseline, waivable: false}
platforms: [linux-x86_64]
waves:
  0: {title: Audit}
  3:
    title: Explain API
    needs: [1.4]
    after: none
    freezes: [crates/core/src/explain.rs, "crates/core/src/explain/**/*.rs"]
    manual: {people: 3, at-least: 7}
    platforms: [linux-x86_64, macos-arm64, windows-x86_64]
    validation: w.sh
    criteria: [{metric: size, at-most: 48}]
    records-baseline: true
  1: {}
---

What and why.

## Risks

Some.

## Wave 0: Audit

- [ ] look

```
## Wave 9: no
```

## Wave 3: Explain API

## Wave 1
"""
    )


def test_a_rendered_plan_reads_back() -> None:
    assert parse_plan(render_plan(FULL), PATH) == FULL


@pytest.mark.parametrize("case", [case for case in VECTORS if "plan" in case], ids=lambda case: case["name"])
def test_every_plan_of_the_vectors_reads_back(case: dict[str, Any]) -> None:
    plan = parse_plan(case["file"], PATH)
    assert isinstance(plan, Plan)
    assert parse_plan(render_plan(plan), PATH) == plan


LINE = st.text(min_size=1, max_size=20).filter(
    lambda text: isinstance(parse_plan(f"---\nplan: 1\ntitle: {json.dumps(text)}\nwaves: {{1: }}\n---\n", PATH), Plan)
)
TARGET = st.builds(Target, st.sampled_from(["1", "22", "slug-x"]), st.none() | st.integers(0, 999_999_999))
NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=64)
SCOPES = st.lists(
    st.sampled_from(["a", "src/**", "docs/*.md", "ä ö/x", "a: b", "#x", "'q'", '"', "*"]), max_size=4
).map(tuple)
CRITERIA = st.lists(
    st.builds(Criterion, LINE, NUMBER, st.none(), st.booleans(), st.booleans())
    | st.builds(Criterion, LINE, st.none(), NUMBER, st.booleans(), st.booleans()),
    max_size=2,
).map(tuple)
VALIDATION = st.none() | st.builds(
    Validation,
    st.sampled_from(["v.sh", "a/b c.sh"]),
    st.lists(st.text(alphabet="ab -:#'\"\n\t{}[],&*!|>%@`ü", max_size=8), max_size=3).map(tuple),
    st.none() | st.integers(1, 10**6),
)
WAVE = st.builds(
    Wave,
    number=st.integers(0, 999_999_999),
    title=st.just("") | LINE,
    needs=st.lists(TARGET, max_size=3).map(tuple),
    after_none=st.booleans(),
    freezes=SCOPES,
    manual=st.none() | st.builds(Manual, st.integers(1, 99), NUMBER),
    platforms=st.lists(st.sampled_from(["linux-x86_64", "macos-arm64"]), max_size=2).map(tuple),
    validation=VALIDATION,
    criteria=CRITERIA,
    records_baseline=st.booleans(),
)
PLAN = st.builds(
    Plan,
    plan=st.sampled_from(["0", "2", "parser-speed"]),
    title=LINE,
    path=st.just(PATH),
    agent=st.sampled_from(["agent-2", "a_b"]),
    agent_kind=st.just("") | LINE,
    branch=st.sampled_from(["agent-2/x", "träger/#1", "a@b"]),
    workspace=st.sampled_from(["", "../w", "w x"]),
    validation=VALIDATION,
    needs=st.lists(TARGET, max_size=3).map(tuple),
    scope=SCOPES,
    criteria=CRITERIA,
    platforms=st.lists(st.sampled_from(["linux-x86_64", "macos-arm64"]), max_size=2).map(tuple),
    waves=st.lists(WAVE, min_size=1, max_size=4, unique_by=lambda wave: wave.number).map(tuple),
)


@given(PLAN)
@settings(max_examples=150, deadline=None)
def test_any_rendered_plan_reads_back(plan: Plan) -> None:
    assert parse_plan(render_plan(plan), PATH) == plan


@given(st.text() | st.binary())
def test_no_text_makes_the_parser_raise(source: str | bytes) -> None:
    assert isinstance(parse_plan(source, PATH), BrokenPlan)


PIECES = st.sampled_from(
    [
        *(f"{key}: " for key in (*PLAN_KEYS, *WAVE_KEYS)),
        *"[]{},-#:&*!'\"|>\n\t ",
        *("1", "2.3", "a", "\n  ", "ü", "\r\n", "- ", "> ", "<!--"),
        *("---\n", "## Wave 1: x\n", "```\n", "  1: {title: x}\n"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_nothing_like_a_plan_makes_the_parser_raise_and_what_it_reads_it_reads_again(text: str) -> None:
    read = parse_plan(f"---\nplan: 2\ntitle: T\nwaves: {{1: , 2: }}\n{text}", PATH)
    if isinstance(read, Plan):
        assert parse_plan(render_plan(read), PATH) == read
    else:
        assert all(1 <= error.line <= text.count("\n") + text.count("\r") + 6 for error in read.errors)


BLOCKS = st.sampled_from(
    [
        "## Wave 1: x\n",
        "# T\n",
        "## R\n",
        "```\n",
        "    code\n",
        "\n",
        "- a\n",
        "> q\n",
        "w\n",
        "---\n",
        "<b>\n",
        "  x\n",
        "# é 1. [a]: /b\n",
        "- [ ] x *y*\n",
        "w\x1e\r=\n",
        "## H\x85\n",
    ]
)


@given(st.lists(BLOCKS | st.text(max_size=4), max_size=8).map("".join))
@settings(max_examples=300, deadline=None)
def test_what_is_read_without_a_parser_is_what_the_parser_finds(body: str) -> None:
    lines = body.split("\n")
    assert sections._headings(lines) == sections._parsed_headings(lines)


@given(st.lists(BLOCKS, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_body_that_is_read_reads_back(body: str) -> None:
    read = parse_plan(f"---\nplan: 2\ntitle: T\nwaves: {{2: , 1: }}\n---\n{body}", PATH)
    if isinstance(read, Plan):
        assert parse_plan(render_plan(read), PATH) == read
