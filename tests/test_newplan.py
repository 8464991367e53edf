"""New plans: numbers that are free, and paths that the policy finds again."""

from __future__ import annotations

import pytest

from conductor_git.core.planning.globs import matches
from conductor_git.core.planning.newplan import new_plan, next_number, path_for
from conductor_git.core.planning.plan import BrokenPlan, Plan, Wave
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.plantext import render_plan
from conductor_git.core.planning.policy import Policy


@pytest.mark.parametrize(
    ("ids", "broken", "names", "expected"),
    [
        ([], [], [], 1),
        (["2", "10", "parser"], [], [], 11),
        (["0"], [], [], 1),
        (["2"], ["7", None], [], 8),
        (["2"], [], ["9-draft.md", "README.md", "12.md", "x-13-y.md"], 10),
    ],
)
def test_the_next_number_is_above_all(
    ids: list[str], broken: list[str | None], names: list[str], expected: int
) -> None:
    plans = [Plan(plan, "", "") for plan in ids]
    assert next_number(plans, [BrokenPlan("", (), plan) for plan in broken], names) == expected


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        (".conductor/plans/*.md", ".conductor/plans/3-x.md"),
        ("docs/plan-*.md", "docs/plan-3-x.md"),
        ("plans/**/*.md", "plans/3-x.md"),
        ("*.plan", "3-x.plan"),
        ("docs/PLAN_*_*.md", "docs/PLAN__3-x.md"),
    ],
)
def test_the_path_is_one_that_the_policy_finds(glob: str, expected: str) -> None:
    assert path_for(glob, "3-x") == expected
    assert matches(glob, expected)


def test_a_new_plan_is_what_its_file_says() -> None:
    plan = new_plan("Faster: 'parser' ✓", ["Measure", "Re-write: all"], Policy("r"), 3, agent="", branch="")
    assert (plan.plan, plan.path, plan.agent) == ("3", ".conductor/plans/3-faster-parser.md", "agent-3")
    assert plan.branch == "agent-3/faster-parser"
    assert plan.waves == (Wave(1, "Measure"), Wave(2, "Re-write: all"))
    assert parse_plan(render_plan(plan), plan.path) == plan
