"""Briefs: everything the orchestrator of a plan, or the executor of one wave, needs to start cold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from conductor_git.core.findings import Finding
from conductor_git.core.planning.labels import read_label, read_tasks
from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.planning.policy import TEMPLATES_FOLDER, Policy
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.reporting.board import PlanStatus, WaveStatus
from conductor_git.core.reporting.executorlines import executor_text
from conductor_git.core.reporting.steps import steps_of
from conductor_git.core.reporting.templating import fill
from conductor_git.core.say import printable
from conductor_git.core.targets import Target

SCHEMA = 1

Format = Literal["md", "json", "checklist"]
Rules = Mapping[Target, RuleSet | Finding]


class Place(msgspec.Struct, frozen=True):
    """Who has the plan, and where. `workspace` is a path that can be pasted on this machine."""

    agent: str
    agent_kind: str
    branch: str
    workspace: str


class Share(msgspec.Struct, frozen=True):
    """What one executor is given: which tasks of a wave (none named: all of it), and where."""

    name: str = ""
    branch: str = ""
    workspace: str = ""
    tasks: tuple[str, ...] = ()


NO_SHARE = Share()


class BriefTask(msgspec.Struct, frozen=True):
    """One task of a wave. Of a complete wave every one is done."""

    text: str
    done: bool


class BriefWave(msgspec.Struct, frozen=True):
    """One wave as a brief shows it; every value is text that is safe to print."""

    target: str
    title: str
    state: str
    needs: tuple[str, ...]
    waiting_for: tuple[str, ...]
    freezes: tuple[str, ...]
    platforms: tuple[str, ...]
    manual: str
    validation: str
    criteria: tuple[str, ...]
    text: str
    tasks: tuple[BriefTask, ...] = ()
    deliverable: str = ""
    pattern: str = ""
    """What the wave's text says below `Deliverable:` and `Pattern:`."""
    executors: tuple[str, ...] = ()
    """Who carries out parts of it, and how far that has come."""


class Brief(msgspec.Struct, frozen=True):
    """A brief as values: what `--format json` prints and what the templates are filled with."""

    schema: int
    role: Literal["orchestrator", "executor"]
    plan: str
    wave: str
    """The target of an executor's wave; empty for an orchestrator."""
    title: str
    plan_file: str
    agent: str
    agent_kind: str
    branch: str
    workspace: str
    integration: str
    control: str
    scope: tuple[str, ...]
    protected: tuple[str, ...]
    validation: str
    needs: tuple[str, ...]
    unblocks: tuple[str, ...]
    waiting_for: tuple[str, ...]
    blockers: tuple[str, ...]
    guidance: tuple[str, ...]
    criteria: tuple[str, ...]
    text: str
    waves: tuple[BriefWave, ...]
    next: str
    """The target to start with: the lowest wave that can be worked on, else that is not complete, or the plan."""
    next_waits_for: tuple[str, ...] = ()
    """What must be complete before anybody starts with it."""
    step: str = ""
    """The command that comes next for whoever leads the plan; empty where it is for `step_of` to act, or not known."""
    step_of: str = ""
    """Where another one acts next: who, and what."""
    frozen: tuple[str, ...] = ()
    """Paths that waves of other plans freeze."""
    news: tuple[str, ...] = ()
    """What changed since the branch was last brought up to date."""
    share: Share = NO_SHARE
    """Of an executor: who it is, and which part of the wave it is given."""


def make_brief(
    plan: Plan,
    place: Place,
    policy: Policy,
    plans: Iterable[Plan],
    rules: Rules,
    *,
    status: PlanStatus | None = None,
    guidance: tuple[str, ...] = (),
    wave: int | None = None,
    share: Share = NO_SHARE,
    news: tuple[str, ...] = (),
    now: int = 0,
) -> Brief:
    """Gather a plan's brief, or with `wave` that of one declared wave. Without `status` every wave is shown as open."""
    plans = tuple(plans)
    states = {known.wave: known for known in status.waves} if status else {}
    chosen = [known for known in plan.waves if wave is None or known.number == wave]
    waves = tuple(_wave(plan, known, states.get(known.number), rules, now) for known in chosen)
    begin = _next(plan, status, wave)
    step, step_of = _step(status, place.agent, policy.integration) if wave is None else ("", "")
    return Brief(
        schema=SCHEMA,
        role="orchestrator" if wave is None else "executor",
        plan=plan.plan,
        wave="" if wave is None else str(Target(plan.plan, wave)),
        title=_line(plan.title),
        plan_file=_line(plan.path),
        agent=_line(place.agent),
        agent_kind=_line(place.agent_kind),
        branch=_line(place.branch),
        workspace=_line(place.workspace),
        integration=_line(policy.integration),
        control=_line(policy.control or policy.integration),
        scope=_lines(plan.scope),
        protected=_lines(policy.protect),
        validation=_validation(rules.get(Target(plan.plan))),
        needs=_lines(map(str, plan.needs)),
        unblocks=_lines(status.unblocks if status else unblocked_by(plan.plan, plans)),
        waiting_for=_lines(status.waiting_for if status else ()),
        blockers=_lines(f"{known.target}: {known.message} ({known.writer})" for known in status.blockers)
        if status
        else (),
        guidance=_lines(guidance),
        criteria=_lines(map(str, plan.criteria)),
        text=_text(plan.text),
        waves=waves,
        next=begin,
        next_waits_for=next((known.waiting_for for known in waves if known.target == begin), ()),
        step=step,
        step_of=_line(step_of),
        frozen=_lines(
            path for other in plans if other.plan != plan.plan for each in other.waves for path in each.freezes
        ),
        news=_lines(news),
        share=Share(_line(share.name), _line(share.branch), _line(share.workspace), _lines(share.tasks)),
    )


