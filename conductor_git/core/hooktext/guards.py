"""What each branch may not change, as git pathspecs for the hook files.

A superset of what the judge refuses: where a commit touches none of it, no Python need be asked.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from conductor_git.core.planning.globs import overlap
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Target

_CONTROL_TREE = ".conductor"

Specs = list[list[str]]
"""Lists of pathspecs; each list is one question to git."""


def guard_specs(policy: Policy, plans: Sequence[Plan], ref: str, frozen: Container[Target] = ()) -> Specs:
    """The pathspec lists of a branch (full ref name); a branch of no plan has the control tree and what waves freeze.

    What others are to freeze is guarded from the beginning, what a plan's own waves do once they are among `frozen`:
    until then it is what their agent works on.
    """
    plan = next((plan for plan in plans if plan.branch and plan.ref == ref), None)
    if plan is None:
        return [_paths([_CONTROL_TREE, *_frozen(plans, plan, frozen)])]
    guarded = [_CONTROL_TREE, *policy.protect, *_frozen(plans, plan, frozen)]
    if not plan.scope:
        return [_paths([*guarded, *_scopes_of_others(plans, plan)])]
    outside = [":(top)", *(f":(top,exclude,glob){pattern}" for pattern in plan.scope)]
    inside = [pattern for pattern in guarded if any(overlap(pattern, mine) for mine in plan.scope)]
    return [outside, _paths(inside)] if inside else [outside]


def guarded_refs(policy: Policy, plans: Sequence[Plan]) -> list[str]:
    """The branches that have a guard file of their own: integration, control, and each plan's."""
    return list(
        dict.fromkeys([policy.integration_ref, policy.control_ref, *(plan.ref for plan in plans if plan.branch)])
    )


def questions(policy: Policy, plans: Sequence[Plan], ref: str, frozen: Container[Target] = ()) -> dict[str, str]:
    """What hooks/reference-transaction asks git of the new commits of a guarded branch, by the name that each question
    has there. A question is what git reads with `--stdin`: the commits that are known, `--`, pathspecs.

    `step` is for integration and control, where one plain commit needs no judge; `work` and `inner` are a plan's.
    Integration has none where the policy does not let it take every direct step.
    """
    if ref == policy.integration_ref and policy.direct != "any":
        return {}
    if ref in (policy.integration_ref, policy.control_ref):
        others = [other for other in guarded_refs(policy, plans) if other != ref]
        return {"step": _question(_known(others), [*control_paths(policy), *_paths(_frozen(plans, None, frozen))])}
    specs = guard_specs(policy, plans, ref, frozen)
    return {name: _question(known(policy), each) for name, each in zip(("work", "inner"), specs, strict=False)}


def known(policy: Policy) -> str:
    """The commits that a plan's branch may have without being asked: they were judged when integration got them."""
    return _known(dict.fromkeys([policy.integration_ref, policy.control_ref]))


def _known(refs: Iterable[str]) -> str:
    return "".join(f"^{ref}\n" for ref in refs)


def _question(known: str, specs: Iterable[str]) -> str:
    return f"{known}--\n" + "".join(f"{spec}\n" for spec in specs)


def render_executors(plans: Sequence[Plan]) -> str:
    """Each plan with its branch (full ref name), by which hook files know the branches of its executors.

    Of two plans whose names begin alike, the longer one comes first.
    """
    named = sorted((plan for plan in plans if plan.branch), key=lambda plan: -len(plan.plan))
    return "".join(f"{plan.plan} {plan.ref}\n" for plan in named)


def render_specs(specs: Specs) -> str:
    """A guard file: one pathspec a line, lists apart by a line `--`."""
    return "--\n".join("".join(f"{spec}\n" for spec in each) for each in specs)


def _paths(patterns: Iterable[str]) -> list[str]:
    return [f":(top,glob){pattern}" for pattern in dict.fromkeys(patterns)]


def _scopes_of_others(plans: Sequence[Plan], plan: Plan) -> list[str]:
    return [pattern for other in plans if other.plan != plan.plan for pattern in other.scope]


def _frozen(plans: Sequence[Plan], own: Plan | None, frozen: Container[Target]) -> list[str]:
    return [
        pattern
        for plan in plans
        for wave in plan.waves
        if plan is not own or Target(plan.plan, wave.number) in frozen
        for pattern in wave.freezes
    ]


def control_paths(policy: Policy) -> list[str]:
    """The pathspecs below which everything stands that guards are made from; of a glob, its first folders."""
    plans = re.split(r"[*?\[]", policy.plans, maxsplit=1)[0].rpartition("/")[0]
    return list(
        dict.fromkeys(
            [f":(top,literal){_CONTROL_TREE}", f":(top,literal){plans or '.'}", f":(top,literal){policy.scripts}"]
        )
    )
