"""The control tree that a repository begins with."""

from __future__ import annotations

from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.planning.policytext import render_policy

SCRIPT = "validate.sh"

_SCRIPT_TEXT = """\
#!/bin/sh
# Proves a wave or plan: it runs in a clean checkout, and exit code 0 means passed.
# Tests are counted where JUnit XML is written to "$CONDUCTOR_RESULTS", numbers where metrics.json is.
set -eu
"""


def first_files(policy: Policy, command: str) -> dict[str, bytes]:
    """Content by path. `command` is what the first script runs; empty leaves the script out."""
    plans, scripts = policy.plans.partition("*")[0].rpartition("/")[0], policy.scripts
    files = {POLICY_PATH: render_policy(policy), f"{plans}/.gitkeep": ""}
    if command:
        files[script_path(policy)] = f"{_SCRIPT_TEXT}{command.strip()}\n"
    else:
        files[f"{scripts}/.gitkeep"] = ""
    return {path: text.encode("utf-8", "surrogateescape") for path, text in files.items()}


def script_path(policy: Policy) -> str:
    """Where the first script stands."""
    return f"{policy.scripts}/{SCRIPT}"


def integration_as_plan() -> Plan:
    """What integration's own content is proven as: no file declares it, and the policy's default script judges it."""
    return Plan("integration", "Integration", "")
