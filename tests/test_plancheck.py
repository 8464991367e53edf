"""What is wrong with plans together, and what can run side by side."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_git.core.findings import Finding
from conductor_git.core.planning.needs import NeedGraph, reach
from conductor_git.core.planning.phases import mermaid, phases, steps
from conductor_git.core.planning.plan import BrokenPlan, Plan, PlanError, Wave
from conductor_git.core.planning.plancheck import check_plans
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.rules import Script, Scripts
from conductor_git.core.targets import Oid, Target, parse_target


def plan(id: str, waves: str = "{1: }", **keys: str) -> Plan:
    """A plan from front matter; every plan has an agent and branch of its own unless `keys` say otherwise."""
    lines = "".join(f"{key}: {value}\n" for key, value in keys.items())
    read = parse_plan(f"---\nplan: {id}\ntitle: T {id}\nwaves: {waves}\n{lines}---\n", f"plans/{id}.md")
    assert isinstance(read, Plan), read
    return read


def said(findings: list[Finding]) -> list[tuple[str, str, str, str]]:
    """Code, severity, subject and message."""
    return [(finding.code, finding.severity, finding.subject, finding.message) for finding in findings]


def check(*plans: Plan) -> list[tuple[str, str, str, str]]:
    """What is wrong with these plans."""
    return said(check_plans(plans))


def test_plans_that_fit_together_have_no_finding() -> None:
    assert (
        check(plan("1"), plan("2", "{0: , 3: }", needs="[1]"), plan("3", "{1: , 4: {needs: [2.3]}}", needs="[1]")) == []
    )


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ("[9]", "2.1 needs '9', which no plan declares"),
        ("[parser-sped]", "2.1 needs 'parser-sped', which no plan declares; did you mean 'parser-speed'?"),
        ("[parser-sped.3]", "2.1 needs 'parser-sped.3', which no plan declares; did you mean 'parser-speed.3'?"),
        ("[parser-speed.3]", "2.1 needs 'parser-speed.3', and plan 'parser-speed' has only the waves 0, 1"),
    ],
)
def test_needs_of_nothing(needs: str, message: str) -> None:
    other = plan("parser-speed", "{0: , 1: }")
    assert check(other, plan("2", f"{{1: {{needs: {needs}}}}}")) == [("CG704", "error", "2.1", message)]


def test_a_plan_s_own_need_is_told_once() -> None:
    found = check(plan("2", "{1: , 2: }", needs="[9]"))
    assert found == [("CG704", "error", "2", "2 needs '9', which no plan declares")]


def test_a_need_of_a_plan_that_is_broken_is_not_unknown() -> None:
    broken = BrokenPlan("plans/1.md", (PlanError("plans/1.md", 3, "title", "'title' is missing", "a hint"),), "1")
    findings = check_plans([plan("2", needs="[1]")], [broken])
    assert said(findings) == [("CG701", "error", "1", "plans/1.md:3: 'title' is missing")]
    assert findings[0].detail == "a hint"


@pytest.mark.parametrize(
    ("plans", "circle"),
    [
        ([("2", "{1: {needs: [2.1]}}")], "2.1 -> 2.1"),
        ([("2", "{1: {needs: [2]}}")], "2.1 -> 2 -> 2.1"),
        ([("2", "{1: {needs: [2.2]}, 2: }")], "2.1 -> 2.2 -> 2.1"),
        ([("2", "{1: , 3: {needs: [4.1]}}"), ("4", "{1: {needs: [2.3]}}")], "2.3 -> 4.1 -> 2.3"),
        ([("2", "{1: {needs: [4.2]}, 2: }"), ("4", "{1: {needs: [2.2]}, 2: }")], "2.1 -> 4.2 -> 4.1 -> 2.2 -> 2.1"),
        ([("10", "{1: {needs: [9.1]}}"), ("9", "{1: {needs: [10]}}")], "9.1 -> 10 -> 10.1 -> 9.1"),
    ],
)
def test_circles_are_shown_as_a_path(plans: list[tuple[str, str]], circle: str) -> None:
    message = f"these need each other in a circle, so none can be claimed: {circle}"
    assert check(*(plan(id, waves) for id, waves in plans)) == [("CG705", "error", circle.split(" ")[0], message)]


def test_a_circle_of_plans() -> None:
    (found,) = check(plan("1", needs="[3]"), plan("2", needs="[1]"), plan("3", needs="[2]"))
    assert found[3].endswith(": 1 -> 3 -> 2 -> 1")


def test_each_knot_is_told_once_and_what_hangs_on_it_is_not() -> None:
    found = check(
        plan("1", "{1: {needs: [1.2]}, 2: , 3: }"),
        plan("2", needs="[1]"),
        plan("3", "{1: {needs: [4.1]}}"),
        plan("4", "{1: {needs: [3.1, 2]}}"),
    )
    assert [(code, message.partition(": ")[2]) for code, _, _, message in found] == [
        ("CG705", "1.1 -> 1.2 -> 1.1"),
        ("CG705", "3.1 -> 4.1 -> 3.1"),
    ]


def test_after_none_makes_no_circle() -> None:
    assert check(plan("2", "{1: {needs: [2.2]}, 2: {after: none}}")) == []


def test_branches_are_one_plan_s_alone() -> None:
    found = said(
        check_plans(
            [
                plan("1", branch="x/y"),
                plan("2", branch="x/y"),
                plan("3", branch="x"),
                plan("4", branch="main"),
                plan("5", branch="rules"),
            ],
            policy=Policy("r", control="rules"),
        )
    )
    assert found == [
        ("CG706", "error", "2", "branch 'x/y' of plan 2 is also that of plan 1"),
        ("CG706", "error", "3", "branch 'x' of plan 3 cannot stand beside 'x/y' of plan 1"),
        ("CG706", "error", "4", "branch 'main' of plan 4 is also that of integration"),
        ("CG706", "error", "5", "branch 'rules' of plan 5 is also that of control"),
    ]


def test_the_same_plan_in_two_files() -> None:
    one, other = plan("2"), parse_plan("---\nplan: 2\ntitle: U\nwaves: {1: }\n---\n", "plans/two.md")
    assert isinstance(other, Plan)
    assert check(one, other) == [
        ("CG701", "error", "2", "plans/2.md:1: plan '2' is declared in 'plans/two.md' too"),
        ("CG701", "error", "2", "plans/two.md:1: plan '2' is declared in 'plans/2.md' too"),
    ]


SCOPED = {"scope": "[src/core, docs/*.md]"}


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ("[src/core]", "'src/core'"),
        ("['src/**/x.rs']", "'src/core' and 'src/**/x.rs'"),
        ("[tests, 'docs/a*']", "'docs/*.md' and 'docs/a*'"),
    ],
)
def test_scopes_that_overlap_side_by_side(scope: str, shown: str) -> None:
    message = f"plans 1 and 2 run side by side and may both change {shown}"
    assert check(plan("1", **SCOPED), plan("2", scope=scope)) == [("CG707", "warning", "1", message)]


@pytest.mark.parametrize("scope", ["[src/cli]", "['src/*.rs']", "[docs/a/b.md]", "['docs/*.rst']", "[]"])
def test_scopes_that_are_plainly_disjoint(scope: str) -> None:
    assert check(plan("1", **SCOPED), plan("2", scope=scope)) == []


def test_scopes_may_overlap_where_one_plan_comes_after_the_other() -> None:
    one, two = plan("1", "{1: , 2: }", **SCOPED), plan("2", needs="[1]", **SCOPED)
    assert check(one, two) == []
    assert check(one, two, plan("3", needs="[2]", **SCOPED)) == []
    assert check(one, plan("2", "{1: {needs: [1.2]}, 2: }", **SCOPED)) == []


@pytest.mark.parametrize(
    "waves", ["{1: {needs: [1.1]}}", "{1: , 2: {needs: [1]}}", "{1: {needs: [1]}, 2: {after: none}}"]
)
def test_part_of_an_order_is_no_order(waves: str) -> None:
    assert [code for code, *_ in check(plan("1", "{1: , 2: }", **SCOPED), plan("2", waves, **SCOPED))] == ["CG707"]


def test_one_agent_for_two_plans_at_once() -> None:
    found = check(plan("1", agent="ada", branch="a"), plan("2", agent="ada", branch="b"))
    message = "plans 1 and 2 run side by side and both name the agent 'ada'"
    assert found == [("CG715", "warning", "1", message)]
    assert check(plan("1", agent="ada", branch="a"), plan("2", agent="ada", branch="b", needs="[1]")) == []


def test_scripts_are_looked_for_once_a_plan() -> None:
    scripts = Scripts(None, {"ok.sh": Script("100755", Oid("1" * 40)), "plain.sh": Script("100644", Oid("1" * 40))})
    plans = [
        plan("1", validation="ok.sh"),
        plan("2", "{1: , 2: , 3: }", validation="gone.sh"),
        plan("3", "{1: {validation: plain.sh}, 2: }", validation="ok.sh"),
        plan("4", "{1: , 2: }"),
    ]
    found = said(check_plans(plans, policy=Policy("r"), scripts=scripts))
    assert found == [
        ("CG703", "error", "2.1", "script '.conductor/scripts/gone.sh' is not on the control ref"),
        ("CG703", "error", "3.1", "script '.conductor/scripts/plain.sh' is not an executable file (mode 100644)"),
        ("CG210", "error", "4.1", "neither plan '4' nor the policy names a validation script"),
    ]
    policy = Policy("r", validation=ValidationPolicy(default="ok.sh"))
    assert [code for code, *_ in said(check_plans(plans, policy=policy, scripts=scripts))] == ["CG703", "CG703"]


FIVE = [
    plan("1", "{1: , 2: , 3: , 4: }"),
    plan("2", "{0: , 3: , 5: }", needs="[1]"),
    plan("10", "{1: , 4: {needs: [2.3]}}", needs="[1]"),
    plan("last", needs="[2, 10]"),
]


def test_phases_are_plans_that_can_run_side_by_side() -> None:
    assert phases(FIVE) == [["1"], ["2", "10"], ["last"]]
    assert phases([plan("2", "{1: {needs: [1.1]}, 2: }"), plan("1")]) == [["1"], ["2"]]
    assert phases([plan("2", "{1: , 2: {needs: [1]}}"), plan("1")]) == [["1", "2"]]
    assert phases([plan("1", needs="[2]"), plan("2", needs="[1]"), plan("3", needs="[9]")]) == [["3"]]
    assert phases([]) == []


def test_steps_are_waves_that_can_be_worked_on_at_the_same_time() -> None:
    assert [" ".join(map(str, step)) for step in steps(FIVE)] == [
        "1.1",
        "1.2",
        "1.3",
        "1.4",
        "2.0 10.1",
        "2.3",
        "2.5 10.4",
        "last.1",
    ]


def test_mermaid_draws_boxes_and_arrows() -> None:
    titled = plan("2", '{0: {title: Audit}, 3: {title: "say \\"hi\\" [x] <b> #1 `c`"}}', needs="[1]")
    assert mermaid([plan("1"), titled, plan("py-api", "{4: {needs: [2.3]}}", needs="[1, 9]")]) == (
        """flowchart LR
  subgraph p_1["1 T 1"]
    w_1_1["1.1"]
  end
  subgraph p_2["2 T 2"]
    w_2_0["2.0 Audit"]
    w_2_3["2.3 say #34;hi#34; #91;x#93; #60;b#62; #35;1 #96;c#96;"]
    w_2_0 --> w_2_3
  end
  subgraph p_py_api["py-api T py-api"]
    w_py_api_4["py-api.4"]
  end
  p_1 --> p_2
  w_2_3 --> w_py_api_4
  p_1 --> p_py_api
