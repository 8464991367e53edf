"""How hook files start Python, what they do where they cannot, and the hook that stood there before."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conductor_git.store.hookfiles.doorfiles import DOORS, Start, compose
from tests.conducted import Conducted, Git, add, conduct


@pytest.fixture
def conducted(repo_dir: Path, git: Git) -> Conducted:
    return conduct(repo_dir, git)


@pytest.mark.parametrize("door", DOORS)
def test_the_hook_that_was_there_runs_first_and_its_refusal_stands(conducted: Conducted, door: str) -> None:
    conducted.install(doors=DOORS)
    kept = conducted.root / f".git/hooks/{door}.kept-by-conductor"
    kept.write_text(f"#!/bin/sh\necho kept \"$@\" >>'{conducted.log}'\nexit 3\n")
    kept.chmod(0o755)
    run = subprocess.run(["git", "hook", "run", door, "--", "an argument"], cwd=conducted.root, check=False)
    assert run.returncode == 3
    assert conducted.asked() == ["kept an argument"]
    kept.chmod(0o644)
    (conducted.root / ".git/COMMIT_EDITMSG").write_text("add a\n")
    conducted.git(conducted.root, "checkout", "-q", "main")
    # The one that asks Python each time.
    conducted.answer(0)
    run = subprocess.run(["git", "hook", "run", door, "--", ".git/COMMIT_EDITMSG"], cwd=conducted.root, check=False)
    assert run.returncode == 0


def test_a_kept_hook_that_is_ours_does_not_call_itself(conducted: Conducted) -> None:
    hooks = conducted.root / ".git/hooks"
    shutil.copy(hooks / "pre-commit", hooks / "pre-commit.kept-by-conductor")
    assert conducted.commit("--allow-empty", "-m", "nothing") == 0
    assert conducted.asked() == []


def test_a_door_that_cannot_start_python_stays_shut_where_it_must_judge(conducted: Conducted) -> None:
    conducted.python.unlink()
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "conductor-git-hook").exists()
    )
    assert conducted.commit("--allow-empty", "-m", "add nothing", env={"PATH": path}) == 0
    assert conducted.commit("--allow-empty", "-m", "✅ Wave 1 Complete", env={"PATH": path}) != 0
    assert conducted.said == (
        "error: 'commit-msg' must judge this, and conductor-git cannot be started; nothing was committed [CG711]\n"
        f"       '{conducted.python}' does not have it any more\n"
        "       'conductor-git-hook' is not on PATH, or does not start\n"
        "hint: pip install conductor-git && conductor-git install\n"
    )
    add(conducted, "src/a.py")
    assert conducted.commit("-m", "add a", env={"PATH": path}) != 0
    assert "'pre-commit' must judge this" in conducted.said


@pytest.mark.parametrize("lost", ["interpreter", "package"])
def test_a_lost_interpreter_or_package_falls_back_to_path(conducted: Conducted, tmp_path: Path, lost: str) -> None:
    if lost == "interpreter":
        conducted.python.unlink()
    else:
        (conducted.package / "doors/__init__.py").unlink()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "conductor-git-hook").write_text(f"#!/bin/sh\necho \"on PATH: $*\" >>'{conducted.log}'\nexit 1\n")
    (folder / "conductor-git-hook").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    assert conducted.commit("--allow-empty", "-m", "Wave 1 done", env={"PATH": path}) == 1
    assert conducted.asked() == ["on PATH: commit-msg .git/COMMIT_EDITMSG"]


def test_a_module_of_the_working_tree_cannot_stand_in_for_ours(conducted: Conducted) -> None:
    conducted.python.write_text(
        f"#!/bin/sh\necho \"${{PYTHONPATH-unset}} ${{PYTHONHOME-unset}} $1\" >>'{conducted.log}'\n"
    )
    env = {"PYTHONPATH": str(conducted.root), "PYTHONHOME": "/nowhere"}
    assert conducted.commit("--allow-empty", "-m", "Wave 1 done", env=env) == 0
    assert conducted.asked() == ["unset unset -P"]


def test_a_probe_is_never_a_pass(conducted: Conducted) -> None:
    env = {"CONDUCTOR_PROBE": "doctor"}
    kept = conducted.root / ".git/hooks/pre-commit.kept-by-conductor"
    kept.write_text(f"#!/bin/sh\necho kept >>'{conducted.log}'\n")
    kept.chmod(0o755)
    assert conducted.commit("--allow-empty", "-m", "nothing", env=env) == 1
    assert conducted.asked() == []
    run = ["git", "hook", "run", "pre-commit"]
    assert subprocess.run(run, cwd=conducted.root, env={**os.environ, **env}, check=False).returncode == 80
    add(conducted, "src/a.py")
    assert subprocess.run(run, cwd=conducted.root, env={**os.environ, **env}, check=False).returncode == 81
    conducted.answer(2)
    assert subprocess.run(run, cwd=conducted.root, env={**os.environ, **env}, check=False).returncode == 82


def test_a_shared_hooks_folder_leaves_other_repositories_alone(conducted: Conducted, tmp_path: Path, git: Git) -> None:
    conducted.install(shared=True)
    git(tmp_path, "init", "-q", "stranger")
    git(tmp_path / "stranger", "config", "core.hooksPath", str(conducted.root / ".git/hooks"))
    assert conducted.commit("--allow-empty", "-m", "Wave 1 done", cwd=tmp_path / "stranger") == 0
    assert conducted.asked() == []
    assert conducted.commit("--allow-empty", "-m", "Wave 1 done") == 1


def test_hook_files_are_executable_text_for_any_sh() -> None:
    for door in DOORS:
        text = compose(door, Start("/a b/py'thon", "/p")).decode()
        assert text.startswith("#!/bin/sh\n# installed by conductor-git ")
        assert "# include:" not in text
        assert "cg_python='/a b/py'\"'\"'thon'\n" in text
        done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
