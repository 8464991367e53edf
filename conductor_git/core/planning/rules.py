"""What judges a plan or a wave, and the digest by which two rule sets are told apart."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.event import canonical
from conductor_git.core.findings import Finding
from conductor_git.core.planning.plan import Criterion, Manual, Plan, Rules, Validation, Wave
from conductor_git.core.planning.policy import Policy, Runner, ValidationPolicy
from conductor_git.core.targets import INTEGRATION, Oid, Target

EXECUTABLE = "100755"
_LINK = "120000"


class Script(msgspec.Struct, frozen=True, array_like=True):
    """A file of the scripts folder. `mode` is git's octal text, as `100755`."""

    mode: str
    oid: Oid


class Scripts(msgspec.Struct, frozen=True):
    """The scripts folder on the control ref, names relative to it."""

    folder: Oid | None = None
    """The folder's tree; None where there is no such folder."""
    files: dict[str, Script] = {}


class RuleSet(msgspec.Struct, frozen=True):
    """Everything that decides whether one plan or wave is proven."""

    target: Target
    script: str
    script_digest: Oid
    """The script's blob oid."""
    args: tuple[str, ...]
    timeout: int
    """Seconds. Not part of the digest: patience proves nothing."""
    setup: str
    criteria: tuple[Criterion, ...]
    platforms: tuple[str, ...]
    """Each must pass; empty is any one platform."""
    digest: str
    """`sha256:<hex>` over `canonical_rules`."""
    manual: Manual | None = None
    attested_by: Runner = "agent"
    min_tests: int = 1


def integration_as_plan(policy: Policy) -> Plan:
    """What integration's own content is proven as: no file declares it, and the policy's landing validation judges it,
    else its default script."""
    own = policy.landing.validation
    return Plan(INTEGRATION.plan, "Integration", "", validation=Validation(own) if own else None)


def rules_of(policy: Policy, plan: Plan, target: Target, scripts: Scripts) -> RuleSet | Finding:
    """The rules of one wave, or of the plan itself where `target.wave` is None; a finding where nothing can judge."""
    found = judged_by(policy, plan, target, scripts)
    if isinstance(found, Finding):
        return found
    validation, script = found
    wave = None if target.wave is None else plan.wave(target.wave)
    criteria = (*plan.criteria, *(wave.criteria if wave else ()))
    platforms = (wave.platforms if wave else ()) or plan.platforms
    manual = wave.manual if wave else None
    return RuleSet(
        target=target,
        script=validation.script,
        script_digest=script.oid,
        args=validation.args,
        timeout=policy.validation.timeout if validation.timeout is None else validation.timeout,
        setup=policy.validation.setup,
        criteria=criteria,
        platforms=platforms,
        digest=_digest(policy.validation, validation, scripts.folder, criteria, platforms, manual),
        manual=manual,
        attested_by=policy.validation.attested_by,
        min_tests=policy.validation.min_tests,
    )


def judged_by(policy: Policy, plan: Plan, target: Target, scripts: Scripts) -> tuple[Validation, Script] | Finding:
    """What runs to prove a target; a finding where nothing can."""
    wave = None if target.wave is None else plan.wave(target.wave)
    if target.wave is not None and wave is None:
        return Finding(
            "CG101",
            "error",
            str(target),
            f"plan '{plan.plan}' declares no wave {target.wave}",
            hint=f"conductor-git plan show {plan.plan}",
        )
    validation = _validation(policy, plan, wave)
    if validation is None:
        return _undeclared(plan, target)
    script = scripts.files.get(validation.script)
    if script is None or script.mode != EXECUTABLE:
        return unusable_script(policy, str(target), validation.script, script)
    return validation, script


# Most waves of a project are judged alike, and a report asks for the digest of each.
@lru_cache(maxsize=4096)
def _digest(*judged: Any) -> str:
    """The digest of what `canonical_rules` makes of these."""
    return attestation.digest(canonical_rules(*judged))


def canonical_rules(
    policy: ValidationPolicy,
    validation: Validation,
    folder: Oid | None,
    criteria: tuple[Criterion, ...],
    platforms: tuple[str, ...],
    manual: Manual | None,
) -> Rules:
    """What the digest is over, as JSON-ready values; `folder` is the tree of the scripts folder. Titles, prose and time
    limits are not in it; order of criteria and platforms does not count."""
    return {
        "args": list(validation.args),
        "criteria": sorted((_criterion(criterion) for criterion in criteria), key=canonical),
        "manual": None if manual is None else {"at-least": _number(manual.at_least), "people": manual.people},
        "platforms": sorted(set(platforms)),
        "room": {
            "attested-by": policy.attested_by,
            "baseline": policy.baseline,
            "keep": sorted(set(policy.keep)),
            "lfs": policy.lfs,
            "min-tests": policy.min_tests,
            "submodules": policy.submodules,
        },
        "script": validation.script,
        "scripts": folder,
        "setup": policy.setup,
    }


def unusable_script(policy: Policy, subject: str, name: str, script: Script | None) -> Finding:
    """The finding for a script that is missing (`script` None) or cannot be executed."""
    path = f"{policy.scripts}/{name}"
    if script is None:
        message = f"script '{path}' is not on the control ref"
        return Finding(
            "CG703", "error", subject, message, hint=f"conductor-git plan commit    # once '{path}' is there"
        )
    import shlex

    message = f"script '{path}' is not an executable file (mode {script.mode})"
    hint = f"chmod +x {shlex.quote(path)} && conductor-git plan commit"
    if script.mode == _LINK:
        hint = "conductor-git plan commit    # once it is a file and no link"
    return Finding("CG703", "error", subject, message, hint=hint)


def _validation(policy: Policy, plan: Plan, wave: Wave | None) -> Validation | None:
    own = (wave.validation if wave else None) or plan.validation
    if own is not None:
        return own
    return Validation(policy.validation.default) if policy.validation.default else None


def _undeclared(plan: Plan, target: Target) -> Finding:
    return Finding(
        "CG210",
        "error",
        str(target),
        f"neither plan '{plan.plan}' nor the policy names a validation script",
        hint=f"conductor-git init --validate 'CMD'    # as the conductor; or 'validation:' in '{plan.path}'",
    )


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        "at-least": _number(criterion.at_least),
        "at-most": _number(criterion.at_most),
        "metric": criterion.metric,
        "of": "baseline" if criterion.of_baseline else None,
        "waivable": criterion.waivable,
    }


def _number(value: float | None) -> float | int | None:
    """Whole numbers without a fraction, so that every language writes the same JSON."""
    if value is not None and math.isfinite(value) and value == int(value):
        return int(value)
    return value
