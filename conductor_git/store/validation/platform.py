"""This machine's name in policies and attestations."""

from __future__ import annotations

import os

_SYSTEMS = {"darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}


def platform_tag() -> str:
    """This machine as policies name it: `linux-x86_64`, `macos-arm64`, `windows-x86_64`."""
    system, machine = (name.lower() for name in _names())
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"


def _names() -> tuple[str, str]:
    if hasattr(os, "uname"):
        # What the module platform says there, without loading it: a claim waits for this.
        said = os.uname()
        return said.sysname, said.machine
    import platform

    return platform.system(), platform.machine()
