"""Writing a plan file that `planfile` reads back as the same plan."""

from __future__ import annotations

import json
import re
from typing import Any

from conductor_git.core.durations import render_duration
from conductor_git.core.planning.plan import Criterion, Plan, Validation, Wave

_PLAIN = re.compile(r"[\w./][\w./+()-]*(?: [\w./+()-]+)*")
_WIDTH = 100


def render_plan(plan: Plan) -> str:
    """The plan as a file: front matter with agent and branch always spelt out, then its Markdown sections."""
    lines = ["---"]
    for key, value in _plan(plan).items():
        lines += _entry(key, value, "", split=1)
    lines += ["waves:"]
    for wave in plan.waves:
        lines += _entry(str(wave.number), _wave(wave), "  ", split=2)
    lines += ["---"]
    blocks = [plan.text, *(_section(wave) for wave in plan.waves)]
    return "\n".join(lines) + "\n" + "".join(f"\n{block}\n" for block in blocks if block)


def _plan(plan: Plan) -> dict[str, Any]:
    agent = {"name": plan.agent, "kind": plan.agent_kind} if plan.agent_kind else plan.agent
    return _given(
        plan=plan.plan,
        title=plan.title,
        agent=agent,
        branch=plan.branch,
        workspace=plan.workspace,
        validation=_validation(plan.validation),
        needs=[str(need) for need in plan.needs],
        scope=list(plan.scope),
        criteria=[_criterion(criterion) for criterion in plan.criteria],
        platforms=list(plan.platforms),
    )


def _wave(wave: Wave) -> dict[str, Any]:
    manual = wave.manual
    return _given(
        title=wave.title,
        needs=[str(need) for need in wave.needs],
        after="none" if wave.after_none else "",
        freezes=list(wave.freezes),
        manual=_given(people=str(manual.people), at_least=_number(manual.at_least)) if manual else {},
        platforms=list(wave.platforms),
        validation=_validation(wave.validation),
        criteria=[_criterion(criterion) for criterion in wave.criteria],
        records_baseline="true" if wave.records_baseline else "",
    )


def _given(**values: Any) -> dict[str, Any]:
    return {key.replace("_", "-"): value for key, value in values.items() if value}


def _validation(validation: Validation | None) -> Any:
    if validation is None:
        return ""
    if not validation.args and validation.timeout is None:
        return validation.script
    timeout = "" if validation.timeout is None else render_duration(validation.timeout)
    return _given(script=validation.script, args=list(validation.args), timeout=timeout)


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return _given(
        metric=criterion.metric,
        at_least=_number(criterion.at_least),
        at_most=_number(criterion.at_most),
        of="baseline" if criterion.of_baseline else "",
        waivable="" if criterion.waivable else "false",
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _section(wave: Wave) -> str:
    heading = f"## Wave {wave.number}: {wave.title}" if wave.title else f"## Wave {wave.number}"
    return f"{heading}\n\n{wave.text}" if wave.text else heading


def _entry(key: str, value: Any, indent: str, *, split: int) -> list[str]:
    """One key in one line, or over several where it is too long and may still be split."""
    line = f"{indent}{key}: {_flow(value)}"
    if len(line) <= _WIDTH or not split or isinstance(value, str):
        return [line]
    inner = indent + "  "
    if isinstance(value, list):
        return [f"{indent}{key}:", *(f"{inner}- {_flow(item)}" for item in value)]
    return [
        f"{indent}{key}:",
        *(line for name, item in value.items() for line in _entry(name, item, inner, split=split - 1)),
    ]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
