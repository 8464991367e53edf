"""Attestations: in-toto Statements of what was run on which product tree, with which result.

Sources: in-toto Attestation Framework, Statement v1; predicate `test-result/v0.1`; digest set key `gitTree`
(in-toto "DigestSet"). What the predicate has no field for stands in one extension object, `conductor`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from conductor_git.core.events.event import Event, canonical
from conductor_git.core.standing import RUNNER_PREFIX
from conductor_git.core.targets import Oid, Target

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"

MANUAL = "manual"
"""What stands for the script of manual evidence."""

PEOPLE = "people"
"""What stands for its platform."""

Verdict = Literal["PASSED", "WARNED", "FAILED"]
Outcome = Literal["passed", "failed", "timed-out", "tracked-files-changed", "criteria"]


class Counts(msgspec.Struct, frozen=True):
    """Tests by result, as JUnit XML counts them."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def run(self) -> int:
        """How many tests really ran."""
        return self.passed + self.failed


class Attestation(msgspec.Struct, frozen=True):
    """What one validation run proved. `tree` is the product tree it ran on."""

    target: Target
    tree: Oid
    passed: bool
    outcome: Outcome
    repository: str
    rules: str
    """`sha256:<hex>`, the rules digest it ran under."""
    script: str
    script_digest: str
    """The script's blob oid on the control ref."""
    control: Oid
    """The control commit the rules were read from; recorded, never compared."""
    platform: str
    """As `linux-x86_64`, `macos-arm64`."""
    writer: str
    started: int
    ended: int
    exit_code: int | None = None
    room: Literal["fresh", "warm"] = "fresh"
    submodules: str = "none"
    lfs: str = "none"
    counts: Counts | None = None
    """None where the run reported no JUnit XML."""
    metrics: dict[str, float] = {}
    failed_tests: tuple[str, ...] = ()
    log_digest: str = ""
    role: Literal["agent", "runner"] = "agent"
    """As read: a runner only where the writer is one, whatever it says of itself."""
    unmet: tuple[str, ...] = ()
    """Criteria that did not hold, as text."""
    scores: tuple[float, ...] = ()
    """What people gave, one each, where nothing was run: then it is manual evidence."""
    signed: bool = False
    """As read: the policy asks for a signature, and this one is good."""
    digest: str = ""
    """`sha256:<hex>` over the canonical statement; filled when read or rendered."""
    event: Oid | None = None


def statement(attestation: Attestation) -> dict[str, Any]:
    """The in-toto Statement, as JSON-ready values."""
    own = msgspec.to_builtins(attestation)
    for known in (
        "tree",
        "passed",
        "digest",
        "event",
        "signed",
        "target",
        "rules",
        "script",
        "script_digest",
        "failed_tests",
    ):
        del own[known]
    if not attestation.scores:
        del own["scores"]
    own["plan"] = attestation.target.plan
    own["wave"] = attestation.target.wave
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "product", "digest": {"gitTree": attestation.tree}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if attestation.passed else "FAILED",
            "configuration": [
                {"name": attestation.script, "digest": {"gitBlob": attestation.script_digest}},
                {"name": "rules", "digest": {"sha256": attestation.rules.removeprefix("sha256:")}},
            ],
            "failedTests": list(attestation.failed_tests),
            "conductor": own,
        },
    }


def digest(value: object) -> str:
    """`sha256:<hex>` over the canonical JSON of a value."""
    # Loaded where something is digested: with its library it costs as much as our own modules.
    import hashlib

    return "sha256:" + hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def read(event: Event) -> Attestation | None:
    """The attestation that an event of kind `attestation` carries; None when it is not one we can read."""
    body = event.data.get("statement")
    if not isinstance(body, dict):
        return None
    try:
        predicate = body["predicate"]
        script, rules = predicate["configuration"]
        own = dict(predicate["conductor"])
        target = Target(own.pop("plan"), own.pop("wave", None))
        if body["_type"] != STATEMENT_TYPE or body["predicateType"] != PREDICATE_TYPE or event.target != target:
            return None
        (subject,) = body["subject"]
        return msgspec.convert(
            {
                **own,
                "target": (target.plan, target.wave),
                "tree": subject["digest"]["gitTree"],
                "passed": predicate["result"] == "PASSED",
                "rules": "sha256:" + rules["digest"]["sha256"],
                "script": script["name"],
                "script_digest": script["digest"]["gitBlob"],
                "failed_tests": predicate.get("failedTests", ()),
                "role": own.get("role", "agent") if event.writer.startswith(RUNNER_PREFIX) else "agent",
                "signed": bool(event.signer),
                "digest": digest(body),
                "event": event.id,
            },
            Attestation,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
