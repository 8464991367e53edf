"""Entries in other tools' files: added and taken out as text, with everything else as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from conductor_git.core.errors import CannotRun
from conductor_git.core.hooktext import hooklines
from conductor_git.core.hooktext.lefthookfile import add_commands, commands_missing, remove_commands
from conductor_git.core.hooktext.precommitfile import (
    add_entries,
    entries_by_address,
    entries_missing,
    new_config,
    remove_entries,
    types_missing,
)
from conductor_git.core.hooktext.yamltext import CannotEdit
from conductor_git.store.hookfiles.managers import HUSKY, LEFTHOOK, PRE_COMMIT, PREK, shim_of
from conductor_git.store.hookfiles.shellhooks import TrackedHooks

DOORS = ("pre-commit", "commit-msg", "pre-merge-commit")

NEW = """\
default_install_hook_types: [pre-commit, commit-msg, pre-merge-commit]  # conductor-git
repos:
  - repo: local
    hooks:
      - id: conductor-pre-commit
        name: conductor-git pre-commit
        entry: conductor-git-hook pre-commit
        language: system
        stages: [pre-commit]
        always_run: true
        pass_filenames: false
      - id: conductor-commit-msg
        name: conductor-git commit-msg
        entry: conductor-git-hook commit-msg
        language: system
        stages: [commit-msg]
        always_run: true
        pass_filenames: true
      - id: conductor-pre-merge-commit
        name: conductor-git pre-merge-commit
        entry: conductor-git-hook pre-merge-commit
        language: system
        stages: [pre-merge-commit]
        always_run: true
        pass_filenames: false
"""

ENTRY = NEW.partition("repos:\n")[2]

TWO_SPACES = """\
# our hooks
exclude: ^vendor/   # not ours
repos:
  - repo: https://example.org/ruff
    rev: 'v1'   # pinned
    hooks:
      - id: ruff
        args: [--fix]
      # - id: off

# the end
"""

NO_INDENT = """\
---
repos:
- repo: local
  hooks:
  - id: lint
    name: lint
    entry: sh -c 'make lint'
    language: system
fail_fast: true
"""

LAST_IS_BLOCK = """\
repos:
  - repo: local
    hooks:
      - id: lint
        name: lint
        language: system
        entry: |
          make lint
          make more


"""


def test_new_pre_commit_config() -> None:
    assert new_config(DOORS) == NEW


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            TWO_SPACES,
            TWO_SPACES.replace(
                "exclude",
                "default_install_hook_types: [pre-commit, commit-msg, pre-merge-commit]  # conductor-git\nexclude",
            ).replace("[--fix]\n", "[--fix]\n" + ENTRY),
        ),
        (
            NO_INDENT,
            NO_INDENT.replace(
                "repos:",
                "default_install_hook_types: [pre-commit, commit-msg, pre-merge-commit]  # conductor-git\nrepos:",
            ).replace("fail_fast", "".join(f"{line[2:]}\n" for line in ENTRY.splitlines()) + "fail_fast"),
        ),
        (LAST_IS_BLOCK, NEW.partition("repos")[0] + LAST_IS_BLOCK.replace("more\n", "more\n" + ENTRY)),
        ("", NEW),
        ("# nothing yet\n", "# nothing yet\n" + NEW),
        ("repos:\n", NEW),
        ("fail_fast: true", NEW.partition("repos")[0] + "fail_fast: true\nrepos:\n" + ENTRY),
    ],
)
def test_pre_commit_entries_go_in_as_text(before: str, after: str) -> None:
    assert add_entries(before, DOORS) == after
    assert add_entries(after, DOORS) == after
    assert entries_missing(after, DOORS) == ()
    assert types_missing(after, DOORS) == ()


@pytest.mark.parametrize("before", [TWO_SPACES, NO_INDENT, LAST_IS_BLOCK, "repos: []\n"])
def test_pre_commit_entries_come_out_without_a_trace(before: str) -> None:
    assert remove_entries(add_entries(before, DOORS)) == before
    assert remove_entries(before) == before


def test_hooks_of_others_in_the_same_local_repo_stay() -> None:
    both = NEW.replace(
        "    hooks:\n", "    hooks:\n      - id: mine\n        name: m\n        entry: m\n        language: system\n"
    )
    assert yaml.safe_load(remove_entries(both)) == {
        "repos": [{"repo": "local", "hooks": [{"id": "mine", "name": "m", "entry": "m", "language": "system"}]}]
    }


@pytest.mark.parametrize(
    ("types", "after"),
    [
        (
            "default_install_hook_types: [pre-commit, pre-push] # x\n",
            "[pre-commit, pre-push, commit-msg, pre-merge-commit] # x",
        ),
        (
            "default_install_hook_types:\n- pre-push  # x\n",
            "default_install_hook_types:\n- pre-push  # x\n- pre-commit\n- commit-msg\n- pre-merge-commit\n",
        ),
    ],
)
def test_hook_types_are_completed(types: str, after: str) -> None:
    assert after in add_entries(f"{types}repos: []\n", DOORS)


def test_an_entry_that_a_filter_would_skip_is_missing_and_is_written_anew() -> None:
    old = NEW.replace("always_run: true", "always_run: false", 1)
    assert entries_missing(old, DOORS) == ("pre-commit",)
    assert add_entries(old, DOORS) == NEW
    assert entries_missing(NEW.replace("stages: [commit-msg]", "stages: [manual]"), DOORS) == ("commit-msg",)


def test_entries_by_address_count_and_stay() -> None:
    text = """\
