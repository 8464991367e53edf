"""Rooms: what reaches a validation is the product tree and nothing else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.policy import ValidationPolicy
from conductor_git.core.targets import Oid
from conductor_git.core.tree import strip_control
from conductor_git.store.files.flock import take
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.validation.cache import cache_root, remove
from conductor_git.store.validation.fill import resolve_url
from conductor_git.store.validation.rooms import Room, _stale, open_room
from tests.conftest import Git

POLICY = ValidationPolicy()


@pytest.fixture
def repo(repo_dir: Path) -> Repository:
    return discover(str(repo_dir))


def tree_of(repo: Repository, name: str = "HEAD") -> Oid:
    tree = repo.resolve(name, kind="tree")
    assert tree is not None
    return tree


def commit_all(git: Git, folder: Path, message: str = "work") -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def listed(folder: str) -> list[str]:
    """Every file below a room's `work`, without its git directory."""
    found = []
    for place, folders, files in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        found += [os.path.relpath(os.path.join(place, name), folder) for name in files]
    return sorted(found)


def rooms_left(hermetic: Path) -> list[str]:
    return sorted(name for name in os.listdir(hermetic / "cache" / "rooms") if name != "lock")


def cannot_open(repo: Repository, tree: Oid, why: str, policy: ValidationPolicy = POLICY) -> CannotRun:
    with pytest.raises(CannotRun, match=why) as caught, open_room(repo, tree, policy=policy, warm_key="key"):
        pass
    return caught.value


