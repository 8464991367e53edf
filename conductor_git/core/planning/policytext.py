"""Writing a policy file that a person can read, and that `policyfile` reads back as the same policy."""

from __future__ import annotations

import json
from typing import Any

from conductor_git.core.durations import render_duration
from conductor_git.core.events.demand import Trust
from conductor_git.core.planning.policy import FORMAT, LandingPolicy, Limits, Policy, ValidationPolicy

Line = tuple[str, Any, Any, str]
"""Key, value, default (None: always written), and what it is about."""


def render_policy(policy: Policy) -> str:
    """The policy as TOML: what was decided is written, what has its default stands behind a `#`."""
    return "\n".join(
        [
            "# What the conductor decided for this repository. It is read from the control branch's tip, never from",
            "# the tree under test; `conductor-git plan commit` puts a change there.",
            "",
            f"format = {FORMAT}",
            *_lines(_top(policy)),
            "",
            "[validation]",
            *_lines(_validation(policy.validation)),
            "",
            "[limits]",
            *_lines(_limits(policy.limits)),
            "",
            *_landing(policy.landing),
            *_trusted(policy.trust),
            *_people(policy.people),
        ]
    )


def _top(policy: Policy) -> tuple[Line, ...]:
    default = Policy("")
    return (
        (
            "repository",
            policy.repository,
            None,
            "A random name: proofs carry it, so that those of another repository are told apart.",
        ),
        ("since", policy.since, None, "Judgement begins above this commit; empty is the beginning of history."),
        ("integration", policy.integration, None, "Proven work lands on this branch, and only the conductor moves it."),
        (
            "control",
            policy.control,
            default.control,
            "Policy, plans and scripts are read from this branch; empty is the integration branch.",
        ),
        (
            "direct",
            policy.direct,
            default.direct,
            "Commits on integration without a plan: any, control (only under .conductor/), or none.",
        ),
        ("plans", policy.plans, default.plans, "Plan files, one a plan."),
        ("scripts", policy.scripts, default.scripts, "Validation scripts are the executable files of this folder."),
        (
            "protect",
            policy.protect,
            default.protect,
            "Paths whose change could weaken a proof (tests, build files): it needs the conductor's waiver.",
        ),
    )


def _validation(validation: ValidationPolicy) -> tuple[Line, ...]:
    default = ValidationPolicy()
    return (
        ("default", validation.default, None, "The script for plans that name none."),
        ("setup", validation.setup, None, "A shell command that readies the clean checkout before the script."),
        ("timeout", render_duration(validation.timeout), None, ""),
        (
            "keep",
            validation.keep,
            default.keep,
            "Paths kept from one run to the next, for speed; landings never use them.",
        ),
        (
            "submodules",
            validation.submodules,
            default.submodules,
            "What a checkout does about submodules: refuse, leave, or fill.",
        ),
        ("lfs", validation.lfs, default.lfs, "The same about files in Git LFS."),
        (
            "attested-by",
            validation.attested_by,
            default.attested_by,
            "Whose result counts: agent, or runner (continuous integration).",
        ),
        ("min-tests", validation.min_tests, default.min_tests, "A run that reports tests must have run so many."),
        (
            "baseline",
            validation.baseline,
            default.baseline,
            "Not fewer tests passed and not more skipped than on integration.",
        ),
    )


def _limits(limits: Limits) -> tuple[Line, ...]:
    default = Limits()
    return (
        ("event-bytes", limits.event_bytes, default.event_bytes, "The largest event that the ledger takes."),
        ("log-bytes", limits.log_bytes, default.log_bytes, "More of a run's output than this is cut in its middle."),
        (
            "silent",
            render_duration(limits.silent),
            render_duration(default.silent),
            "A plan without a sign of life for so long is shown as silent.",
        ),
        *_answers(limits, default),
    )


def _answers(limits: Limits, default: Limits) -> tuple[Line, ...]:
    about = "A blocker of a level that nobody answered for so long is shown as unanswered."
    return (
        ("blocker-low", render_duration(limits.blocker_low), render_duration(default.blocker_low), about),
        ("blocker-high", render_duration(limits.blocker_high), render_duration(default.blocker_high), ""),
        ("blocker-critical", render_duration(limits.blocker_critical), render_duration(default.blocker_critical), ""),
    )


def _landing(landing: LandingPolicy) -> list[str]:
    """The table of landings; nothing where all is as most have it."""
    default = LandingPolicy()
    if landing == default:
        return []
    entries: tuple[Line, ...] = (
        (
            "validation",
            landing.validation,
            default.validation,
            "The script that each landing passes besides its plan's, and that judges branches of no plan.",
        ),
        ("waves", landing.waves, default.waves, "Whether complete waves may land before their plan."),
    )
    return ["[landing]", *_lines(entries), ""]


def _trusted(trust: Trust) -> list[str]:
    """The table of signatures; nothing where nothing is asked for, for most do without."""
    default = Trust()
    if trust == default:
        return []
    entries: tuple[Line, ...] = (
        (
            "attestations",
            trust.attestations,
            default.attestations,
            "Whose results must be signed: none, agent (everybody's), or runner (then attested-by is runner too).",
        ),
        ("conductor", trust.conductor, default.conductor, "What the conductor decides must be signed."),
        ("since", trust.since, default.since, "What this commit contains was judged before that, and stays."),
    )
    return ["[trust]", *_lines(entries), ""]


def _people(people: dict[str, tuple[str, ...]]) -> list[str]:
    """The table of logins; nothing where there is none, for it takes a hub to have them."""
    if not people:
        return []
    about = "# Who may write as whom, by login at the hub."
    return ["[people]", about, *(f"{_toml(login)} = {_toml(writers)}" for login, writers in people.items()), ""]


def _lines(entries: tuple[Line, ...]) -> list[str]:
    lines = []
    for key, value, default, about in entries:
        if about:
            lines.append(f"# {about}")
        lines.append(f"{'# ' if value == default else ''}{key} = {_toml(value)}")
    return lines


def _toml(value: Any) -> str:
    # What JSON writes for these types is TOML too.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
