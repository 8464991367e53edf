"""The clone id: one for each place, kept for as long as the place is the same, and agreed on by all processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.store.notes.clone import clone_id, clone_ids
from conductor_git.store.plumbing.repository import Repository, discover
from tests.conftest import Git


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    """A repository with one commit on main."""
    return discover(str(repo_dir))


def test_an_id_is_eight_hex_digits_and_stays(repo: Repository) -> None:
    id = clone_id(repo)
    assert re.fullmatch(r"[0-9a-f]{8}", id)
    assert clone_id(repo) == id
    assert clone_ids(repo) == (id,)
    stored = json.loads(Path(repo.private, "clone").read_text())
    assert (stored["id"], stored["path"]) == (id, os.path.realpath(repo.common_dir))


def test_linked_worktrees_are_one_clone(repo: Repository, git: Git, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    assert clone_id(discover(str(tmp_path / "linked"))) == clone_id(repo)


def test_a_copy_is_another_clone_and_the_first_one_keeps_its_id(repo: Repository, tmp_path: Path) -> None:
    first = clone_id(repo)
    shutil.copytree(repo.root, tmp_path / "copy", symlinks=True)
    copy = discover(str(tmp_path / "copy"))
    assert json.loads(Path(copy.private, "clone").read_text())["id"] == first
    assert clone_id(copy) != first
    assert clone_id(repo) == first


def test_a_moved_clone_remembers_under_which_id_it_wrote(repo: Repository, tmp_path: Path) -> None:
    first = clone_id(repo)
    os.rename(repo.root, tmp_path / "moved")
    moved = discover(str(tmp_path / "moved"))
    assert clone_ids(moved) == (clone_id(moved), first)


def test_two_paths_in_turns_keep_one_id_each(repo: Repository, tmp_path: Path) -> None:
    here, there = repo.root, str(tmp_path / "there")
    ids = []
    for place, other in ((here, there), (there, here)) * 3:
        ids.append(clone_id(discover(place)))
        os.rename(place, other)
    assert ids == [ids[0], ids[1]] * 3
    assert ids[0] != ids[1]
    assert clone_ids(discover(here)) == (ids[0], ids[1])


def test_a_symbolic_link_is_the_same_place(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.root)
    assert clone_id(discover(str(tmp_path / "link"))) == clone_id(repo)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id":1,"path":"/"}', b"\xff\xfe", b"\0" * 64])
def test_a_broken_file_is_made_anew(repo: Repository, content: bytes) -> None:
    os.makedirs(repo.private)
    Path(repo.private, "clone").write_bytes(content)
    id = clone_id(repo)
    assert re.fullmatch(r"[0-9a-f]{8}", id)
    assert clone_id(repo) == id


def test_a_path_that_is_no_utf8_has_an_id_too(git: Git, tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9po")
    git(tmp_path, "init", "-q", folder)
    repo = discover(folder)
    assert clone_id(repo) == clone_id(repo)


def test_processes_that_start_at_once_agree(repo: Repository, tmp_path: Path) -> None:
    program = "import sys; from conductor_git.store.notes import clone\n"
    program += "from conductor_git.store.plumbing import repository; sys.stdin.read()\n"
    program += f"print(clone.clone_id(repository.discover({repo.root!r})))"
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    said = []
    for process in processes:
        assert process.stdout is not None
        said.append(process.stdout.read().strip())
        process.stdout.close()
        assert process.wait() == 0
    assert said == [clone_id(repo)] * 8


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_repository_is_told(repo: Repository) -> None:
    os.chmod(repo.common_dir, 0o555)
    try:
        with pytest.raises(CannotRun, match="cannot be locked: Permission denied"):
            clone_id(repo)
    finally:
        os.chmod(repo.common_dir, 0o755)


def test_a_place_that_cannot_be_written_is_told(repo: Repository) -> None:
    Path(repo.private).write_text("a file where the folder belongs\n")
    with pytest.raises(CannotRun, match="cannot be locked"):
        clone_id(repo)