def render_brief(brief: Brief, format: Format = "md", *, short: bool = False, templates: Mapping[str, str] = {}) -> str:
    """The brief as text without a final newline: Markdown (`short` in at most 40 lines), JSON, or a checklist.

    `templates` are a project's own, by file name. Raises CannotRun where one of them cannot be filled.
    """
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(brief), indent=2).decode()
    name = "checklist" if format == "checklist" else "short" if short else _TEMPLATES[brief.role]
    return fill(f"{name}.md.j2", msgspec.to_builtins(brief), templates, TEMPLATES_FOLDER).strip("\n")


_TEMPLATES = {"orchestrator": "plan", "executor": "wave"}


def unblocked_by(plan: str, plans: Iterable[Plan]) -> tuple[str, ...]:
    """What other plans and waves need this plan or a wave of it, in order of declaration."""
    found = []
    for other in plans:
        if other.plan == plan:
            continue
        if any(need.plan == plan for need in other.needs):
            found.append(str(Target(other.plan)))
        found += [
            str(Target(other.plan, wave.number))
            for wave in other.waves
            if any(need.plan == plan for need in wave.needs)
        ]
    return tuple(found)


def _wave(plan: Plan, wave: Wave, status: WaveStatus | None, rules: Rules, now: int) -> BriefWave:
    manual = wave.manual
    complete = status is not None and status.state == "complete"
    return BriefWave(
        target=str(Target(plan.plan, wave.number)),
        title=_line(wave.title),
        state=status.state if status else "open",
        needs=_lines(map(str, plan.needs_of(wave))),
        waiting_for=_lines(status.waiting_for if status else ()),
        freezes=_lines(wave.freezes),
        platforms=_lines(wave.platforms or plan.platforms),
        manual=f"{manual.people} people, at least {manual.at_least:g} on average" if manual else "",
        validation=_validation(rules.get(Target(plan.plan, wave.number))),
        criteria=_lines(map(str, wave.criteria)),
        text=_text(wave.text),
        tasks=tuple(BriefTask(_line(task.text), complete or bool(task.done)) for task in read_tasks(wave.text)),
        deliverable=_line(read_label(wave.text, "deliverable")),
        pattern=_line(read_label(wave.text, "pattern")),
        executors=_lines(executor_text(each, now) for each in status.executors) if status else (),
    )


def _validation(rules: RuleSet | Finding | None) -> str:
    if isinstance(rules, RuleSet):
        return _line(" ".join((rules.script, *rules.args)))
    return f"none yet: {_line(rules.message)}" if rules else "none yet"


def _next(plan: Plan, status: PlanStatus | None, wave: int | None) -> str:
    if wave is not None:
        return str(Target(plan.plan, wave))
    if status is None:
        return str(Target(plan.plan, plan.waves[0].number if plan.waves else None))
    open_ = (known.wave for known in status.waves if known.state in ("active", "ready"))
    return str(Target(plan.plan, next(open_, status.current)))


def _step(status: PlanStatus | None, agent: str, integration: str) -> tuple[str, str]:
    """What the board tells the plan's agent to do, else what it tells another one about the plan."""
    if status is None:
        return "", ""
    steps = steps_of(status, integration)
    own = next((each for each in steps if each.who == agent), None)
    if own is not None or not steps:
        return own.command if own else "", ""
    return "", f"{steps[0].who}: {steps[0].step}"


def _line(text: str) -> str:
    # A title cannot grow a heading of its own.
    return printable(" ".join(text.split()))


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_line, texts))


def _text(text: str) -> str:
    return printable(text.expandtabs(4)).strip("\n")
