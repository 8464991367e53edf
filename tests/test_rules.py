"""What judges a wave, and which changes make it another rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conductor_git.core.events.attestation import digest
from conductor_git.core.findings import Finding
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.policy import Policy, ValidationPolicy
from conductor_git.core.planning.policyfile import parse_policy
from conductor_git.core.planning.rules import RuleSet, Script, Scripts, rules_of
from conductor_git.core.targets import Oid, Target, parse_target

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rules.json").read_text("utf-8"))["cases"]
SCRIPTS = Scripts(Oid("a" * 40), {"verify.sh": Script("100755", Oid("1" * 40))})
POLICY = Policy("r", validation=ValidationPolicy(default="verify.sh"))
PLAN = """---
plan: 2
title: T
criteria: [{metric: a, at-least: 1}, {metric: b, at-most: 2}]
platforms: [linux-x86_64, macos-arm64]
waves: {1: {title: One}}
---
Prose.
"""


def read_plan(text: str) -> Plan:
    """A plan that is known to be readable."""
    plan = parse_plan(text, "p.md")
    assert isinstance(plan, Plan)
    return plan


def rules(text: str = PLAN, policy: Policy = POLICY, scripts: Scripts = SCRIPTS) -> RuleSet:
    """The rules of wave 2.1."""
    found = rules_of(policy, read_plan(text), Target("2", 1), scripts)
    assert isinstance(found, RuleSet)
    return found


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_vectors(case: dict[str, Any]) -> None:
    policy = parse_policy(case["policy"])
    assert isinstance(policy, Policy)
    scripts = msgspec.convert(case["scripts"], Scripts)
    found = rules_of(policy, read_plan(case["plan"]), parse_target(case["target"]), scripts)
    if "finding" in case:
        assert isinstance(found, Finding)
        assert {name: getattr(found, name) for name in case["finding"]} == case["finding"]
        assert found.hint.startswith(("conductor-git ", "chmod "))
        return
    assert isinstance(found, RuleSet)
    assert digest(case["canonical"]) == case["digest"]
    assert found.digest == case["digest"]
    assert found.script == case["canonical"]["script"]
    assert found.script_digest == scripts.files[found.script].oid
    assert list(found.args) == case["canonical"]["args"]
    assert sorted(set(found.platforms)) == case["canonical"]["platforms"]
    assert sorted(criterion.metric for criterion in found.criteria) == sorted(
        criterion["metric"] for criterion in case["canonical"]["criteria"]
    )


def test_time_limits_come_from_the_wave_the_plan_or_the_policy() -> None:
    assert rules().timeout == 1200
    with_plan = PLAN.replace("title: T\n", "title: T\nvalidation: {script: verify.sh, timeout: 5m}\n")
    assert rules(with_plan).timeout == 300
    with_wave = with_plan.replace("{title: One}", "{validation: {script: verify.sh, timeout: 7s}}")
    assert rules(with_wave).timeout == 7


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: T", "title: Other"),
        ("title: One", "title: Other"),
        ("Prose.", "## Wave 1\nOther prose."),
        ("title: T", "title: T\nagent: other\nbranch: other\nworkspace: ../o"),
        ("title: T", "title: T\nneeds: [1]\nscope: [src]"),
        ("title: T", "title: T\nvalidation: {script: verify.sh, timeout: 5m}"),
        ("{metric: a, at-least: 1}, {metric: b, at-most: 2}", "{metric: b, at-most: 2.0}, {metric: a, at-least: 1}"),
        ("linux-x86_64, macos-arm64", "macos-arm64, linux-x86_64"),
    ],
)
def test_what_judges_nothing_changes_no_rule(before: str, after: str) -> None:
    assert before in PLAN
    assert rules(PLAN.replace(before, after)).digest == rules().digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("at-least: 1", "at-least: 0"),
        ("at-least: 1", "at-least: 1, waivable: false"),
        ("at-least: 1", "at-least: 1, of: baseline"),
        ("metric: a", "metric: c"),
        ("linux-x86_64, ", ""),
        ("title: T", "title: T\nvalidation: {script: verify.sh, args: [x]}"),
        ("title: One", "manual: {people: 1, at-least: 1}"),
    ],
)
def test_what_judges_changes_the_rule(before: str, after: str) -> None:
    assert before in PLAN
    assert rules(PLAN.replace(before, after)).digest != rules().digest


@pytest.mark.parametrize(
    "changed",
    [
        {"setup": "make"},
        {"keep": ("target",)},
        {"submodules": "leave"},
        {"lfs": "leave"},
        {"attested_by": "runner"},
        {"min_tests": 2},
        {"baseline": False},
    ],
)
def test_every_setting_of_the_room_is_part_of_the_rule(changed: dict[str, Any]) -> None:
    policy = msgspec.structs.replace(POLICY, validation=msgspec.structs.replace(POLICY.validation, **changed))
    assert rules(policy=policy).digest != rules().digest


def test_any_file_of_the_scripts_folder_is_part_of_the_rule() -> None:
    other = msgspec.structs.replace(SCRIPTS, folder=Oid("b" * 40))
    assert rules(scripts=other).digest != rules().digest