class TestTree:
    def test_the_room_holds_the_tree_and_is_gone_afterwards(self, repo: Repository, hermetic: Path) -> None:
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert listed(room.work) == ["README"]
            assert Path(room.work, "README").read_text() == "hello\n"
            assert os.listdir(room.results) == []
            assert (room.submodules, room.lfs, room.is_warm) == ("none", "none", False)
            assert room.changed() == []
        assert rooms_left(hermetic) == []

    def test_a_room_is_gone_after_a_failure_and_with_read_only_folders_in_it(
        self, repo: Repository, hermetic: Path
    ) -> None:
        def use_a_room() -> None:
            with open_room(repo, tree_of(repo), policy=POLICY) as room:
                deep = Path(room.work, "cache", "module")
                deep.mkdir(parents=True)
                (deep / "file").write_text("x")
                for folder in (deep, deep.parent):
                    folder.chmod(0o555)
                raise RuntimeError("broke")

        with pytest.raises(RuntimeError, match="broke"):
            use_a_room()
        assert rooms_left(hermetic) == []

    def test_the_control_folder_is_no_part_of_the_product(self, repo: Repository, repo_dir: Path, git: Git) -> None:
        (repo_dir / ".conductor").mkdir()
        (repo_dir / ".conductor" / "conductor.toml").write_text("x")
        before = tree_of(repo)
        commit_all(git, repo_dir)
        whole = tree_of(repo)
        (found,) = read_objects(repo, [whole])
        raw = strip_control(found.body, "sha1")
        product = repo.hash("tree", raw)
        assert product == before
        with open_room(repo, product, raw=raw, policy=POLICY) as room:
            assert listed(room.work) == ["README"]

    def test_a_product_tree_that_the_repository_lacks_is_written_into_the_room_only(
        self, repo: Repository, repo_dir: Path, git: Git
    ) -> None:
        (repo_dir / ".conductor").mkdir()
        (repo_dir / ".conductor" / "x").write_text("x")
        (repo_dir / "new").write_text("new\n")
        commit_all(git, repo_dir)
        (found,) = read_objects(repo, [tree_of(repo)])
        raw = strip_control(found.body, "sha1")
        product = repo.hash("tree", raw)
        with open_room(repo, product, raw=raw, policy=POLICY) as room:
            assert listed(room.work) == ["README", "new"]
        assert repo.resolve(product, kind="tree") is None

    def test_a_raw_tree_that_is_another_is_refused(self, repo: Repository) -> None:
        with pytest.raises(CannotRun, match="content is"), open_room(repo, tree_of(repo), raw=b"", policy=POLICY):
            pass

    def test_a_missing_tree_cannot_run_and_says_so(self, repo: Repository, hermetic: Path) -> None:
        cannot_open(repo, Oid("ab" * 20), "tree 'abababa' could not be checked out")
        assert rooms_left(hermetic) == []

    def test_the_empty_tree(self, repo: Repository) -> None:
        with open_room(repo, repo.hash("tree", b""), raw=b"", policy=POLICY) as room:
            assert listed(room.work) == []
            assert room.changed() == []

    def test_tools_that_ask_git_get_an_answer_and_always_the_same(self, repo: Repository, git: Git) -> None:
        said = []
        for _ in range(2):
            with open_room(repo, tree_of(repo), policy=POLICY) as room:
                assert git(room.work, "ls-files") == "README"
                assert git(room.work, "status", "--porcelain") == ""
                assert git(room.work, "rev-parse", "--show-toplevel") == os.path.realpath(room.work)
                assert git(room.work, "describe") == "v0.0.0"
                said.append(git(room.work, "log", "--format=%H %an %ad", "--date=unix"))
        assert said[0] == said[1]
        assert said[0].endswith(" conductor-git 978307200")

    def test_odd_names(self, repo: Repository, repo_dir: Path, git: Git) -> None:
        odd = [b"two words", b"new\nline", b'quo"te', b"-dash", "tick-✅".encode()]
        if sys.platform != "darwin":
            # macOS refuses names that are no UTF-8.
            odd.append(b"latin-\xe9")
        for name in odd:
            Path(os.fsdecode(os.fsencode(repo_dir) + b"/" + name)).write_text("x\n")
        commit_all(git, repo_dir)
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert sorted(os.listdir(os.fsencode(room.work))) == sorted([b".git", b"README", *odd])
            assert room.changed() == []
            for name in odd:
                os.unlink(os.fsencode(room.work) + b"/" + name)
            assert room.changed() == sorted(os.fsdecode(name) for name in odd)

    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses names that are no UTF-8")
    def test_a_repository_in_a_folder_with_an_odd_name(self, tmp_path: Path, git: Git) -> None:
        folder = tmp_path / os.fsdecode(b'a "b": \xe9#')
        git(tmp_path, "init", "-q", str(folder))
        (folder / "f").write_text("x\n")
        commit_all(git, folder)
        repo = discover(str(folder))
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert listed(room.work) == ["f"]
            assert room.changed() == []

    def test_sha256(self, tmp_path: Path, git: Git) -> None:
        folder = tmp_path / "repo256"
        git(tmp_path, "init", "-q", "--object-format=sha256", str(folder))
        (folder / "f").write_text("x\n")
        commit_all(git, folder)
        repo = discover(str(folder))
        (found,) = read_objects(repo, [tree_of(repo)])
        with open_room(repo, tree_of(repo), raw=found.body, policy=POLICY) as room:
            assert len(git(room.work, "rev-parse", "HEAD")) == 64
            Path(room.work, "f").write_text("y\n")
            assert room.changed() == ["f"]

    def test_a_bare_repository_and_its_worktree(self, repo_dir: Path, tmp_path: Path, git: Git) -> None:
        bare = tmp_path / "project" / "bare.git"
        git(tmp_path, "clone", "-q", "--bare", str(repo_dir), str(bare))
        git(bare, "worktree", "add", "-q", str(tmp_path / "project" / "one"), "-b", "one")
        for place in (bare, tmp_path / "project" / "one"):
            repo = discover(str(place))
            with open_room(repo, tree_of(repo), policy=POLICY) as room:
                assert listed(room.work) == ["README"]

    def test_scripts_stand_beside_the_product_with_their_modes(self, repo: Repository) -> None:
        scripts = {
            "verify.sh": ("100755", b"#!/bin/sh\n"),
            "lib/more.sh": ("100644", b"x\xff"),
            "short": ("120000", b"verify.sh"),
        }
        with open_room(repo, tree_of(repo), policy=POLICY, scripts=scripts) as room:
            assert listed(room.scripts) == ["lib/more.sh", "short", "verify.sh"]
            assert os.access(os.path.join(room.scripts, "verify.sh"), os.X_OK)
            assert not os.access(os.path.join(room.scripts, "lib/more.sh"), os.X_OK)
            assert os.readlink(os.path.join(room.scripts, "short")) == "verify.sh"
            assert not room.scripts.startswith(room.work)


