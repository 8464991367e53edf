"""The control tree that a repository begins with."""

from __future__ import annotations

import re

from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.planning.policytext import render_policy

SCRIPT = "validate.sh"

_SCRIPT_TEXT = """\
#!/bin/sh
# Proves a wave or plan: it runs in a clean checkout, and exit code 0 means passed.
# Tests are counted where JUnit XML is written to "$CONDUCTOR_RESULTS", numbers where metrics.json is.
set -eu
"""
_NO_DEFAULT = re.compile(r'^default[ \t]*=[ \t]*""', re.MULTILINE)
_TABLE = re.compile(r"^\[validation\][ \t]*\n", re.MULTILINE)


def first_files(policy: Policy, command: str) -> dict[str, bytes]:
    """Content by path. `command` is what the first script runs; empty leaves the script out."""
    plans, scripts = policy.plans.partition("*")[0].rpartition("/")[0], policy.scripts
    files = {POLICY_PATH: _encoded(render_policy(policy)), f"{plans}/.gitkeep": b""}
    return files | (first_script(policy, command) if command else {f"{scripts}/.gitkeep": b""})


def first_script(policy: Policy, command: str) -> dict[str, bytes]:
    """The script that runs `command`, by path."""
    return {script_path(policy): _encoded(f"{_SCRIPT_TEXT}{command.strip()}\n")}


def script_path(policy: Policy) -> str:
    """Where the first script stands."""
    return f"{policy.scripts}/{SCRIPT}"


def with_default(text: str) -> str:
    """The text of a policy that names no script, naming the first one; whether it does so is for its reader to say."""
    line = f'default = "{SCRIPT}"'
    if _NO_DEFAULT.search(text):
        return _NO_DEFAULT.sub(line, text, count=1)
    if _TABLE.search(text):
        return _TABLE.sub(f"[validation]\n{line}\n", text, count=1)
    return f"{text.rstrip()}\n\n[validation]\n{line}\n"


def with_signed_decisions(text: str, since: str) -> str:
    """The text of a policy without `[trust]` asking the conductor to sign; for its reader to say whether it does so.
    What `since` contains needs no signature."""
    lines = ["[trust]", "conductor = true", *([f'since = "{since}"'] if since else [])]
    return "\n".join([text.rstrip(), "", *lines, ""])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