repos:
  - repo: https://example.org/conductor-git
    rev: v1
    hooks:
      - id: conductor-pre-commit
      - id: conductor-commit-msg
      - id: conductor-pre-merge-commit
"""
    assert entries_missing(text, DOORS) == ()
    assert (entries_by_address(text, DOORS), entries_by_address(NEW, DOORS)) == (DOORS, ())
    assert remove_entries(text) == text
    assert entries_missing(text.replace("commit-msg\n", "commit-msg\n        stages: [manual]\n"), DOORS) == (
        "commit-msg",
    )


@pytest.mark.parametrize(
    "text", ["repos: [{repo: local, hooks: []}]\n", "{repos: []}\n", "- a\n", "repos: x\n", "repos: [\n", "a: b: c\n"]
)
def test_a_config_that_lines_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        add_entries(text, DOORS)


LEFT = """\
# lefthook
pre-commit:
  parallel: true
  commands:
    lint:
      run: make lint  # all of it
pre-push:
  jobs:
    - run: make test
"""

LEFT_AFTER = """\
# lefthook
pre-commit:
  parallel: true
  commands:
    lint:
      run: make lint  # all of it
    conductor-git:
      run: conductor-git-hook pre-commit
pre-push:
  jobs:
    - run: make test
commit-msg:
  commands:
    conductor-git:
      run: 'conductor-git-hook commit-msg "{1}"'
