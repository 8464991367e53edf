"""What a plan may ask for as a platform: what some machine would call itself."""

from __future__ import annotations

import pytest

from conductor_git.core.planning.platforms import platform_problem, platform_tag
from conductor_git.store.validation import platform


@pytest.mark.parametrize(
    ("system", "machine", "tag"),
    [
        ("Linux", "x86_64", "linux-x86_64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "macos-arm64"),
        ("Windows", "AMD64", "windows-x86_64"),
        ("Haiku", "x86_64", "haiku-x86_64"),
    ],
)
def test_what_a_machine_calls_itself_can_be_asked_for(system: str, machine: str, tag: str) -> None:
    assert platform_tag(system, machine) == tag
    assert platform_problem(tag) == ""


def test_this_machine_can_be_asked_for() -> None:
    assert platform_problem(platform.platform_tag()) == ""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("linxu-x86_64", "linux-x86_64"),
        ("linux-x86-64", None),
        ("linux-amd64", "linux-x86_64"),
        ("linux-aarch64", "linux-arm64"),
        ("darwin-arm64", "macos-arm64"),
        ("macosx-arm64", "macos-arm64"),
        ("win32-x64", "windows-x86_64"),
        ("windos-arm46", "windows-arm64"),
        ("linux", None),
        ("Mars", None),
    ],
)
def test_what_no_machine_calls_itself_is_wrong(text: str, meant: str | None) -> None:
    assert platform_problem(text) == (
        "a platform is written like 'linux-x86_64' or 'macos-arm64'"
        if meant is None
        else f"no machine calls itself so; did you mean '{meant}'?"
    )
