"""A landing that did not come to its end yet."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_git.core.findings import Finding


def judge_open_landing(integration: str, names: Sequence[str]) -> list[Finding]:
    """The finding for whoever commits on integration meanwhile: the landing would lose its place to that commit."""
    text = f"the landing of {', '.join(names)} on '{integration}' is under way, or was cut short"
    return [Finding("CG518", "error", integration, text, "conductor-git merge --resume")]
