"""What an agent is charged with, as a digest that changes with the plan and its rules and with nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from conductor_git.core.events.canonical import canonical
from conductor_git.core.findings import Finding
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.targets import Target


def charge_digest(plan: Plan, rules: Mapping[Target, RuleSet | Finding], wave: int | None = None) -> str:
    """`sha256:<hex>` of all that a plan file says to its orchestrator, or of one wave to its executor.

    What is empty is left out, so that a plan is the same for a version that knows more keys.
    """
    about = plan.targets() if wave is None else (Target(plan.plan, wave),)
    waves = tuple(known for known in plan.waves if wave in (None, known.number))
    said = msgspec.to_builtins(msgspec.structs.replace(plan, waves=waves, path=""))
    judged = {str(each): found.digest for each in about if isinstance(found := rules.get(each), RuleSet)}
    data = canonical({"plan": _given(said), "rules": judged})
    return f"sha256:{hashlib.sha256(data.encode('ascii')).hexdigest()}"


def _given(value: object) -> object:
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item not in ("", None, [], {}, False)}
    return [_given(item) for item in value] if isinstance(value, list) else value