class TestNothingElse:
    """Each way in which a folder can look like its tree and not be it (GIT_FACTS: an empty `git status` lies)."""

    def test_what_is_only_in_the_worktree_stays_there(self, repo: Repository, repo_dir: Path, git: Git) -> None:
        (repo_dir / ".gitignore").write_text("ignored\n")
        for name in ("skipped", "assumed"):
            (repo_dir / name).write_text("as committed\n")
        commit_all(git, repo_dir)
        git(repo_dir, "update-index", "--skip-worktree", "skipped")
        git(repo_dir, "update-index", "--assume-unchanged", "assumed")
        (repo_dir / ".git" / "info" / "exclude").write_text("excluded\n")
        for name in ("skipped", "assumed", "ignored", "excluded"):
            (repo_dir / name).write_text("makes the tests pass\n")
        assert git(repo_dir, "status", "--porcelain") == ""
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert listed(room.work) == [".gitignore", "README", "assumed", "skipped"]
            assert Path(room.work, "skipped").read_text() == "as committed\n"
            assert Path(room.work, "assumed").read_text() == "as committed\n"

    def test_filters_hooks_and_monitors_of_configuration_do_not_run(
        self, repo: Repository, repo_dir: Path, git: Git, tmp_path: Path, hermetic: Path
    ) -> None:
        ran = tmp_path / "ran"
        (repo_dir / ".gitattributes").write_text("*.txt filter=evil\n")
        (repo_dir / "a.txt").write_text("raw\n")
        commit_all(git, repo_dir)
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch '{ran}'\n")
        (hooks / "post-checkout").chmod(0o755)
        for where in ("--local", "--global"):
            git(repo_dir, "config", where, "filter.evil.smudge", f"touch '{ran}'; echo smudged")
            git(repo_dir, "config", where, "filter.evil.clean", f"touch '{ran}'; cat")
            git(repo_dir, "config", where, "core.hooksPath", str(hooks))
            git(repo_dir, "config", where, "core.fsmonitor", f"touch '{ran}'; false")
        (hermetic / ".config" / "git").mkdir(parents=True)
        (hermetic / ".config" / "git" / "attributes").write_text("*.txt eol=crlf\n")
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert Path(room.work, "a.txt").read_bytes() == b"raw\n"
            assert room.changed() == []
        assert not ran.exists()

    def test_the_tree_s_own_attributes_count_and_the_user_s_line_ends_do_not(
        self, repo: Repository, repo_dir: Path, git: Git
    ) -> None:
        (repo_dir / ".gitattributes").write_text("dos text eol=crlf\nunix text eol=lf\n")
        for name in ("dos", "unix", "plain"):
            (repo_dir / name).write_bytes(b"one\ntwo\n")
        commit_all(git, repo_dir)
        git(repo_dir, "config", "--global", "core.autocrlf", "true")
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert Path(room.work, "dos").read_bytes() == b"one\r\ntwo\r\n"
            assert Path(room.work, "unix").read_bytes() == b"one\ntwo\n"
            assert Path(room.work, "plain").read_bytes() == b"one\ntwo\n"
            assert room.changed() == []
            assert git(room.work, "status", "--porcelain") == ""

    def test_replace_objects_and_outer_git_variables_do_not_count(
        self, repo: Repository, repo_dir: Path, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        blob = git(repo_dir, "rev-parse", "HEAD:README")
        lie = git(repo_dir, "hash-object", "-w", "--stdin", stdin="a lie\n")
        git(repo_dir, "replace", blob, lie)
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path))
        with open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert Path(room.work, "README").read_text() == "hello\n"


