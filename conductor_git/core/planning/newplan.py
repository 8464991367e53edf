"""A plan that is made from a title and the titles of its waves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from conductor_git.core.planning.plan import BrokenPlan, Plan, Wave
from conductor_git.core.planning.planfile import default_agent, default_branch
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.refnames import slug

_NUMBERED = re.compile(r"(\d{1,9})-")


def new_plan(
    title: str, waves: Sequence[str], policy: Policy, number: int | str, *, agent: str = "", branch: str = ""
) -> Plan:
    """The plan that its file, rendered and parsed, is again; `number` may be a slug. Waves are numbered from 1."""
    plan = str(number)
    agent = agent or default_agent(plan)
    return Plan(
        plan=plan,
        title=title,
        path=path_for(policy.plans, f"{plan}-{slug(title, otherwise='plan')}"),
        agent=agent,
        branch=branch or default_branch(plan, title, agent),
        waves=tuple(Wave(position, name) for position, name in enumerate(waves, start=1)),
    )


def next_number(plans: Iterable[Plan], broken: Iterable[BrokenPlan], names: Iterable[str] = ()) -> int:
    """The lowest number above every plan's, and above those that file names begin with (`7-parser.md`)."""
    ids = [plan.plan for plan in plans] + [plan.plan for plan in broken if plan.plan is not None]
    ids += [found[1] for name in names if (found := _NUMBERED.match(name))]
    return 1 + max((int(plan) for plan in ids if plan.isascii() and plan.isdigit()), default=0)


def path_for(glob: str, stem: str) -> str:
    """A path that the policy's glob for plan files matches: its last `*` is what the stem takes the place of."""
    folder, _, pattern = glob.replace("**/", "").rpartition("/")
    before, star, after = pattern.rpartition("*")
    name = f"{before.replace('*', '')}{stem}{after}" if star else f"{stem}.md"
    return f"{folder}/{name}" if folder else name