"""
    )


NEED = st.sampled_from(["1", "2", "3", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "4.1"]).map(parse_target)
PLANS = st.lists(
    st.lists(st.tuples(st.lists(NEED, max_size=2), st.booleans()), min_size=1, max_size=2), min_size=1, max_size=3
).map(
    lambda listed: [
        Plan(
            str(number),
            "T",
            f"{number}.md",
            agent=f"a{number}",
            branch=f"b{number}",
            waves=tuple(
                Wave(place, needs=tuple(needs), after_none=free) for place, (needs, free) in enumerate(waves, 1)
            ),
        )
        for number, waves in enumerate(listed, 1)
    ]
)


@given(PLANS)
@settings(max_examples=300, deadline=None)
def test_a_circle_is_found_exactly_where_a_target_needs_itself(plans: list[Plan]) -> None:
    graph = NeedGraph(plans)
    circles = graph.circles()
    circular = {target for target in graph.needs if target in reach(graph.needs, target)}
    assert bool(circles) == bool(circular)
    assert circular == {
        target for target in circular if any(reach(graph.needs, circle[0]) >= {target} for circle in circles)
    }
    for circle in circles:
        assert circle[0] == circle[-1]
        assert all(need in graph.needs[target] for target, need in pairwise(circle))
    stepped = [target for step in steps(plans) for target in step]
    stuck = {
        target for target in graph.needs if any(need in circular for need in (*reach(graph.needs, target), target))
    }
    assert {target for target in graph.needs if target.wave is not None} - stuck == set(stepped)


def test_hundreds_of_plans_are_checked_without_recursion() -> None:
    plans = [
        Plan(
            str(number),
            "T",
            f"{number}.md",
            agent=f"a{number}",
            branch=f"b{number}",
            needs=(Target(str(number - 1)),) if number else (),
            scope=(f"src/{number}/**", f"docs/{number}.md"),
            waves=tuple(Wave(wave) for wave in range(20)),
        )
        for number in range(300)
    ]
    assert check_plans(plans) == []
    assert len(phases(plans)) == 300
    circular = [*plans[1:], Plan("0", "T", "0.md", branch="b0", needs=(Target("299"),), waves=(Wave(1),))]
    assert [finding.code for finding in check_plans(circular)] == ["CG705"]
