"""Reading a plan file: Markdown with YAML front matter. Writing one is `plantext`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from conductor_git.core.durations import parse_duration
from conductor_git.core.planning.fields import Fields
from conductor_git.core.planning.frontmatter import compose, cut
from conductor_git.core.planning.plan import BrokenPlan, Criterion, Manual, Plan, Validation, Wave
from conductor_git.core.planning.platforms import platform_problem
from conductor_git.core.planning.problems import Problems, decoded
from conductor_git.core.planning.refnames import branch_problem, slug
from conductor_git.core.planning.sections import Section, read_body
from conductor_git.core.planning.values import (
    agent_problem,
    inner_path_problem,
    pattern_problem,
    plan_problem,
    target_problem,
    unprintable,
    workspace_problem,
)
from conductor_git.core.planning.yamlnodes import Items, Node, Pairs, Text
from conductor_git.core.targets import WAVE_NUMBER, Target, parse_target

PLAN_KEYS = (
    "plan",
    "title",
    "agent",
    "branch",
    "workspace",
    "validation",
    "needs",
    "scope",
    "criteria",
    "platforms",
    "waves",
)
WAVE_KEYS = (
    "title",
    "needs",
    "after",
    "freezes",
    "manual",
    "platforms",
    "validation",
    "criteria",
    "records-baseline",
)
CRITERION_KEYS = ("metric", "at-least", "at-most", "of", "waivable")


def parse_plan(source: str | bytes, path: str) -> Plan | BrokenPlan:
    """Read a plan file. Never raises: what cannot be obeyed is a BrokenPlan with every error in it."""
    problems = Problems(path)
    text = decoded(source, problems)
    matter = None if text is None else cut(text, problems)
    if matter is None:
        return BrokenPlan(path, problems.found())
    root = compose(matter.yaml, matter.yaml_line, problems)
    body = read_body(matter.body, matter.body_line, problems)
    if not isinstance(root, Pairs):
        if not problems.found():
            problems.add(matter.yaml_line, "", f"the front matter is a mapping of {', '.join(PLAN_KEYS)}")
        return BrokenPlan(path, problems.found())
    sections = {section.wave: section for section in body.sections}
    plan = _plan(Fields(root, "", PLAN_KEYS, problems), path, body.text, sections)
    errors = problems.found()
    return BrokenPlan(path, errors, plan.plan or None) if errors else plan


def default_agent(plan: str) -> str:
    """The agent of a plan that names none."""
    return f"agent-{plan}"


def default_branch(plan: str, title: str, agent: str) -> str:
    """The branch of a plan that names none."""
    return f"{agent}/{slug(title, otherwise=f'plan-{plan}')}"


def _plan(fields: Fields, path: str, text: str, sections: Mapping[int, Section]) -> Plan:
    plan = fields.required("plan", plan_problem)
    title = fields.required("title")
    agent, kind = _agent(fields)
    agent = agent or default_agent(plan)
    return Plan(
        plan=plan,
        title=title,
        path=path,
        agent=agent,
        agent_kind=kind,
        branch=fields.text("branch", branch_problem) or default_branch(plan, title, agent),
        workspace=fields.text("workspace", workspace_problem),
        validation=_validation(fields),
        needs=_needs(fields),
        scope=fields.texts("scope", pattern_problem),
        criteria=_criteria(fields),
        platforms=fields.texts("platforms", platform_problem),
        waves=_waves(fields, sections),
        text=text,
    )


def _waves(fields: Fields, sections: Mapping[int, Section]) -> tuple[Wave, ...]:
    node = fields.node("waves")
    if not isinstance(node, Pairs) or not node.pairs:
        wrong = "is missing" if node is None else "is a mapping from wave number to wave, with at least one"
        fields.fault("waves", wrong, node=node, hint="waves: {1: {title: …}}")
        return ()
    listed = Fields(node, "waves", (), fields.problems)
    waves = [
        _wave(listed, key, value, sections.get(int(key.value)))
        for key, value in node.pairs
        if _is_wave_number(listed, key)
    ]
    declared = {wave.number for wave in waves}
    for section in sections.values():
        if section.wave not in declared:
            message = f"a section for wave {section.wave}, which 'waves' does not declare"
            fields.problems.add(section.line, f"waves.{section.wave}", message)
    return tuple(waves)


def _is_wave_number(listed: Fields, key: Text) -> bool:
    if re.fullmatch(WAVE_NUMBER, key.value):
        return True
    message = f"'waves' has wave numbers as keys, in ASCII digits without leading zero; '{key.value}' is none"
    listed.problems.add(key.line, listed.path(key.value), message)
    return False


def _wave(listed: Fields, key: Text, node: Node, section: Section | None) -> Wave:
    if isinstance(node, Text) and node.absent:
        node = Pairs(key.line, ())
    if not isinstance(node, Pairs):
        listed.fault(key.value, f"is a mapping of {', '.join(WAVE_KEYS)}", node=key, hint=f"{key.value}: {{title: …}}")
        node = Pairs(key.line, ())
    fields = Fields(node, listed.path(key.value), WAVE_KEYS, listed.problems)
    if fields.text("after") not in ("", "none"):
        fields.fault("after", "can only be 'none'; what else comes before is 'needs'")
    return Wave(
        number=int(key.value),
        title=fields.text("title") or (section.title if section else ""),
        needs=_needs(fields),
        after_none=fields.text("after") == "none",
        freezes=fields.texts("freezes", pattern_problem),
        manual=_manual(fields),
        platforms=fields.texts("platforms", platform_problem),
        validation=_validation(fields),
        criteria=_criteria(fields),
        records_baseline=fields.flag("records-baseline", False),
        text=section.text if section else "",
    )


def _agent(fields: Fields) -> tuple[str, str]:
    if isinstance(fields.node("agent"), Pairs):
        agent = fields.mapping("agent", ("name", "kind"))
        return (agent.text("name", agent_problem), agent.text("kind")) if agent else ("", "")
    return fields.text("agent", agent_problem), ""


def _validation(fields: Fields) -> Validation | None:
    if not isinstance(fields.node("validation"), Pairs):
        script = fields.text("validation", inner_path_problem)
        return Validation(script) if script else None
    inner = fields.mapping("validation", ("script", "args", "timeout"))
    script = inner.required("script", inner_path_problem) if inner else ""
    if inner is None or not script:
        return None
    return Validation(script, _arguments(inner), _timeout(inner))


def _arguments(fields: Fields) -> tuple[str, ...]:
    nodes = fields.each("args")
    for node in nodes:
        if problem := unprintable(node.value):
            fields.fault("args", f"cannot be passed: {problem}", node=node)
    return tuple(node.value for node in nodes)


def _timeout(fields: Fields) -> int | None:
    said = fields.text("timeout")
    seconds = parse_duration(said)
    if said and not seconds:
        fields.fault("timeout", f"is a time like '20m', '1h30m' or '45s', not '{said}'")
    return seconds


def _needs(fields: Fields) -> tuple[Target, ...]:
    return tuple(parse_target(text) for text in fields.texts("needs", target_problem) if text)


def _criteria(fields: Fields) -> tuple[Criterion, ...]:
    node = fields.node("criteria")
    if node is None:
        return ()
    listed = node.items if isinstance(node, Items) else (node,)
    return tuple(filter(None, map(partial(_criterion, fields), listed)))


def _criterion(parent: Fields, node: Node) -> Criterion | None:
    if not isinstance(node, Pairs):
        parent.fault(
            "criteria",
            f"is a list of mappings of {', '.join(CRITERION_KEYS)}",
            node=node,
            hint="criteria: [{metric: tests.passed, at-least: 1}]",
        )
        return None
    fields = Fields(node, parent.path("criteria"), CRITERION_KEYS, parent.problems)
    least, most = fields.number("at-least"), fields.number("at-most")
    if fields.node("at-least") is None and fields.node("at-most") is None:
        fields.fault("at-least", "or 'at-most' is missing")
    if least is not None and most is not None and least > most:
        fields.fault("at-most", f"is less than 'at-least': no number is both {least:g} or more and {most:g} or less")
    if fields.text("of") not in ("", "baseline"):
        fields.fault("of", "can only be 'baseline'")
    of_baseline = fields.text("of") == "baseline"
    return Criterion(fields.required("metric"), least, most, of_baseline, fields.flag("waivable", True))


def _manual(fields: Fields) -> Manual | None:
    inner = fields.mapping("manual", ("people", "at-least"))
    if inner is None:
        return None
    for name in ("people", "at-least"):
        if inner.node(name) is None:
            inner.fault(name, "is missing")
    people, least = inner.count("people", 1), inner.number("at-least")
    return Manual(people, least) if people is not None and least is not None else None
