"""Plans as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.planning.needs import declared_needs
from conductor_git.core.planning.phases import phases
from conductor_git.core.planning.plan import BrokenPlan, Plan, Validation, Wave
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.reporting.lines import cells
from conductor_git.core.targets import Target


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan for `--json`, its needs written as people write them."""
    waves = [{**msgspec.to_builtins(wave), "needs": [str(need) for need in wave.needs]} for wave in plan.waves]
    return {**msgspec.to_builtins(plan), "needs": [str(need) for need in plan.needs], "waves": waves}


def list_text(plans: Sequence[Plan], broken: Sequence[BrokenPlan]) -> str:
    """A line for each plan."""
    rows = [("plan", "title", "agent", "branch", "waves", "needs")]
    for plan in plans:
        needs = " ".join(map(str, plan.needs)) or "-"
        rows.append((plan.plan, plan.title, plan.agent, plan.branch, str(len(plan.waves)), needs))
    rows += [(file.plan or "?", "(broken)", "-", "-", "-", file.path) for file in broken]
    return _table(rows) if len(rows) > 1 else "no plans yet"


def show_text(plan: Plan, rules: dict[Target, RuleSet | Finding]) -> str:
    """Everything that counts about one plan; its prose stays in the file."""
    facts = [
        ("file", plan.path),
        ("agent", f"{plan.agent} ({plan.agent_kind})" if plan.agent_kind else plan.agent),
        ("branch", plan.branch),
        ("workspace", plan.workspace),
        ("needs", ", ".join(map(str, plan.needs))),
        ("scope", ", ".join(plan.scope)),
        *_judged(rules.get(Target(plan.plan))),
    ]
    lines = [f"plan {plan.plan}: {plan.title}", *_facts(facts, "  ")]
    for wave in plan.waves:
        lines.append(f"  wave {wave.number}: {wave.title}".rstrip(": "))
        lines += _facts([*_about(wave), *_judged(rules.get(Target(plan.plan, wave.number)), wave.validation)], "    ")
    return "\n".join(lines)


def graph_text(plans: Sequence[Plan]) -> str:
    """The phases, and the waves that wait for waves of other plans."""
    lines = [f"phase {number}: {', '.join(phase)}" for number, phase in enumerate(phases(plans), 1)]
    phased = {plan for phase in phases(plans) for plan in phase}
    stuck = [plan.plan for plan in plans if plan.plan not in phased]
    if stuck:
        lines.append(f"in a circle: {', '.join(stuck)}")
    for plan in plans:
        for target, needs in declared_needs(plan):
            others = [str(need) for need in dict.fromkeys(needs) if need.plan != plan.plan and need not in plan.needs]
            if others and target.wave is not None:
                lines.append(f"{target} waits for {', '.join(others)}")
    return "\n".join(lines) or "no plans yet"


def _about(wave: Wave) -> list[tuple[str, str]]:
    needs = [*map(str, wave.needs), *(["(not the wave before)"] if wave.after_none else [])]
    manual = wave.manual
    return [
        ("needs", ", ".join(needs)),
        ("freezes", ", ".join(wave.freezes)),
        ("people", f"{manual.people} give at least {manual.at_least:g} on average" if manual else ""),
        ("baseline", "recorded here" if wave.records_baseline else ""),
    ]


def _judged(found: RuleSet | Finding | None, validation: Validation | None = None) -> list[tuple[str, str]]:
    if isinstance(found, Finding):
        return [("proof", f"{found.message} [{found.code}]")]
    if found is None:
        return []
    script = " ".join([found.script, *found.args])
    own = validation is not None or found.target.wave is None
    return [
        ("proof", script if own else ""),
        ("criteria", ", ".join(map(str, found.criteria))),
        ("platforms", ", ".join(found.platforms)),
    ]


def _facts(facts: Iterable[tuple[str, str]], indent: str) -> list[str]:
    return [f"{indent}{name:<10} {value}" for name, value in facts if value]


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(_padded, row, widths)).rstrip() for row in rows)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
