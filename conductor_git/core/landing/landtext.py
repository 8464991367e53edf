"""The message of a landing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from conductor_git.core.landing.entry import Entry
from conductor_git.core.messages.message import PLAN_TRAILER, PROOF_TRAILER, WAVE_TRAILER
from conductor_git.core.targets import INTEGRATION

_LONGEST = 60


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


def request_branch(entries: Sequence[Entry]) -> str:
    """The branch (short name) that a pull request for these entries is made of."""
    names = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", entry.name).strip("-.") for entry in entries)
    return f"landing/{names[:_LONGEST].rstrip('-.')}"


def request_command(entries: Sequence[Entry], branch: str, integration: str, url: str) -> str:
    """What opens the pull request, for the forge that the remote's address names."""
    title = f"Land {', '.join(title_of(entry) for entry in entries)}"
    body = "Validated as it stands: a merge commit or a squash lands it, as long as nothing else lands before."
    words = ["gh", "pr", "create", "--base", integration, "--head", branch, "--title", title, "--body", body]
    if "gitlab" in url:
        words = ["glab", "mr", "create", "--target-branch", integration, "--source-branch", branch]
        words += ["--title", title, "--description", body]
    return " ".join(shlex.quote(word) for word in words)


def title_of(entry: Entry) -> str:
    """What it is, in words: `plan 2`, `wave 2.3`, `branch 'fix'`."""
    if entry.target == INTEGRATION:
        return f"branch '{entry.name}'"
    return f"plan {entry.target}" if entry.target.wave is None else f"wave {entry.target}"
