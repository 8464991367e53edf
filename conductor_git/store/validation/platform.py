"""This machine's name in policies and attestations."""

from __future__ import annotations

import os

from conductor_git.core.planning import platforms


def platform_tag() -> str:
    """This machine as plans name it: `linux-x86_64`, `macos-arm64`, `windows-x86_64`."""
    return platforms.platform_tag(*_names())


def _names() -> tuple[str, str]:
    if hasattr(os, "uname"):
        # What the module platform says there, without loading it: a claim waits for this.
        said = os.uname()
        return said.sysname, said.machine
    import platform

    return platform.system(), platform.machine()
