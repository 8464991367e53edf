"""pre-commit's own installation, run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from conductor_git.core.findings import Finding
from conductor_git.store.plumbing.git import without_git

_TOOLS = ("pre-commit", "prek")


def install_pre_commit(worktree: str, doors: Sequence[str]) -> tuple[str, Finding | None]:
    """Run `pre-commit install` (else prek's) for these hook types; what was done, or a finding where it was not."""
    tool = next((name for name in _TOOLS if shutil.which(name)), None)
    types = " ".join(f"--hook-type {door}" for door in doors)
    if tool is None:
        return "", _finding("pre-commit is not installed here", f"pip install pre-commit && pre-commit install {types}")
    command = [tool, "install", *(word for door in doors for word in ("--hook-type", door))]
    done = subprocess.run(
        command,
        cwd=worktree,
        env=without_git(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return "", _finding(f"'{tool} install' failed: {said[0] if said else done.returncode}", " ".join(command))
    return f"'{tool} install' for {', '.join(doors)}", None


def _finding(message: str, hint: str) -> Finding:
    return Finding("CG711", "error", "pre-commit", message, hint)
