"""A fresh checkout of one tree with a git directory of its own, and what a run changed in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import Result, run
from conductor_git.store.plumbing.loose import write_object
from conductor_git.store.plumbing.missing import fetch_missing
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, quoted

_NAME, _EMAIL = "conductor-git", "conductor-git@localhost"
_DATE = "978307200 +0000"
"""2001: a build that takes its time stamps from the commit cannot put years before 1980 into a zip archive."""

_CLEAN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": _EMAIL,
    "GIT_COMMITTER_DATE": _DATE,
}

# Without these git would still look into the user's ~/.config/git, and for the run's own git commands the user's
# line ends, hooks and monitors would count.
_CONFIG = f"""\
[core]
\thooksPath = {os.devnull}
\tattributesFile = {os.devnull}
\texcludesFile = {os.devnull}
\tautocrlf = false
\tfsmonitor = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""


class Entry(msgspec.Struct, frozen=True):
    """One entry of the checked-out tree. `path` is as git prints it, bytes that are no UTF-8 as surrogates."""

    mode: str
    oid: Oid
    path: str


class Checkout:
    """One tree, checked out into `work`. What tells a change is kept in memory, where a run cannot reach it."""

    def __init__(self, source: Repository, work: str, tree: Oid, raw: bytes | None = None) -> None:
        """Check `tree` out into the new folder `work`; `raw` is the tree object, where the source may lack it.

        Raises CannotRun when an object is missing or the file system refuses a name.
        """
        self.source = source
        self.work = work
        git_dir = os.path.join(work, ".git")
        self.repo = Repository(git_dir, git_dir, work, source.object_format, bare=False, shallow=False)
        self.replaced: dict[str, str] = {}
        """SHA-256 by path, for files whose content was put in place of what git checked out."""
        run(
            ["init", "-q", "--template=", f"--object-format={source.object_format}", "--initial-branch=product", work],
            env=_CLEAN,
            writes=True,
        )
        with open(os.path.join(git_dir, "config"), "a", encoding="ascii") as file:
            file.write(_CONFIG)
        own = os.path.join(git_dir, "objects")
        self._alternates = f"{quoted(os.path.join(source.common_dir, 'objects'))}\n".encode("ascii")
        _write(os.path.join(own, "info", "alternates"), self._alternates)
        if raw is not None:
            self._put_tree(tree, raw)
        fetch_missing(source, tree, also=own)
        self._check_out(tree)
        self._config = _read(os.path.join(git_dir, "config"))
        self._index = _read(os.path.join(git_dir, "index"))
        self._index_time = os.stat(os.path.join(git_dir, "index")).st_mtime_ns

    @cached_property
    def entries(self) -> list[Entry]:
        """Every file, symbolic link and submodule of the tree."""
        found = []
        for field in self._git("ls-files", "--stage", "-z").fields():
            about, _, path = field.partition("\t")
            mode, oid, _ = about.split(" ")
            found.append(Entry(mode, Oid(oid), path))
        return found

    def with_attribute(self, attribute: str) -> set[str]:
        """The paths with an attribute as in `filter=lfs`, as the tree's own .gitattributes say."""
        said = self._git("ls-files", "-z", "--", f":(attr:{attribute})").fields()
        return {path for path in said if path}

    def blobs(self, oids: Iterable[Oid]) -> dict[Oid, bytes]:
        """The contents of a few small blobs."""
        return {found.oid: found.body for found in read_objects(self.repo, oids)}

    def changed(self, spare: str) -> list[str]:
        """Tracked paths that are not as they were checked out: content, kind or executable bit.

        `spare` is a folder outside of `work` that may be written to.
        """
        judge = tempfile.mkdtemp(prefix="judge-", dir=spare)
        try:
            return self._changed(judge)
        finally:
            shutil.rmtree(judge, ignore_errors=True)

    def _put_tree(self, tree: Oid, raw: bytes) -> None:
        # Not by git: it refuses to write trees that old histories really have.
        made = write_object(self.repo, "tree", raw)
        if made != tree:
            raise CannotRun(f"the product tree's content is '{made}', not '{tree}'", detail="nothing was run")

    def _check_out(self, tree: Oid) -> None:
        who = f"{_NAME} <{_EMAIL}> {_DATE}"
        lines = [f"tree {tree}", f"author {who}", f"committer {who}", "", "product tree", ""]
        commit = write_object(self.repo, "commit", "\n".join(lines).encode("ascii"))
        # So that `git describe`, which version numbers are made from, has something to say.
        lines = [f"object {commit}", "type commit", "tag v0.0.0", f"tagger {who}", "", "product tree", ""]
        tag = write_object(self.repo, "tag", "\n".join(lines).encode("ascii"))
        self._git("update-ref", "refs/tags/v0.0.0", tag)
        # The branch is born by this.
        self._git("reset", "-q", "--hard", commit)

    def _git(self, *args: str, stdin: bytes | None = None, timeout: float = 3600) -> Result:
        return run(
            ["--git-dir", self.repo.git_dir, "--work-tree", self.work, *args],
            cwd=self.work,
            stdin=stdin,
            env=_CLEAN,
            writes=True,
            timeout=timeout,
        )

    def _changed(self, judge: str) -> list[str]:
        self._restore_git_dir(judge)
        suspects = _judge_git(judge, self.work, "diff-files", "--name-only", "--ignore-submodules=all", "-z").fields()
        ordinary = [path for path in suspects if path not in self.replaced]
        return sorted(self._really_changed(judge, ordinary) + _replaced_again(self.work, self.replaced))

    def _really_changed(self, judge: str, suspects: list[str]) -> list[str]:
        if not suspects:
            return []
        fresh = os.path.join(judge, "fresh")
        os.mkdir(fresh)
        # Into an empty folder: attributes then come from the index, not from files that the run may have added.
        _judge_git(judge, fresh, "checkout-index", "-z", "--stdin", stdin=_nul_framed(suspects))
        return [path for path in suspects if not _same(os.path.join(self.work, path), os.path.join(fresh, path))]

    def _restore_git_dir(self, folder: str) -> None:
        """A git directory as it was before the run: the one in the room may have been tampered with."""
        for name in ("objects/info", "refs"):
            os.makedirs(os.path.join(folder, name))
        _write(os.path.join(folder, "HEAD"), b"ref: refs/heads/product\n")
        _write(os.path.join(folder, "config"), self._config)
        _write(os.path.join(folder, "objects", "info", "alternates"), self._alternates)
        index = os.path.join(folder, "index")
        _write(index, self._index)
        # git takes an entry as young as its index for racy and compares the content; a young index would hide that.
        os.utime(index, ns=(self._index_time, self._index_time))


def file_digest(path: str) -> str:
    """SHA-256 of a file's content in hex."""
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _judge_git(judge: str, work: str, *args: str, stdin: bytes | None = None) -> Result:
    return run(
        ["--git-dir", judge, "--work-tree", work, *args], cwd=work, stdin=stdin, env=_CLEAN, writes=True, timeout=3600
    )


def _nul_framed(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _same(path: str, original: str) -> bool:
    """Whether both are links to the same place, or files with the same content and executable bit."""
    try:
        if os.path.islink(path) or os.path.islink(original):
            return os.readlink(path) == os.readlink(original)
        if not os.path.isfile(path) or (os.stat(path).st_mode ^ os.stat(original).st_mode) & 0o100:
            return False
        return file_digest(path) == file_digest(original)
    except OSError:
        return False


def _replaced_again(work: str, replaced: Mapping[str, str]) -> list[str]:
    changed = []
    for path, digest in replaced.items():
        place = os.path.join(work, path)
        if os.path.islink(place) or not os.path.isfile(place) or file_digest(place) != digest:
            changed.append(path)
    return changed


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
