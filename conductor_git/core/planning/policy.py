"""The policy: `.conductor/conductor.toml` on the control ref."""

from __future__ import annotations

from typing import Literal

import msgspec

from conductor_git.core.events.demand import Trust

POLICY_PATH = ".conductor/conductor.toml"
TEMPLATES_FOLDER = ".conductor/templates"
"""Where a project's own templates of briefs stand, in the control tree."""
FORMAT = 1

Direct = Literal["any", "control", "none"]
Content = Literal["refuse", "leave", "fill"]
Runner = Literal["agent", "runner"]


class ValidationPolicy(msgspec.Struct, frozen=True):
    """How validations run, for every plan."""

    default: str = ""
    """The script of a plan that names none; empty is none."""
    setup: str = ""
    """A shell command run in the room before the script; empty is none."""
    timeout: int = 1200
    """Seconds."""
    keep: tuple[str, ...] = ()
    """Paths kept between rooms (recorded as warm)."""
    submodules: Content = "refuse"
    lfs: Content = "refuse"
    attested_by: Runner = "agent"
    min_tests: int = 1
    """A run that reports tests must have run at least as many."""
    baseline: bool = True
    """Not fewer tests passed and not more skipped than on integration."""


class LandingPolicy(msgspec.Struct, frozen=True):
    """How work comes onto integration."""

    validation: str = ""
    """The script that each landing passes besides its plan's, and that judges branches of no plan; empty is the
    policy's default for those, and nothing besides."""
    waves: bool = False
    """Whether complete waves may land before their plan."""


class Limits(msgspec.Struct, frozen=True):
    """Sizes and ages."""

    event_bytes: int = 262_144
    log_bytes: int = 16_777_216
    silent: int = 86_400
    """Seconds after which a plan with no sign of life is shown as silent."""
    blocker_low: int = 259_200
    """Seconds after which a blocker of that level that nobody answered is shown as unanswered."""
    blocker_high: int = 14_400
    blocker_critical: int = 1800


class Policy(msgspec.Struct, frozen=True):
    """What the conductor decided for the whole repository."""

    repository: str
    """A random id: proofs name it, so a proof of another repository is told apart."""
    since: str = ""
    """Judgement begins above this commit; empty is the beginning of history."""
    integration: str = "main"
    control: str = ""
    """Branch rules are read from; empty is the integration branch."""
    direct: Direct = "any"
    plans: str = ".conductor/plans/*.md"
    scripts: str = ".conductor/scripts"
    validation: ValidationPolicy = ValidationPolicy()
    landing: LandingPolicy = LandingPolicy()
    protect: tuple[str, ...] = ()
    limits: Limits = Limits()
    trust: Trust = Trust()
    people: dict[str, tuple[str, ...]] = {}
    """Login at a hub -> the writers that this person may speak as."""

    @property
    def integration_ref(self) -> str:
        """The full name of the integration branch."""
        return f"refs/heads/{self.integration}"

    @property
    def control_ref(self) -> str:
        """The full name of the branch that holds policy, plans and scripts."""
        return f"refs/heads/{self.control or self.integration}"