class TestChanged:
    @pytest.fixture
    def room_repo(self, repo: Repository, repo_dir: Path, git: Git) -> Repository:
        (repo_dir / "run.sh").write_text("#!/bin/sh\n")
        (repo_dir / "run.sh").chmod(0o755)
        (repo_dir / "link").symlink_to("README")
        (repo_dir / "src").mkdir()
        (repo_dir / "src" / "a").write_text("a\n")
        commit_all(git, repo_dir)
        return repo

    @pytest.mark.parametrize(
        ("script", "changed"),
        [
            ("true", []),
            ("touch README; cat README > /dev/null", []),
            ("cp README x; cat x > README", []),
            ("echo new > untracked; mkdir -p target/deep", []),
            ("echo bye > README", ["README"]),
            ("printf 'jello\\n' > README; touch -t 200101010000 README", ["README"]),
            ("rm README", ["README"]),
            ("rm -r src", ["src/a"]),
            ("rm -r src; echo x > src", ["src/a"]),
            ("chmod -x run.sh", ["run.sh"]),
            ("rm link; cp README link", ["link"]),
            ("ln -sf src/a link", ["link"]),
            ("rm README; mkfifo README", ["README"]),
            ("echo bye > README; git add README; git -c user.name=a -c user.email=a@b commit -qm x", ["README"]),
            ("echo bye > README; git update-index --assume-unchanged README", ["README"]),
            ("echo bye > README; git config core.fileMode false; git config core.worktree /", ["README"]),
            ("echo bye > README; rm -rf .git", ["README"]),
            ("echo bye > README; rm -rf .git; git init -q; git add -A", ["README"]),
            ("printf 'hello\\r\\n' > README; echo '* text=auto' > .gitattributes", ["README"]),
        ],
    )
    def test_what_a_run_does_to_tracked_files(self, room_repo: Repository, script: str, changed: list[str]) -> None:
        with open_room(room_repo, tree_of(room_repo), policy=POLICY) as room:
            subprocess.run(["sh", "-c", script], cwd=room.work, check=True)
            assert room.changed() == changed
            assert room.changed() == changed


