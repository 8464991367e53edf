"""The examples: they can be obeyed, they say what the README says of them, and their scripts run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from conductor_git.core.judgement.results import check_criteria, read_results
from conductor_git.core.planning.phases import phases
from conductor_git.core.planning.plan import Criterion, Manual, Plan
from conductor_git.core.planning.plancheck import check_plans
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.plantext import render_plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.policyfile import parse_policy
from conductor_git.core.planning.rules import Script, Scripts
from conductor_git.core.targets import Oid, Target

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.name for path in (EXAMPLES / "scripts").glob("verify*.sh"))


def read_policy() -> Policy:
    """The example policy."""
    policy = parse_policy((EXAMPLES / "conductor.toml").read_bytes())
    assert isinstance(policy, Policy)
    return policy


def read_plans() -> dict[str, Plan]:
    """The example plans by id."""
    found = {}
    for path in (EXAMPLES / "plans").iterdir():
        plan = parse_plan(path.read_bytes(), path.name)
        assert isinstance(plan, Plan), plan
        found[plan.plan] = plan
    return found


def test_the_examples_check_clean() -> None:
    scripts = {
        path.name: Script("100755" if os.access(path, os.X_OK) else "100644", Oid("1" * 40))
        for path in (EXAMPLES / "scripts").iterdir()
    }
    plans = read_plans()
    assert check_plans(plans.values(), policy=read_policy(), scripts=Scripts(None, scripts)) == []
    assert {plan.validation.script for plan in plans.values() if plan.validation} == set(SCRIPTS) - {"verify.sh"}


def test_five_plans_of_which_four_wait_for_the_first() -> None:
    plans = read_plans()
    assert phases(plans.values()) == [["1"], ["2", "3", "4", "7"]]
    assert {plan.plan: [wave.number for wave in plan.waves] for plan in plans.values()} == {
        "1": [1, 2, 3, 4],
        "2": [0, 1, 2, 3, 4, 5],
        "3": [1, 2, 3, 4, 5],
        "4": [1, 2, 3, 4],
        "7": [1, 2, 3, 4, 5, 6],
    }
    assert {plan.plan: plan.branch for plan in plans.values()} == {
        "1": "agent-1/performance-recovery",
        "2": "agent-2/educational",
        "3": "agent-3/python-api",
        "4": "agent-4/node-api",
        "7": "agent-7/ode-solvers",
    }


def test_the_explain_api_is_frozen_and_two_plans_wait_for_it() -> None:
    plans = read_plans()
    waves = {Target(plan.plan, wave.number): wave for plan in plans.values() for wave in plan.waves}
    waiting = {str(target) for target, wave in waves.items() if Target("2", 3) in wave.needs}
    assert waiting == {"3.4", "4.3"}
    assert waves[Target("2", 3)].freezes == ("crates/core/src/explain.rs",)
    assert waves[Target("2", 4)].manual == Manual(people=3, at_least=7)
    assert waves[Target("3", 5)].platforms == ("linux-x86_64", "macos-arm64", "windows-x86_64")


def test_the_first_plan_s_criteria() -> None:
    plan = read_plans()["1"]
    assert plan.criteria == (
        Criterion("tests.passed", at_least=676),
        Criterion("tests.failed", at_most=0, waivable=False),
        Criterion("bench.*", at_most=1.0, of_baseline=True),
        Criterion("expression.bytes", at_most=48),
    )
    assert [wave.number for wave in plan.waves if wave.records_baseline] == [1]


@pytest.mark.parametrize("path", sorted((EXAMPLES / "plans").iterdir()), ids=lambda path: path.name)
def test_every_wave_has_tasks_and_the_file_is_as_we_would_write_it(path: Path) -> None:
    plan = parse_plan(path.read_text("utf-8"), path.name)
    assert isinstance(plan, Plan)
    assert all("- [ ] " in wave.text for wave in plan.waves)
    assert render_plan(plan) == path.read_text("utf-8")


def run_script(name: str, tree: Path, results: Path) -> subprocess.CompletedProcess[str]:
    """Run an example script over a tree, as a room does."""
    results.mkdir()
    return subprocess.run(
        [str(EXAMPLES / "scripts" / name)],
        cwd=tree,
        env={"PATH": os.environ["PATH"], "CONDUCTOR_RESULTS": str(results)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small product: 677 tests in three files, and a benchmark."""
    files = {
        "tests/algebra.sh": 'i=0; while [ $i -lt 676 ]; do i=$((i+1)); echo "ok $i - $i + $i is $((2*i))"; done\n',
        "tests/educational/steps.sh": "echo 'ok - says \"<x> & y\"'\n",
        "tests/python/import.sh": "echo 'ok 1 - imports # SKIP no compiler here'\n",
        "bench/expand.sh": "printf '# metric %s\\n' 'bench.expand 812' 'expression.bytes 48' 'odd x'\n",
    }
    for path, text in files.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text)
    return tmp_path / "tree"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_pass_and_leave_results(name: str, tree: Path, tmp_path: Path) -> None:
    done = run_script(name, tree, tmp_path / "results")
    assert (done.returncode, done.stderr) == (0, "")
    results = read_results({path.name: path.read_bytes() for path in (tmp_path / "results").iterdir()})
    assert results.problems == ()
    assert results.counts is not None
    assert (results.counts.passed >= 676, results.counts.failed) == (True, 0)


def test_the_first_plan_is_proven_by_its_script(tree: Path, tmp_path: Path) -> None:
    run_script("verify_performance.sh", tree, tmp_path / "results")
    results = read_results({path.name: path.read_bytes() for path in (tmp_path / "results").iterdir()})
    assert results.metrics == {
        "bench.expand": 812,
        "expression.bytes": 48,
        "tests.passed": 677,
        "tests.failed": 0,
        "tests.skipped": 1,
    }
    assert check_criteria(read_plans()["1"].criteria, results.metrics, {"bench.expand": 812}) == ((), ())
    unmet, _ = check_criteria(read_plans()["1"].criteria, results.metrics, {"bench.expand": 800})
    assert len(unmet) == 1


@pytest.mark.parametrize(
    ("path", "text", "failed"),
    [
        ("tests/bad.sh", "echo 'not ok 1 - sum'\n", ("sum",)),
        ("tests/bad.sh", "exit 3\n", ("it ended with exit code 3",)),
    ],
)
def test_the_scripts_fail_where_a_test_fails(
    path: str, text: str, failed: tuple[str, ...], tree: Path, tmp_path: Path
) -> None:
    (tree / path).write_text(text)
    assert run_script("verify.sh", tree, tmp_path / "results").returncode == 1
    results = read_results({file.name: file.read_bytes() for file in (tmp_path / "results").iterdir()})
    assert tuple(name.rpartition("::")[2].rpartition(".")[2] for name in results.failed_tests) == failed


@pytest.mark.parametrize("text", [None, "echo hello\n", "echo 'ok - x # SKIP y'\n"])
def test_the_scripts_fail_where_nothing_is_tested(text: str | None, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    if text is not None:
        (tmp_path / "tests/a.sh").write_text(text)
    assert run_script("verify.sh", tmp_path, tmp_path / "results").returncode == 1