"""


JOB = "        - name: conductor-git\n          run: conductor-git-hook pre-commit\n"
COMMAND = "    conductor-git:\n      run: conductor-git-hook pre-commit\n"


def test_lefthook_commands_go_in_and_out_as_text() -> None:
    two = ("pre-commit", "commit-msg")
    assert add_commands(LEFT, two) == LEFT_AFTER
    assert add_commands(LEFT_AFTER, two) == LEFT_AFTER
    assert commands_missing(LEFT_AFTER, DOORS) == ("pre-merge-commit",)
    assert remove_commands(LEFT_AFTER, two) == LEFT
    assert remove_commands(LEFT, DOORS) == LEFT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "pre-commit:\n    jobs:\n        - run: a\n",
            "pre-commit:\n    jobs:\n        - run: a\n" + JOB,
        ),
        (
            "pre-commit:\n  piped: true\n",
            "pre-commit:\n  piped: true\n  commands:\n    conductor-git:\n      run: conductor-git-hook pre-commit\n",
        ),
        ("pre-commit:\n", "pre-commit:\n  commands:\n    conductor-git:\n      run: conductor-git-hook pre-commit\n"),
        ("", "pre-commit:\n  commands:\n    conductor-git:\n      run: conductor-git-hook pre-commit\n"),
        (
            "pre-commit:\n  commands:\n    conductor-git:\n      run: conductor-git-hook old\n    z:\n      run: z\n",
            "pre-commit:\n  commands:\n    z:\n      run: z\n" + COMMAND,
        ),
    ],
)
def test_lefthook_layouts(before: str, after: str) -> None:
    assert add_commands(before, ["pre-commit"]) == after


@pytest.mark.parametrize(
    "text", ["pre-commit: {jobs: []}\n", "pre-commit:\n  commands: {}\n", "{}\n", "- a\n", "a: [\n"]
)
def test_a_lefthook_file_that_lines_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        add_commands(text, ["pre-commit"])


def test_shell_lines_stand_first_and_leave_no_trace() -> None:
    mine = "#!/usr/bin/env bash\nset -e\nexec make lint\n"
    with_ours = hooklines.add_lines(mine, "pre-commit")
    assert with_ours == (
        "#!/usr/bin/env bash\n"
        "# >>> conductor-git\n"
        'conductor-git-hook pre-commit "$@" || exit $?\n'
        "# <<< conductor-git\n"
        "set -e\nexec make lint\n"
    )
    assert hooklines.add_lines(with_ours, "pre-commit") == with_ours
    assert hooklines.remove_lines(with_ours) == mine
    assert not hooklines.is_shell("#!/usr/bin/env python3\n")


def test_husky_files_are_made_and_taken_away(tmp_path: Path) -> None:
    (tmp_path / ".husky").mkdir()
    (tmp_path / ".husky/pre-commit").write_text("npm test\n")
    assert HUSKY.add(str(tmp_path), DOORS) == (".husky/pre-commit", ".husky/commit-msg", ".husky/pre-merge-commit")
    assert HUSKY.missing(str(tmp_path), DOORS) == ()
    assert HUSKY.add(str(tmp_path), DOORS) == ()
    assert HUSKY.remove(str(tmp_path), DOORS) == (".husky/pre-commit", ".husky/commit-msg", ".husky/pre-merge-commit")
    assert [path.name for path in (tmp_path / ".husky").iterdir()] == ["pre-commit"]
    assert (tmp_path / ".husky/pre-commit").read_text() == "npm test\n"


def test_a_hook_in_another_language_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pre-commit").write_text("#!/usr/bin/env python3\nprint()\n")
    with pytest.raises(CannotRun, match="is not a shell script"):
        TrackedHooks(str(tmp_path)).add(str(tmp_path), ["pre-commit"])
    assert (tmp_path / "pre-commit").read_text() == "#!/usr/bin/env python3\nprint()\n"


def test_the_file_that_lefthook_has_is_the_one_that_changes(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"there is no lefthook\.yml"):
        LEFTHOOK.add(str(tmp_path), DOORS)
    (tmp_path / "lefthook-local.yml").write_text("")
    assert LEFTHOOK.add(str(tmp_path), DOORS) == ("lefthook-local.yml",)
    assert LEFTHOOK.missing(str(tmp_path), DOORS) == ()
    assert LEFTHOOK.remove(str(tmp_path), DOORS) == ("lefthook-local.yml",)


def test_a_file_that_cannot_be_changed_says_why_and_stays(tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text("{repos: []}\n")
    with pytest.raises(CannotRun, match="flow style"):
        PRE_COMMIT.add(str(tmp_path), DOORS)
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == "{repos: []}\n"
    assert PRE_COMMIT.missing(str(tmp_path), DOORS) == DOORS


def test_shims_are_told_by_what_their_makers_write() -> None:
    assert shim_of("/r/.git/hooks/commit-msg", b"#!/bin/sh\n# File generated by pre-commit: x\n") is PRE_COMMIT
    assert shim_of("/r/.git/hooks/commit-msg", b"#!/bin/sh\n# File generated by prek: x\n") is PREK
    assert shim_of("/r/.git/hooks/commit-msg", b'#!/bin/sh\ncall_lefthook run "commit-msg" "$@"\n') is LEFTHOOK
    assert shim_of("/r/.husky/_/commit-msg", b'#!/usr/bin/env sh\n. "$(dirname "$0")/h"') is HUSKY
    assert shim_of("/r/.git/hooks/commit-msg", b"#!/bin/sh\nmake lint\n") is None
