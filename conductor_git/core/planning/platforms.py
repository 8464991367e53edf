"""Names of platforms: `linux-x86_64`, `macos-arm64`, as each machine calls itself and as plans ask for them."""

from __future__ import annotations

import re

_TAG = re.compile(r"([a-z0-9_]{1,32})-([a-z0-9_]{1,32})")
_SYSTEMS = {"darwin": "macos", "macosx": "macos", "osx": "macos", "mac": "macos", "win32": "windows", "win": "windows"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
_KNOWN_SYSTEMS = ("linux", "macos", "windows", "freebsd", "openbsd", "netbsd", "android", "sunos", "aix")
_KNOWN_MACHINES = (
    *("x86_64", "arm64", "armv6l", "armv7l", "i386", "i686", "riscv64", "ppc64le", "ppc64", "s390x", "loongarch64"),
    *("mips", "mips64", "sparc64"),
)


def platform_tag(system: str, machine: str) -> str:
    """The platform of a machine, from what uname(2) calls its system and its hardware."""
    system, machine = system.lower(), machine.lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"


def platform_problem(text: str) -> str:
    """Why a text is no platform: no machine would ever call itself so."""
    found = _TAG.fullmatch(text)
    if found is None:
        return "a platform is written like 'linux-x86_64' or 'macos-arm64'"
    system, _, machine = platform_tag(found[1], found[2]).partition("-")
    meant = f"{_spelt(system, _KNOWN_SYSTEMS)}-{_spelt(machine, _KNOWN_MACHINES)}"
    return "" if meant == text else f"no machine calls itself so; did you mean '{meant}'?"


def _spelt(word: str, known: tuple[str, ...]) -> str:
    """The word as it is, unless it is nearly a known one: there are more systems than anybody can list."""
    if word in known:
        return word
    from conductor_git.core.planning.problems import nearest  # for whoever reads a plan, not for each claim

    return nearest(word, known) or word
