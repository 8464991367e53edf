"""The message of a landing."""

from __future__ import annotations

from conductor_git.core.landing.entry import Entry
from conductor_git.core.messages.message import PLAN_TRAILER, PROOF_TRAILER, WAVE_TRAILER
from conductor_git.core.targets import INTEGRATION


def landing_message(entry: Entry, proof: str) -> str:
    """What the merge that lands an entry says. `proof` is the digest of the attestation of its content."""
    what = title_of(entry)
    title = " ".join(entry.title.split())
    trailers = []
    if entry.target != INTEGRATION:
        trailers.append(f"{PLAN_TRAILER}: {entry.target.plan}")
        if entry.target.wave is not None:
            trailers.append(f"{WAVE_TRAILER}: {entry.target.wave}")
    if proof:
        trailers.append(f"{PROOF_TRAILER}: {proof}")
    subject = f"Land {what}: {title}" if title else f"Land {what}"
    return "\n".join([subject, "", *trailers, ""]) if trailers else f"{subject}\n"


def title_of(entry: Entry) -> str:
    """What it is, in words: `plan 2`, `wave 2.3`, `branch 'fix'`."""
    if entry.target == INTEGRATION:
        return f"branch '{entry.name}'"
    return f"plan {entry.target}" if entry.target.wave is None else f"wave {entry.target}"
