"""The hook files themselves, run by real git, with a stand-in for Python that only says that it was asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conductor_git.core.guards import render_specs
from conductor_git.store.doorfiles import DOORS, Start, compose

Git = Callable[..., str]

SHELLS = [
    pytest.param(argv, id=argv[0], marks=pytest.mark.skipif(shutil.which(argv[0]) is None, reason=f"no {argv[0]} here"))
    for argv in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["zsh", "--emulate", "sh"])
]

STAND_IN = """\
#!/bin/sh
echo "$*" >>'{log}'
exit {code}
"""


class Conducted:
    """A repository with our hook files, guards written by hand, and a log of when Python was asked."""

    def __init__(self, root: Path, git: Git) -> None:
        self.root, self.git = root, git
        self.log = root.parent / "asked"
        self.python = root.parent / "it's python"
        self.package = root.parent / "package"
        (self.package / "doors").mkdir(parents=True)
        (self.package / "doors/__init__.py").touch()
        self.answer(1)

    def answer(self, code: int) -> None:
        self.python.write_text(STAND_IN.format(log=self.log, code=code))
        self.python.chmod(0o755)

    def install(self, shell: Sequence[str] = (), *, shared: bool = False) -> None:
        for door in DOORS:
            text = compose(door, Start(str(self.python), str(self.package), shared)).decode()
            if shell:
                path = shutil.which(shell[0])
                text = text.replace("#!/bin/sh", f"#!{path} {' '.join(shell[1:])}".rstrip(), 1)
            hook = self.root / ".git/hooks" / door
            hook.write_text(text)
            hook.chmod(0o755)

    def guard(self, **branches: list[list[str]]) -> None:
        oid = self.git(self.root, "rev-parse", "main")
        folder = self.root / ".git/conductor/guards" / oid
        (folder / "refs/heads").mkdir(parents=True)
        (folder / "default").write_text(":(top,glob).conductor\n")
        for branch, specs in branches.items():
            (folder / f"refs/heads/{branch}~").write_text(render_specs(specs))
        (self.root / ".git/conductor/control-ref").write_text("refs/heads/main\n")

    def asked(self) -> list[str]:
        said = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return said

    def commit(self, *args: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> int:
        done = subprocess.run(
            ["git", "commit", "-q", *args],
            cwd=cwd or self.root,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        self.said = done.stdout + done.stderr
        return done.returncode


@pytest.fixture
def conducted(repo_dir: Path, git: Git) -> Conducted:
    made = Conducted(repo_dir, git)
    made.install()
    made.guard(plan=[[":(top)", ":(top,exclude,glob)docs/**"], [":(top,glob)docs/frozen.md"]])
    git(repo_dir, "checkout", "-q", "-b", "plan")
    return made


def add(conducted: Conducted, path: str, *, root: Path | None = None) -> None:
    file = (root or conducted.root) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{path}\n")
    conducted.git(root or conducted.root, "add", "--", path)


@pytest.mark.parametrize("shell", SHELLS)
def test_ordinary_commits_start_no_python(conducted: Conducted, shell: list[str]) -> None:
    conducted.install(shell)
    add(conducted, "docs/a.md")
    assert conducted.commit("-m", "docs: say what a is") == 0, conducted.said
    assert conducted.said == ""
    assert conducted.asked() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_guarded_or_like_a_claim_is_judged(conducted: Conducted, shell: list[str]) -> None:
    conducted.install(shell)
    add(conducted, "src/a.py")
    assert conducted.commit("-m", "add a") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]
    conducted.git(conducted.root, "rm", "-q", "--cached", "src/a.py")
    add(conducted, "docs/frozen.md")
    assert conducted.commit("-m", "touch what is frozen") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]
    conducted.git(conducted.root, "rm", "-q", "--cached", "docs/frozen.md")
    assert conducted.commit("--allow-empty", "-m", "✅ Wave 1 Complete") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors commit-msg .git/COMMIT_EDITMSG"]
    conducted.answer(0)
    assert conducted.commit("--allow-empty", "-m", "✅ Wave 1 Complete") == 0
    assert conducted.asked() == ["-P -m conductor_git.doors commit-msg .git/COMMIT_EDITMSG"]


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("\n\n# a comment\n; another\n\n✅ Wave 1 Complete\n", True),
        ("// a comment of two characters\nWave 1 done\n", True),
        ("add a\n\nWave 1 done\n", False),
        ("  \t\nWave 1 done", True),
        ("✨ add sparkle\n", False),
        ("Wave hello to the new API\n", False),
        ("", False),
        ("# only a comment\n", False),
        ("x" * 200_000 + "\nWave 1 done\n", False),
    ],
)
def test_a_message_is_read_up_to_its_first_real_line(
    conducted: Conducted, tmp_path: Path, message: str, asked: bool
) -> None:
    file = tmp_path / "message"
    file.write_text(message)
    run = subprocess.run(["git", "hook", "run", "commit-msg", "--", str(file)], cwd=conducted.root, check=False)
    assert run.returncode == (1 if asked else 0)
    assert conducted.asked() == ([f"-P -m conductor_git.doors commit-msg {file}"] if asked else [])


def test_no_argument_is_no_pass(conducted: Conducted) -> None:
    run = ["git", "hook", "run", "commit-msg"]
    editmsg, mergemsg = conducted.root / ".git/COMMIT_EDITMSG", conducted.root / ".git/MERGE_MSG"
    editmsg.write_text("add a\n")
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 0
    mergemsg.write_text("Wave 1 done\n")
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 1
    assert conducted.asked() == ["-P -m conductor_git.doors commit-msg"]
    mergemsg.unlink()
    editmsg.unlink()
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 1
    assert conducted.asked() == ["-P -m conductor_git.doors commit-msg"]


def test_a_branch_of_no_plan_guards_the_control_tree(conducted: Conducted) -> None:
    conducted.git(conducted.root, "checkout", "-q", "-b", "other")
    add(conducted, "src/a.py")
    assert conducted.commit("-m", "add a") == 0
    add(conducted, ".conductor/plans/1.md")
    assert conducted.commit("-m", "change a plan") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_deletions_and_renames_out_of_the_scope_are_seen(conducted: Conducted) -> None:
    conducted.git(conducted.root, "mv", "README", "docs")
    assert conducted.commit("-m", "move the readme") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]
    conducted.git(conducted.root, "reset", "-q", "--hard")
    conducted.git(conducted.root, "rm", "-q", "README")
    assert conducted.commit("-m", "drop the readme") == 1


def test_commit_all_and_commit_only_are_judged_by_the_index_they_use(conducted: Conducted) -> None:
    add(conducted, "docs/a.md")
    assert conducted.commit("-m", "add a") == 0
    (conducted.root / "README").write_text("changed\n")
    (conducted.root / "docs/a.md").write_text("changed\n")
    assert conducted.commit("-m", "only docs", "--", "docs/a.md") == 0
    assert conducted.asked() == []
    assert conducted.commit("-a", "-m", "all") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_a_moved_submodule_is_seen_though_the_configuration_ignores_it(conducted: Conducted) -> None:
    head = conducted.git(conducted.root, "rev-parse", "HEAD")
    conducted.git(conducted.root, "update-index", "--add", "--cacheinfo", f"160000,{head},lib")
    conducted.answer(0)
    assert conducted.commit("-m", "add a submodule") == 0
    conducted.asked()
    conducted.git(conducted.root, "config", "diff.ignoreSubmodules", "all")
    moved = conducted.git(conducted.root, "rev-parse", "HEAD")
    conducted.git(conducted.root, "update-index", "--cacheinfo", f"160000,{moved},lib")
    conducted.answer(1)
    assert conducted.commit("-m", "move the submodule") == 1


@pytest.mark.parametrize("flag", ["--literal-pathspecs", "--glob-pathspecs", "--icase-pathspecs"])
def test_pathspec_options_of_the_outer_git_change_nothing(conducted: Conducted, flag: str) -> None:
    add(conducted, "src/a.py")
    run = subprocess.run(["git", flag, "commit", "-q", "-m", "add a"], cwd=conducted.root, check=False)
    assert run.returncode == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_the_first_commit_is_judged_against_nothing(tmp_path: Path, git: Git, object_format: str) -> None:
    root = tmp_path / "new"
    git(tmp_path, "init", "-q", f"--object-format={object_format}", str(root))
    made = Conducted(root, git)
    add(made, "src/a.py")
    git(root, "commit", "-q", "-m", "first")
    made.install()
    made.guard()
    git(root, "checkout", "-q", "--orphan", "fresh")
    assert made.commit("-m", "start over") == 0, made.said
    assert made.asked() == []
    git(root, "checkout", "-q", "--orphan", "fresher")
    add(made, ".conductor/conductor.toml")
    assert made.commit("-m", "start over") == 1
    assert made.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_linked_worktrees_and_detached_heads(conducted: Conducted, tmp_path: Path) -> None:
    tree = tmp_path / "a linked tree"
    conducted.git(conducted.root, "checkout", "-q", "main")
    conducted.git(conducted.root, "worktree", "add", "-q", str(tree), "plan")
    add(conducted, "src/a.py", root=tree)
    assert conducted.commit("-m", "add a", cwd=tree) == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]
    conducted.git(tree, "checkout", "-q", "--detach")
    assert conducted.commit("-m", "add a", cwd=tree) == 0
    assert conducted.commit("--allow-empty", "-m", "Wave 1 done", cwd=tree) == 1


def test_a_stop_in_a_rebase_is_on_the_branch_that_is_rebased(conducted: Conducted) -> None:
    add(conducted, "docs/a.md")
    assert conducted.commit("-m", "add a") == 0
    env = {"GIT_SEQUENCE_EDITOR": "sed -i.bak s/^pick/edit/"}
    subprocess.run(["git", "rebase", "-q", "-i", "HEAD~1"], cwd=conducted.root, env={**os.environ, **env}, check=True)
    add(conducted, "src/a.py")
    assert conducted.commit("--amend", "-m", "add more") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_a_bare_repository_with_worktrees(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), str(tmp_path / "bare.git"))
    git(tmp_path / "bare.git", "worktree", "add", "-q", "-b", "plan", str(tmp_path / "tree"))
    made = Conducted(tmp_path / "tree", git)
    for door in DOORS:
        hook = tmp_path / "bare.git/hooks" / door
        hook.write_bytes(compose(door, Start(str(made.python), str(made.package))))
        hook.chmod(0o755)
    oid = git(tmp_path / "tree", "rev-parse", "main")
    guards = tmp_path / "bare.git/conductor/guards" / oid
    (guards / "refs/heads").mkdir(parents=True)
    (guards / "default").touch()
    (guards / "refs/heads/plan~").write_text(":(top,glob)src\n")
    (tmp_path / "bare.git/conductor/control-ref").write_text("refs/heads/main\n")
    assert made.commit("--allow-empty", "-m", "nothing") == 0, made.said
    assert made.asked() == []
    add(made, "src/a.py")
    assert made.commit("-m", "add a") == 1
    assert made.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_a_separate_git_directory(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"), str(tmp_path / "tree"))
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "first")
    made = Conducted(tmp_path / "tree", git)
    (tmp_path / "tree/.git").rename(tmp_path / "gitfile")
    (tmp_path / "tree/.git").symlink_to(tmp_path / "elsewhere")
    made.install()
    made.guard()
    (tmp_path / "tree/.git").unlink()
    (tmp_path / "gitfile").rename(tmp_path / "tree/.git")
    assert made.commit("--allow-empty", "-m", "second") == 0, made.said
    assert made.asked() == []


def test_packed_refs_are_read_by_git(conducted: Conducted) -> None:
    conducted.git(conducted.root, "pack-refs", "--all")
    assert not (conducted.root / ".git/refs/heads/main").exists()
    assert conducted.commit("--allow-empty", "-m", "nothing") == 0
    assert conducted.asked() == []


def test_guards_of_an_older_control_commit_are_not_used(conducted: Conducted) -> None:
    tip = conducted.git(conducted.root, "commit-tree", "-m", "control moves", "HEAD^{tree}", "-p", "main")
    conducted.git(conducted.root, "update-ref", "refs/heads/main", tip)
    assert conducted.commit("--allow-empty", "-m", "nothing") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_a_watched_ref_that_moves_makes_guards_old(conducted: Conducted) -> None:
    tip = conducted.git(conducted.root, "rev-parse", "main")
    conducted.git(conducted.root, "update-ref", "refs/remotes/origin/main", tip)
    (conducted.root / ".git/conductor/control-ref").write_text(f"refs/heads/main\nrefs/remotes/origin/main {tip}\n")
    assert conducted.commit("--allow-empty", "-m", "nothing") == 0
    moved = conducted.git(conducted.root, "rev-parse", "HEAD")
    conducted.git(conducted.root, "update-ref", "refs/remotes/origin/main", moved)
    assert conducted.commit("--allow-empty", "-m", "nothing") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


@pytest.mark.parametrize("lost", ["control-ref", "guards"])
def test_without_guards_everything_is_guarded(conducted: Conducted, lost: str) -> None:
    path = conducted.root / ".git/conductor" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert conducted.commit("--allow-empty", "-m", "nothing") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


def test_merges_are_judged_on_guarded_branches_only(conducted: Conducted) -> None:
    git, root = conducted.git, conducted.root
    git(root, "checkout", "-q", "-b", "side", "main")
    add(conducted, "side.txt")
    assert conducted.commit("-m", "side") == 0
    git(root, "checkout", "-q", "-b", "free", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "merge side", "side")
    assert conducted.asked() == []
    git(root, "checkout", "-q", "plan")
    merge = subprocess.run(
        ["git", "merge", "--no-ff", "-m", "merge", "side"], cwd=root, capture_output=True, check=False
    )
    assert merge.returncode != 0
    assert conducted.asked() == ["-P -m conductor_git.doors pre-merge-commit"]


def test_concluding_a_conflicted_merge_on_a_guarded_branch_is_judged(conducted: Conducted) -> None:
    git, root = conducted.git, conducted.root
    git(root, "checkout", "-q", "-b", "side", "main")
    (root / "README").write_text("theirs\n")
    assert conducted.commit("-a", "-m", "theirs") == 0
    git(root, "checkout", "-q", "plan")
    (root / "README").write_text("ours\n")
    conducted.answer(0)
    assert conducted.commit("-a", "-m", "ours") == 0
    subprocess.run(["git", "merge", "-q", "side"], cwd=root, capture_output=True, check=False)
    (root / "README").write_text("ours\n")
    git(root, "add", "README")
    conducted.asked()
    conducted.answer(1)
    assert conducted.commit("-m", "merge side") == 1
    assert conducted.asked() == ["-P -m conductor_git.doors pre-commit"]


@pytest.mark.parametrize("door", DOORS)
def test_the_hook_that_was_there_runs_first_and_its_refusal_stands(conducted: Conducted, door: str) -> None:
    kept = conducted.root / f".git/hooks/{door}.kept-by-conductor"
    kept.write_text(f"#!/bin/sh\necho kept \"$@\" >>'{conducted.log}'\nexit 3\n")
    kept.chmod(0o755)
    run = subprocess.run(["git", "hook", "run", door, "--", "an argument"], cwd=conducted.root, check=False)
    assert run.returncode == 3
    assert conducted.asked() == ["kept an argument"]
    kept.chmod(0o644)
    (conducted.root / ".git/COMMIT_EDITMSG").write_text("add a\n")
    conducted.git(conducted.root, "checkout", "-q", "main")
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
