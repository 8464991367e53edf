"""The hook files themselves, run by real git in several shells: what starts Python, and what does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conductor_git.store.hookfiles.doorfiles import MANAGED, Start, compose
from tests.conducted import Conducted, Git, add, conduct

SHELLS = [
    pytest.param(argv, id=argv[0], marks=pytest.mark.skipif(shutil.which(argv[0]) is None, reason=f"no {argv[0]} here"))
    for argv in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["zsh", "--emulate", "sh"])
]


@pytest.fixture
def conducted(repo_dir: Path, git: Git) -> Conducted:
    return conduct(repo_dir, git)


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
    assert conducted.asked() == ["pre-commit"]
    conducted.git(conducted.root, "rm", "-q", "--cached", "src/a.py")
    add(conducted, "docs/frozen.md")
    assert conducted.commit("-m", "touch what is frozen") == 1
    assert conducted.asked() == ["pre-commit"]
    conducted.git(conducted.root, "rm", "-q", "--cached", "docs/frozen.md")
    assert conducted.commit("--allow-empty", "-m", "✅ Wave 1 Complete") == 1
    assert conducted.asked() == ["commit-msg .git/COMMIT_EDITMSG"]
    conducted.answer(0)
    assert conducted.commit("--allow-empty", "-m", "✅ Wave 1 Complete") == 0
    assert conducted.asked() == ["commit-msg .git/COMMIT_EDITMSG"]


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
    assert conducted.asked() == ([f"commit-msg {file}"] if asked else [])


def test_no_argument_is_no_pass(conducted: Conducted) -> None:
    run = ["git", "hook", "run", "commit-msg"]
    editmsg, mergemsg = conducted.root / ".git/COMMIT_EDITMSG", conducted.root / ".git/MERGE_MSG"
    editmsg.write_text("add a\n")
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 0
    mergemsg.write_text("Wave 1 done\n")
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 1
    assert conducted.asked() == ["commit-msg"]
    mergemsg.unlink()
    editmsg.unlink()
    assert subprocess.run(run, cwd=conducted.root, check=False).returncode == 1
    assert conducted.asked() == ["commit-msg"]


def test_a_branch_of_no_plan_guards_the_control_tree(conducted: Conducted) -> None:
    conducted.git(conducted.root, "checkout", "-q", "-b", "other")
    add(conducted, "src/a.py")
    assert conducted.commit("-m", "add a") == 0
    add(conducted, ".conductor/plans/1.md")
    assert conducted.commit("-m", "change a plan") == 1
    assert conducted.asked() == ["pre-commit"]


def test_deletions_and_renames_out_of_the_scope_are_seen(conducted: Conducted) -> None:
    conducted.git(conducted.root, "mv", "README", "docs")
    assert conducted.commit("-m", "move the readme") == 1
    assert conducted.asked() == ["pre-commit"]
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
    assert conducted.asked() == ["pre-commit"]


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
    assert conducted.asked() == ["pre-commit"]


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
    assert made.asked() == ["pre-commit"]


def test_linked_worktrees_and_detached_heads(conducted: Conducted, tmp_path: Path) -> None:
    tree = tmp_path / "a linked tree"
    conducted.git(conducted.root, "checkout", "-q", "main")
    conducted.git(conducted.root, "worktree", "add", "-q", str(tree), "plan")
    add(conducted, "src/a.py", root=tree)
    assert conducted.commit("-m", "add a", cwd=tree) == 1
    assert conducted.asked() == ["pre-commit"]
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
    assert conducted.asked() == ["pre-commit"]


def test_a_bare_repository_with_worktrees(repo_dir: Path, tmp_path: Path, git: Git) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo_dir), str(tmp_path / "bare.git"))
    git(tmp_path / "bare.git", "worktree", "add", "-q", "-b", "plan", str(tmp_path / "tree"))
    made = Conducted(tmp_path / "tree", git)
    for door in MANAGED:
        hook = tmp_path / "bare.git/hooks" / door
        hook.write_bytes(compose(door, Start(str(made.python), str(made.package))))
        hook.chmod(0o755)
    oid = git(tmp_path / "tree", "rev-parse", "main")
    guards = tmp_path / "bare.git/conductor/guards" / oid
    (guards / "refs/heads").mkdir(parents=True)
    (guards / "default").touch()
    (guards / "paths").write_text(":(top,literal).conductor\n")
    (guards / "refs/heads/plan~").write_text(":(top,glob)src\n")
    (tmp_path / "bare.git/conductor/control-ref").write_text(f"{oid}\nrefs/heads/main {oid}\n")
    assert made.commit("--allow-empty", "-m", "nothing") == 0, made.said
    assert made.asked() == []
    add(made, "src/a.py")
    assert made.commit("-m", "add a") == 1
    assert made.asked() == ["pre-commit"]


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


def test_guards_of_a_control_commit_that_is_gone_are_not_used(conducted: Conducted) -> None:
    tip = conducted.git(conducted.root, "rev-parse", "main")
    note = conducted.root / ".git/conductor/control-ref"
    gone = f"{'0' * 39}1"
    note.write_text(note.read_text().replace(tip, gone))
    (conducted.root / ".git/conductor/guards" / tip).rename(conducted.root / ".git/conductor/guards" / gone)
    assert conducted.commit("--allow-empty", "-m", "nothing") == 1
    assert conducted.asked() == ["pre-commit"]


def tree_with(conducted: Conducted, path: str) -> str:
    """A tree that holds one file."""
    git, root = conducted.git, conducted.root
    blob = git(root, "hash-object", "-w", "--stdin", stdin="x")
    env = {"GIT_INDEX_FILE": str(root.parent / f"index-{len(path)}")}
    git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
    return git(root, "write-tree", env=env)


@pytest.mark.parametrize(("path", "asked"), [("other", []), (".conductor/plans/1.md", ["pre-commit"])])
def test_a_watched_ref_that_moves_makes_guards_old_where_the_rules_changed(
    conducted: Conducted, path: str, asked: list[str]
) -> None:
    git, root = conducted.git, conducted.root
    tip = git(root, "rev-parse", "main")
    with (root / ".git/conductor/control-ref").open("a") as file:
        file.write(f"refs/remotes/origin/main {tip}\n")
    moved = git(root, "commit-tree", tree_with(conducted, path), "-p", tip, "-m", "moved")
    kept = git(root, "ls-tree", tip, ".conductor")
    assert kept == "", "the rules are the same in both commits but for the path"
    git(root, "update-ref", "refs/remotes/origin/main", moved)
    assert conducted.commit("--allow-empty", "-m", "nothing") == bool(asked)
    assert conducted.asked() == [f"{door}" for door in asked]


@pytest.mark.parametrize("further", [[], ["other"]])
def test_a_watched_ref_that_comes_to_the_rules_of_now_leaves_the_guards_good(
    conducted: Conducted, further: list[str]
) -> None:
    """As upstream does when the conductor pushes a new plan, and then a landing."""
    git, root = conducted.git, conducted.root
    tip = git(root, "rev-parse", "main")
    before = git(root, "commit-tree", tree_with(conducted, ".conductor/plans/1.md"), "-m", "before")
    with (root / ".git/conductor/control-ref").open("a") as file:
        file.write(f"refs/remotes/origin/main {before}\n")
    for path in further:
        tip = git(root, "commit-tree", tree_with(conducted, path), "-p", tip, "-m", "landing")
    git(root, "update-ref", "refs/remotes/origin/main", tip)
    assert conducted.commit("--allow-empty", "-m", "nothing") == 0
    assert conducted.asked() == []


@pytest.mark.parametrize("lost", ["control-ref", "guards"])
def test_without_guards_everything_is_guarded(conducted: Conducted, lost: str) -> None:
    path = conducted.root / ".git/conductor" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert conducted.commit("--allow-empty", "-m", "nothing") == 1
    assert conducted.asked() == ["pre-commit"]


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
    assert conducted.asked() == ["pre-merge-commit"]


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
    assert conducted.asked() == ["pre-commit"]
