"""Waves that land before their plan: where the policy says so, and nowhere else."""

from __future__ import annotations

from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid, Target

EARLY = "CG519"


def judge_wave(target: Target, *, allowed: bool) -> Finding | None:
    """The finding for a wave that lands before its plan, where the policy has plans land as a whole."""
    if target.wave is None or allowed:
        return None
    text = f"wave {target} does not land before its plan: the policy has plans land as a whole"
    later = f"conductor-git merge {target.plan}    # once the plan is complete; or 'waves = true' under [landing]"
    return Finding(EARLY, "error", str(target), text, f"git merge --abort    # then: {later}")


def allows_waves(snapshot: Snapshot, step: Oid) -> bool:
    """Whether the policy let waves land before their plan when this step was made; where that cannot be told, now."""
    return snapshot.history.waves.get(step, snapshot.policy.landing.waves)
