"""What can run side by side, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.planning.needs import NeedGraph, declared_needs, layers, target_order
from conductor_git.core.planning.plan import Plan, Wave
from conductor_git.core.planning.plans import plan_order
from conductor_git.core.targets import Target


def phases(plans: Iterable[Plan]) -> list[list[str]]:
    """Plan ids in phases: each plan comes after the plans that all of it needs. Circles are left out."""
    graph = NeedGraph(plans)
    needs = {
        Target(plan): [Target(need.plan) for need in _gates(graph.plans[plan]) if need.plan in graph.plans]
        for plan in graph.plans
    }
    return [sorted((target.plan for target in layer), key=plan_order) for layer in layers(needs)]


def steps(plans: Iterable[Plan]) -> list[list[Target]]:
    """Waves in steps: each as early as its needs allow, so that a step's waves can be worked on at the same time."""
    needs = NeedGraph(plans).needs
    waves = ([target for target in layer if target.wave is not None] for layer in layers(needs))
    return [sorted(step, key=target_order) for step in waves if step]


def mermaid(plans: Iterable[Plan]) -> str:
    """A Mermaid flowchart: a box of waves for each plan, arrows from what is needed to what needs it."""
    graph = NeedGraph(plans)
    lines = ["flowchart LR"]
    for plan in sorted(graph.plans.values(), key=lambda plan: plan_order(plan.plan)):
        lines += _box(plan)
    arrows = [
        f"  {_node(need)} --> {_node(target)}"
        for target in sorted(graph.needs, key=target_order)
        for need in dict.fromkeys(graph.needs[target])
        if not _drawn_by_the_box(graph, need, target)
    ]
    return "\n".join([*lines, *dict.fromkeys(arrows)]) + "\n"


def _gates(plan: Plan) -> list[Target]:
    """The needs that hold the whole plan back: its own, and those of every wave that it can begin with."""
    first = [wave for position, wave in enumerate(plan.waves) if position == 0 or wave.after_none]
    common = set.intersection(*(set(wave.needs) for wave in first)) if first else set()
    return [need for need in (*plan.needs, *common) if need.plan != plan.plan]


def _box(plan: Plan) -> list[str]:
    lines = [f'  subgraph {_node(Target(plan.plan))}["{_label(f"{plan.plan} {plan.title}")}"]']
    numbers = {wave.number for wave in plan.waves}
    for wave in plan.waves:
        lines.append(f'    {_node(Target(plan.plan, wave.number))}["{_label(_title(plan, wave))}"]')
    for target, needs in declared_needs(plan):
        own = (need for need in needs if need.plan == plan.plan and target.wave is not None)
        lines += [f"    {_node(need)} --> {_node(target)}" for need in own if need.wave in numbers]
    return [*lines, "  end"]


def _title(plan: Plan, wave: Wave) -> str:
    return f"{plan.plan}.{wave.number} {wave.title}".rstrip()


def _drawn_by_the_box(graph: NeedGraph, need: Target, target: Target) -> bool:
    if need.plan == target.plan:
        return True
    # What the whole plan needs is drawn once, to its box, and not to each wave that can come first.
    return target.wave is not None and need in graph.plans[target.plan].needs


def _node(target: Target) -> str:
    """A name that Mermaid takes: no dash, no dot, no word of its own; plan ids have no underscore."""
    plan = target.plan.replace("-", "_")
    return f"p_{plan}" if target.wave is None else f"w_{plan}_{target.wave}"


def _label(text: str) -> str:
    """Text inside quotes: what Mermaid, its Markdown or HTML could read as markup stands as a character number."""
    return "".join(letter if letter.isalnum() or letter in " .,:;!?+-/()" else f"#{ord(letter)};" for letter in text)
