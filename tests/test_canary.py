"""`plan check --try`: a validation must fail when its sources are garbage."""

from __future__ import annotations

import json

import pytest

from conductor_git.core.planning.canary import Tried, is_source, judge_tried, trials, tried_line
from conductor_git.core.planning.plan import Validation, Wave
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Target
from tests.scene import Scene, plan
from tests.team import Team

SCENE = Scene(plan("2", Wave(0), Wave(1, validation=Validation("verify.sh", ("--fast",)))))
POLICY = Policy(repository="r", protect=("tests/**",), scripts="tools")


def test_each_different_validation_of_a_plan_is_tried_once() -> None:
    found = trials(SCENE.plans, SCENE.policy, SCENE.scripts)
    assert [(each.rules.args, each.targets) for each in found] == [
        ((), (Target("2", 0), Target("2"))),
        (("--fast",), (Target("2", 1),)),
    ]


@pytest.mark.parametrize(
    ("path", "scope", "expected"),
    [
        ("src/a.py", (), True),
        ("src/a.py", ("src",), True),
        ("docs/a.md", ("src",), False),
        ("tests/a.py", (), False),
        ("tests/a.py", ("tests/**",), False),
        ("tools/verify.sh", (), False),
        (".conductor/conductor.toml", (), False),
    ],
)
def test_sources_are_what_the_plan_may_change(path: str, scope: tuple[str, ...], expected: bool) -> None:
    assert is_source(path, plan("2", Wave(0), scope=scope), POLICY) is expected


@pytest.mark.parametrize(
    ("here", "replaced", "garbage", "codes", "line"),
    [
        ("passed", ("a", "b"), "failed", [], "passed here, failed, as it must with 2 of its sources garbage"),
        ("passed", ("a",), "not run", [], "passed here, failed, as it must with 1 of its sources garbage"),
        (
            "passed",
            ("a",),
            "passed",
            [("CG716", "error")],
            "passed here, still passed with 1 of its sources garbage",
        ),
        ("passed", (), "", [("CG717", "warning")], "passed here, not tried with garbage"),
        ("timed-out", ("a",), "", [("CG717", "error")], "timed-out here, not tried with garbage"),
    ],
)
def test_only_what_passes_here_and_fails_with_garbage_is_good(
    here: str, replaced: tuple[str, ...], garbage: str, codes: list[tuple[str, str]], line: str
) -> None:
    tried = Tried(trials(SCENE.plans, SCENE.policy, SCENE.scripts)[0], replaced, here, garbage, "/log")
    assert [(found.code, found.severity) for found in judge_tried(tried)] == codes
    assert tried_line(tried) == f"plan 2: verify.sh: {line}"


def test_a_validation_that_never_looks_is_found_and_nothing_is_recorded(team: Team) -> None:
    (team.root / "docs").mkdir()
    (team.root / "docs/read.md").write_text("hello\n")
    (team.root / "picture").write_bytes(b"\0\1")
    team.git(team.root, "add", "docs", "picture")
    before = team.git(team.root, "for-each-ref") + team.git(team.root, "status", "--porcelain")
    code, said = team.run("conductor-git", "plan", "check", "--try")
    assert code == 1
    assert "plan 2: verify.sh: passed here, failed, as it must with 2 of its sources garbage" in said
    assert (
        "error: 'verify.sh' of plan 3 passes while 'docs/read.md' is garbage: it proves nothing of 3.0, 3 [CG716]"
        in said
    )
    assert "hint: conductor-git plan check --try 3" in said
    assert team.git(team.root, "for-each-ref") + team.git(team.root, "status", "--porcelain") == before
    # A better script of the working tree is tried before it is on the control branch.
    team.git(team.root, "checkout", "-q", "main")
    script = team.root / ".conductor/scripts/verify.sh"
    script.write_text("#!/bin/sh\ngrep -q good state && grep -q hello docs/read.md\n")
    code, said = team.run("conductor-git", "plan", "check", "--try", "3", "--json")
    assert code == 0, said
    (tried,) = json.loads(said[said.index("{") :])["tried"]
    assert (tried["here"], tried["garbage"], tried["replaced"], tried["targets"]) == (
        "passed",
        "failed",
        1,
        ["3.0", "3"],
    )


def test_what_does_not_pass_here_cannot_be_told_and_an_unknown_plan_is_named(team: Team) -> None:
    (team.root / "state").write_text("bad\n")
    team.git(team.root, "add", "state")
    code, said = team.run("conductor-git", "plan", "check", "--try", "2")
    assert (code, "did not pass on what would be committed now (failed) [CG717]" in said) == (1, True), said
    code, said = team.run("conductor-git", "plan", "check", "--try", "22")
    assert (code, "there is no plan '22' in the working tree" in said) == (2, True), said
