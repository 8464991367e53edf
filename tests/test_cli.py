"""The command line: help that is true, errors in one form, exit codes, and what it does in odd surroundings."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from conductor_git import __version__, cli
from conductor_git.cli.frame import Exemplified, Group
from tests.conftest import Git


def commands(group: Group = cli.root, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group of commands with the words that call it, aliases too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, Group):
            yield from commands(command, (*path, name))


def run(*args: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "conductor_git", *args],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


ALL = dict(commands())
EXAMPLES = [example for command in ALL.values() if isinstance(command, Exemplified) for example in command.examples]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_that_ends_with_examples(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    examples = re.split(r"\n(?:Example|Examples):\n", shown)
    assert len(examples) == 2, shown
    given = examples[1].rstrip().splitlines()
    assert given
    assert all(line.startswith("  conductor-git ") for line in given)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_parses(example: str) -> None:
    words = shlex.split(example, comments=True)
    context = cli.root.make_context("conductor-git", list(words))
    group: click.Command = cli.root
    while isinstance(group, Group):
        name, found, words = group.resolve_command(context, words)
        assert found is not None
        context = found.make_context(name, list(words), parent=context)
        group = found


def test_the_first_page_begins_with_what_one_needs_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    page = capsys.readouterr().out
    sections = re.findall(r"^([A-Z][A-Za-z -]+):\n((?:  .*\n)+)", page, re.MULTILINE)
    first = dict(sections)["Start here"]
    assert re.findall(r"^  (\S+)", first, re.MULTILINE) == ["init", "delegate", "claim", "status", "merge"]


def test_every_command_is_on_the_first_page_once(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["--help"])
    page = capsys.readouterr().out.partition("Start here:")[2].partition("Examples:")[0]
    listed = re.findall(r"^  ([a-z-]+) ", page, re.MULTILINE)
    assert sorted(listed) == sorted(
        name for name in cli.root.list_commands(click.Context(cli.root)) if name != "log-status"
    )


def test_help_fits_into_eighty_cells(capsys: pytest.CaptureFixture[str]) -> None:
    for path in [(), *ALL]:
        cli.main([*path, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 and "conductor-git" not in line] == []


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (["staus"], "error: there is no command 'staus'", "hint: conductor-git status"),
        (["zzzzzz"], "error: there is no command 'zzzzzz'", "hint: conductor-git --help"),
        (
            ["status", "--wach"],
            "error: 'conductor-git status' has no option '--wach'",
            "hint: conductor-git status --watch",
        ),
        (
            ["status", "--format", "xml"],
            "error: invalid value for '--format': 'xml' is not one of 'text', 'md', 'json'",
            "hint: conductor-git status --help",
        ),
        (
            ["block", "1.2", "--level", "hihg", "-m", "x"],
            "error: invalid value for '--level': 'hihg' is not one of 'low', 'high', 'critical'",
            "hint: conductor-git block --level high",
        ),
        (["explain", "CG102", "x"], "error: got unexpected extra argument (x)", "hint: conductor-git explain --help"),
        (["-C", "/nowhere", "status"], "error: folder '/nowhere' cannot be entered: No such file or directory", ""),
    ],
)
def test_a_wrong_call_names_what_is_wrong_and_what_is_near(
    args: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(args) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [line for line in (error, hint) if line]


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: '{tmp_path}' is not in a git repository\nhint: git init && conductor-git init\n"


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"conductor-git {__version__}\n"


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "Start here:" in capsys.readouterr().out


def test_it_is_also_a_git_command(repo_dir: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["git", "conductor", "staus"],
        cwd=repo_dir,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "error: there is no command 'staus'\nhint: git conductor status\n")


def test_folders_of_c_are_entered_one_from_the_other(repo_dir: Path, tmp_path: Path) -> None:
    done = run("-C", str(tmp_path), "-C", "repo", "whoami", "--json", cwd=Path("/"))
    assert "is not in a git repository" not in done.stderr


@pytest.mark.parametrize("command", [["status"], ["status", "--format", "md"], ["whoami"]])
def test_a_command_is_about_the_folder_of_c(repo_dir: Path, tmp_path: Path, git: Git, command: list[str]) -> None:
    git(repo_dir, "commit", "-q", "--allow-empty", "-m", "begin")
    assert run("init", cwd=repo_dir).returncode == 0
    git(tmp_path, "init", "-q", "other")
    at = run(*command, cwd=repo_dir)
    assert at.returncode == 0, at.stderr
    assert run("-C", str(repo_dir), *command, cwd=tmp_path / "other").stdout == at.stdout


def test_a_bug_is_said_in_one_line_and_kept_in_a_file(
    repo_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.chdir(repo_dir)
    monkeypatch.setattr("conductor_git.commands.explain.explain", broken)
    assert cli.main(["explain"]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: this is a bug in conductor-git: ZeroDivisionError: a b"
    place = Path(re.findall(r"'(.*)'", second)[0])
    assert place.parent == repo_dir / ".git" / "conductor" / "bugs"
    assert "raise ZeroDivisionError" in place.read_text()


def test_a_bug_outside_of_a_repository_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("x")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("conductor_git.commands.explain.explain", broken)
    assert cli.main(["explain"]) == 3
    assert Path(re.findall(r"'(.*)'", capsys.readouterr().err)[0]).parent == tmp_path


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("conductor_git.commands.explain.explain", interrupted)
    assert cli.main(["explain"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    line = f"{shlex.quote(sys.executable)} -m conductor_git explain | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    # A reader that was slow to leave got everything; one that was quick closed the pipe.
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_a_full_pipe_that_closes_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "conductor_git", "explain"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_console_without_ticks_crashes_nothing(encoding: str) -> None:
    done = run("explain", "✅", env={"PYTHONIOENCODING": encoding, "LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (2, "error: there is no code '✅'\nhint: conductor-git explain\n")


def test_an_argument_that_is_not_utf_8_crashes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conductor_git", "explain", b"\xff\xfe"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: there is no code '")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_an_error_and_no_bug() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "conductor_git", "explain"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: no space left on device"
    assert len(done.stderr.splitlines()) == 2


def test_what_the_system_refuses_is_an_error_and_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*args: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr("conductor_git.commands.explain.explain", refused)
    assert cli.main(["explain"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "error: '/some/file': permission denied"