class TestPlace:
    def test_inside_a_worktree_is_refused(
        self, repo: Repository, repo_dir: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        linked = tmp_path / "linked"
        git(repo_dir, "worktree", "add", "-q", str(linked))
        alias = tmp_path / "alias"
        alias.symlink_to(linked)
        for place in (repo_dir / "cache", linked / "deep" / "cache", alias / "cache", repo_dir / ".git" / "cache"):
            monkeypatch.setenv("CONDUCTOR_CACHE", str(place))
            with pytest.raises(CannotRun, match="is inside"):
                cache_root(repo)
            assert not place.exists()

    def test_the_default_is_the_cache_of_the_user_then_the_temporary_folder(
        self, repo: Repository, hermetic: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("CONDUCTOR_CACHE")
        monkeypatch.setattr(sys, "platform", "linux")
        assert cache_root(repo) == os.path.realpath(hermetic / ".cache" / "conductor-git")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache_root(repo) == os.path.realpath(tmp_path / "xdg" / "conductor-git")
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert cache_root(repo) == os.path.realpath(hermetic / ".cache" / "conductor-git")
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        assert cache_root(repo) == os.path.realpath(tmp_path / "tmp" / f"conductor-git-{os.getuid()}")

    def test_a_cache_that_cannot_be_used_cannot_run(
        self, repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("CONDUCTOR_CACHE", str(tmp_path / "file" / "cache"))
        caught = cannot_open(repo, tree_of(repo), "no place for a clean checkout")
        assert "export CONDUCTOR_CACHE=" in caught.hint

    @pytest.mark.skipif(os.getuid() == 0, reason="root writes into read-only folders")
    def test_a_read_only_cache_cannot_run(
        self, repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "cache").mkdir(mode=0o555)
        monkeypatch.setenv("CONDUCTOR_CACHE", str(tmp_path / "cache"))
        with pytest.raises(CannotRun, match="cannot be written"):
            cache_root(repo)

    def test_rooms_of_dead_processes_are_swept_and_those_in_use_are_not(self, repo: Repository, hermetic: Path) -> None:
        rooms = hermetic / "cache" / "rooms"
        (rooms / "room-dead" / "work").mkdir(parents=True)
        (rooms / "room-dead" / "work").chmod(0o000)
        (rooms / "room-alive").mkdir()
        alive = take(str(rooms / "room-alive" / "lock"))
        assert alive is not None
        with alive, open_room(repo, tree_of(repo), policy=POLICY) as room:
            assert rooms_left(hermetic) == sorted(["room-alive", os.path.basename(room.folder)])
            with open_room(repo, tree_of(repo), policy=POLICY) as second:
                assert os.path.isdir(room.work)
                assert second.folder != room.folder

    def test_removing_goes_through_folders_that_cannot_be_listed(self, tmp_path: Path) -> None:
        deep = tmp_path / "top" / "a" / "b" / "c"
        deep.mkdir(parents=True)
        outside = tmp_path / "outside"
        outside.mkdir(mode=0o555)
        (deep / "link").symlink_to(outside)
        for folder in (deep, deep.parent, deep.parent.parent):
            folder.chmod(0o000)
        remove(str(tmp_path / "top"))
        assert not (tmp_path / "top").exists()
        assert outside.stat().st_mode & 0o777 == 0o555


class TestPartialClone:
    @pytest.mark.parametrize("spec", ["blob:none", "tree:0"])
    def test_missing_objects_are_fetched_first(self, repo_dir: Path, tmp_path: Path, git: Git, spec: str) -> None:
        for name in ("a", "b/c", "b/d/e"):
            (repo_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (repo_dir / name).write_text(f"{name}\n")
        (repo_dir / ".conductor").mkdir()
        (repo_dir / ".conductor" / "x").write_text("x\n")
        commit_all(git, repo_dir)
        git(repo_dir, "config", "uploadpack.allowFilter", "true")
        git(repo_dir, "config", "uploadpack.allowAnySHA1InWant", "true")
        clone = tmp_path / "partial"
        git(tmp_path, "clone", "-q", "--no-checkout", f"--filter={spec}", f"file://{repo_dir}", str(clone))
        missing = git(clone, "rev-list", "--objects", "--missing=print", "--all")
        assert missing.count("?") >= (5 if spec == "blob:none" else 2)
        repo = discover(str(clone))
        (found,) = read_objects(repo, [tree_of(repo)])
        raw = strip_control(found.body, "sha1")
        with open_room(repo, repo.hash("tree", raw), raw=raw, policy=POLICY) as room:
            assert listed(room.work) == ["README", "a", "b/c", "b/d/e"]
            assert room.changed() == []

    def test_a_remote_that_is_gone_cannot_run(self, repo_dir: Path, tmp_path: Path, git: Git) -> None:
        git(repo_dir, "config", "uploadpack.allowFilter", "true")
        clone = tmp_path / "partial"
        git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repo_dir}", str(clone))
        repo = discover(str(clone))
        tree = tree_of(repo)
        repo_dir.rename(tmp_path / "away")
        cannot_open(repo, tree, "1 objects are not in this partial clone")


class TestSubmodules:
    @pytest.fixture
    def outer(self, repo_dir: Path, tmp_path: Path, git: Git) -> Repository:
        """A repository with a submodule `lib/inner` that itself has a submodule `deep`."""
        for name in ("deep", "inner"):
            git(tmp_path, "init", "-q", name)
            (tmp_path / name / f"{name}.txt").write_text(f"{name}\n")
            commit_all(git, tmp_path / name)
        git(tmp_path / "inner", "submodule", "--quiet", "add", str(tmp_path / "deep"), "deep")
        commit_all(git, tmp_path / "inner")
        git(repo_dir, "submodule", "--quiet", "add", "--name", "The Inner", str(tmp_path / "inner"), "lib/inner")
        git(repo_dir, "submodule", "--quiet", "update", "--init", "--recursive")
        commit_all(git, repo_dir)
        return discover(str(repo_dir))

    def test_refused_by_default_and_named(self, outer: Repository) -> None:
        cannot_open(outer, tree_of(outer), "has submodules: 'lib/inner'")

    def test_left_alone(self, outer: Repository) -> None:
        with open_room(outer, tree_of(outer), policy=ValidationPolicy(submodules="leave")) as room:
            assert room.submodules == "left"
            assert listed(room.work) == [".gitmodules", "README"]
            assert room.changed() == []

    def check_filled(self, room: Room) -> None:
        assert room.submodules == "filled"
        assert listed(room.work) == [
            ".gitmodules",
            "README",
            "lib/inner/.gitmodules",
            "lib/inner/deep/deep.txt",
            "lib/inner/inner.txt",
        ]
        assert room.changed() == []
        Path(room.work, "lib/inner/deep/deep.txt").write_text("changed\n")
        assert room.changed() == ["lib/inner/deep/deep.txt"]

    def test_filled_from_this_clone(self, outer: Repository, tmp_path: Path) -> None:
        for name in ("inner", "deep"):
            remove(str(tmp_path / name))
        with open_room(outer, tree_of(outer), policy=ValidationPolicy(submodules="fill")) as room:
            self.check_filled(room)

    def test_filled_from_a_linked_worktree_of_this_clone(
        self, outer: Repository, repo_dir: Path, tmp_path: Path, git: Git
    ) -> None:
        linked = tmp_path / "linked"
        git(repo_dir, "worktree", "add", "-q", str(linked))
        with open_room(discover(str(linked)), tree_of(outer), policy=ValidationPolicy(submodules="fill")) as room:
            self.check_filled(room)

    def test_filled_from_the_url_where_it_was_never_fetched(
        self, outer: Repository, repo_dir: Path, tmp_path: Path, git: Git
    ) -> None:
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "-q", str(repo_dir), str(clone))
        with open_room(discover(str(clone)), tree_of(outer), policy=ValidationPolicy(submodules="fill")) as room:
            self.check_filled(room)
        assert not (clone / ".git" / "modules").exists()

    def test_a_submodule_that_cannot_be_had_cannot_run(self, outer: Repository, repo_dir: Path, tmp_path: Path) -> None:
        remove(str(repo_dir / ".git" / "modules"))
        remove(str(tmp_path / "inner"))
        caught = cannot_open(
            outer, tree_of(outer), "submodule 'lib/inner' cannot be checked out", ValidationPolicy(submodules="fill")
        )
        assert caught.hint == "git submodule update --init --recursive"

    def test_a_url_from_the_tree_runs_no_command(
        self, outer: Repository, repo_dir: Path, tmp_path: Path, git: Git
    ) -> None:
        remove(str(repo_dir / ".git" / "modules"))
        git(repo_dir, "config", "--remove-section", "submodule.The Inner")
        ran = tmp_path / "ran"
        modules = '[submodule "../../x"]\n\tpath = lib/inner\n\turl = "ext::sh -c touch%% {0}"\n[submodule "y"]\n'
        modules += "\tpath = lib/inner\n\turl = \"ext::sh -c 'touch {0}'\"\n"
        (repo_dir / ".gitmodules").write_text(modules.format(ran))
        git(repo_dir, "add", ".gitmodules")
        tree = Oid(git(repo_dir, "write-tree"))
        refused = cannot_open(outer, tree, "cannot be checked out", ValidationPolicy(submodules="fill"))
        assert "transport 'ext' not allowed" in refused.detail
        assert not ran.exists()

    @pytest.mark.parametrize(
        ("base", "url", "whole"),
        [
            ("https://host/a/b.git", "https://x/y", "https://x/y"),
            ("https://host/a/b.git", "../c.git", "https://host/a/c.git"),
            ("https://host/a/b.git/", "../../c.git", "https://host/c.git"),
            ("https://host/a/b.git", "./c", "https://host/a/b.git/c"),
            ("host:b.git", "../c.git", "host:c.git"),
            ("/srv/a/b", "../c", "/srv/a/c"),
        ],
    )
    def test_relative_urls(self, base: str, url: str, whole: str) -> None:
        assert resolve_url(base, url) == whole


CONTENT = b"the real thing\n" * 100
DIGEST = hashlib.sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{DIGEST}\nsize {len(CONTENT)}\n"


class TestLfs:
    @pytest.fixture
    def with_lfs(self, repo: Repository, repo_dir: Path, git: Git) -> Repository:
        (repo_dir / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
        (repo_dir / "a.bin").write_text(POINTER)
        (repo_dir / "a.bin").chmod(0o755)
        (repo_dir / "raw.bin").write_text("committed as it is\n")
        (repo_dir / "pointer.txt").write_text(POINTER)
        commit_all(git, repo_dir)
        return repo

    def store(self, repo: Repository, content: bytes, folder: str = "lfs") -> None:
        place = Path(repo.common_dir, folder, "objects", DIGEST[:2], DIGEST[2:4], DIGEST)
        place.parent.mkdir(parents=True)
        place.write_bytes(content)

    def test_refused_by_default_and_named(self, with_lfs: Repository) -> None:
        cannot_open(with_lfs, tree_of(with_lfs), r"has LFS files: 'a\.bin'")

    def test_left_as_pointers(self, with_lfs: Repository) -> None:
        with open_room(with_lfs, tree_of(with_lfs), policy=ValidationPolicy(lfs="leave")) as room:
            assert room.lfs == "left"
            assert Path(room.work, "a.bin").read_text() == POINTER

    @pytest.mark.parametrize("folder", ["lfs", "elsewhere"])
    def test_filled_and_watched(self, with_lfs: Repository, repo_dir: Path, git: Git, folder: str) -> None:
        self.store(with_lfs, CONTENT, folder)
        if folder != "lfs":
            git(repo_dir, "config", "lfs.storage", folder)
        with open_room(with_lfs, tree_of(with_lfs), policy=ValidationPolicy(lfs="fill")) as room:
            assert room.lfs == "filled"
            assert Path(room.work, "a.bin").read_bytes() == CONTENT
            assert os.access(os.path.join(room.work, "a.bin"), os.X_OK)
            assert Path(room.work, "raw.bin").read_text() == "committed as it is\n"
            assert Path(room.work, "pointer.txt").read_text() == POINTER
            assert room.changed() == []
            Path(room.work, "a.bin").write_text("other\n")
            assert room.changed() == ["a.bin"]

    @pytest.mark.parametrize("content", [None, b"damaged"])
    def test_missing_or_damaged_content_cannot_run(self, with_lfs: Repository, content: bytes | None) -> None:
        if content is not None:
            self.store(with_lfs, content)
        caught = cannot_open(with_lfs, tree_of(with_lfs), r"LFS content of 'a\.bin'", ValidationPolicy(lfs="fill"))
        assert caught.hint == "git lfs fetch"


class TestKeep:
    POLICY = ValidationPolicy(keep=("target", "deep/er"))

    def fill_cache(self, repo: Repository) -> None:
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="shop verify.sh") as room:
            assert not room.is_warm
            Path(room.work, "target").mkdir()
            Path(room.work, "target", "built").write_text("by the first run\n")
            room.put_back()

    def test_kept_folders_come_back_and_the_room_is_warm(self, repo: Repository) -> None:
        self.fill_cache(repo)
        for _ in range(2):
            with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="shop verify.sh") as room:
                assert room.is_warm
                assert listed(room.work) == ["README", "target/built"]
                room.put_back()

    def test_a_run_that_did_not_end_by_itself_keeps_nothing(self, repo: Repository) -> None:
        self.fill_cache(repo)
        for warm in (True, False):
            with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="shop verify.sh") as room:
                assert room.is_warm is warm

    def test_landings_other_scripts_and_a_second_room_at_once_are_fresh(self, repo: Repository) -> None:
        self.fill_cache(repo)
        key = "shop verify.sh"
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key=key, landing=True) as room:
            assert (room.is_warm, listed(room.work)) == (False, ["README"])
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="shop other.sh") as room:
            assert not room.is_warm
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key=key) as first:
            assert first.is_warm
            with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key=key) as second:
                assert not second.is_warm

    def test_what_the_tree_has_is_never_replaced(self, repo: Repository, repo_dir: Path, git: Git) -> None:
        self.fill_cache(repo)
        (repo_dir / "target").mkdir()
        (repo_dir / "target" / "tracked").write_text("x\n")
        commit_all(git, repo_dir)
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="shop verify.sh") as room:
            assert (room.is_warm, listed(room.work)) == (False, ["README", "target/tracked"])

    def test_a_link_in_the_tree_leads_no_kept_folder_outside(
        self, repo: Repository, repo_dir: Path, git: Git, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="k") as room:
            Path(room.work, "deep", "er").mkdir(parents=True)
            Path(room.work, "target").symlink_to(outside)
            room.put_back()
        (repo_dir / "deep").symlink_to(outside)
        commit_all(git, repo_dir)
        with open_room(repo, tree_of(repo), policy=self.POLICY, warm_key="k") as room:
            assert not room.is_warm
            assert not os.path.lexists(os.path.join(room.work, "target"))
        assert os.listdir(outside) == []

    @pytest.mark.parametrize("path", ["../x", "/etc", "", "a/../b", ".git/hooks", "a//b"])
    def test_paths_that_lead_outside_cannot_run(self, repo: Repository, path: str) -> None:
        cannot_open(repo, tree_of(repo), "is no path below", ValidationPolicy(keep=(path,)))


def test_a_stale_room_that_another_process_removes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    for name in ("room-a", "room-b"):
        (tmp_path / name).mkdir()
    looking = _stale(str(tmp_path), (tmp_path / "room-b").stat().st_mtime + 1)
    path, held = next(looking)
    (tmp_path / {"room-a": "room-b", "room-b": "room-a"}[Path(path).name]).rmdir()
    with held:
        assert list(looking) == []
