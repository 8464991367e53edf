"""This machine's name in policies and attestations."""

from __future__ import annotations

_SYSTEMS = {"darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}


def platform_tag() -> str:
    """This machine as policies name it: `linux-x86_64`, `macos-arm64`, `windows-x86_64`."""
    import platform

    system = platform.system().lower()
    machine = platform.machine().lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"
