"""Which repository and worktree we are in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, Unpack

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import UNCONFIGURED, How, Result, Running, begin, records, run
from conductor_git.store.plumbing.questions import MARK, WHEREABOUTS, outer

ObjectFormat = Literal["sha1", "sha256"]


class Repository(msgspec.Struct, frozen=True):
    """One checkout of one repository. Paths are absolute, as git prints them."""

    git_dir: str
    """Of this worktree: the repository's own, or `…/worktrees/<name>` in a linked worktree."""
    common_dir: str
    """What all worktrees share: objects, refs, config, hooks and our own `conductor/` folder."""
    worktree: str | None
    """The root of the working tree; None in a bare repository and inside a git directory."""
    object_format: ObjectFormat
    bare: bool
    shallow: bool
    sealed: bool = False
    """Whether git is asked without the user's and the machine's configuration: then only its own counts."""
    borrowed: tuple[str, ...] = ()
    """Folders of objects to read beside its own, as where a push waits until it was judged (git-receive-pack,
    "quarantine environment")."""

    @property
    def private(self) -> str:
        """Our own folder in the git directory: caches, locks, the clone id, the hooks' generated file."""
        return os.path.join(self.common_dir, "conductor")

    @property
    def root(self) -> str:
        """What workspaces are relative to: the main worktree's root, or the parent of a bare git directory."""
        if self.worktree is not None and self.git_dir == self.common_dir:
            return self.worktree
        if self.bare or os.path.basename(self.common_dir) == ".git":
            return os.path.dirname(self.common_dir)
        main = _main_worktree(self)
        # Seen from a linked worktree, `git worktree list` names a bare git directory itself.
        bare_or_unknown = main is None or os.path.realpath(main) == os.path.realpath(self.common_dir)
        return os.path.dirname(self.common_dir) if bare_or_unknown else str(main)

    @property
    def zero(self) -> Oid:
        """The oid that stands for "no object" in ref updates."""
        return Oid("0" * (40 if self.object_format == "sha1" else 64))

    def git(self, *args: str, **how: Unpack[How]) -> Result:
        """Run git on the object database and refs; no working tree is involved."""
        how["cwd"] = self.git_dir
        how["env"] = {**self._surroundings, **how.get("env", {})}
        return run(["--git-dir", self.git_dir, *args], **how)

    def records(self, *args: str, stdin: bytes) -> Iterator[list[bytes]]:
        """As `git`, with its NUL-terminated records while it still works (`plumbing.git.records`)."""
        args = ("--git-dir", self.git_dir, *args)
        return records(args, stdin=stdin, cwd=self.git_dir, env=self._surroundings)

    @property
    def object_folders(self) -> tuple[str, ...]:
        """Its own folder of objects, and those that it borrows."""
        return (os.path.join(self.common_dir, "objects"), *self.borrowed)

    @property
    def _surroundings(self) -> dict[str, str]:
        env = dict(UNCONFIGURED) if self.sealed else {}
        if self.borrowed:
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = os.pathsep.join(map(quoted, self.borrowed))
        return env

    def in_worktree(self, *args: str, worktree: str | None = None, **how: Unpack[How]) -> Result:
        """Run git in a working tree (this one by default). Raises CannotRun where there is none."""
        folder = worktree or self.worktree
        if folder is None:
            raise CannotRun("this needs a working tree, and there is none here", hint="git worktree list")
        how["cwd"] = folder
        return run(args, **how)

    def config(self, key: str, *, kind: str = "") -> str | None:
        """One value of git's configuration as this worktree sees it; the last one wins, None where unset."""
        args = ["config", *([f"--type={kind}"] if kind else []), "--get", key]
        result = self.git(*args, ok=(0, 1))
        return None if result.code else result.text()

    def resolve(self, name: str, *, kind: str = "commit") -> Oid | None:
        """The oid of the object of that kind that `name` means; None where there is none."""
        result = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{{kind}}}", ok=(0, 1, 128))
        return None if result.code else Oid(result.text())

    def head_ref(self) -> str | None:
        """The full name of the branch that is checked out here, also when it is unborn; None when detached."""
        result = self.git("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
        return None if result.code else result.text()

    def hash(self, kind: str, body: bytes) -> Oid:
        """The oid that git would give an object of this kind and content; writes nothing."""
        return hash_object(self.object_format, kind, body)


def quoted(path: str) -> str:
    """A path as git reads it in `alternates` files and lists: in C quotes, whatever bytes it has."""
    escaped = "".join(
        f"\\{byte:03o}" if byte < 0x20 or byte > 0x7E or byte in b'"\\' else chr(byte) for byte in os.fsencode(path)
    )
    return f'"{escaped}"'


def hash_object(object_format: ObjectFormat, kind: str, body: bytes) -> Oid:
    """git's object id: the hash over `<kind> <size in decimal>NUL<body>` (gitformat-pack, "object header")."""
    import hashlib  # loads OpenSSL, and most commands hash nothing

    digest = hashlib.new(object_format, usedforsecurity=False)
    digest.update(f"{kind} {len(body)}\0".encode())
    digest.update(body)
    return Oid(digest.hexdigest())


def discover(where: str | None = None, *, asked: Running | None = None) -> Repository:
    """Find the repository from a folder, or from where a hook was called (then git's own GIT_DIR counts).

    `asked` is where git was asked already (`questions.WHEREABOUTS`). Raises CannotRun outside a repository and when git
    is too old.
    """
    # The outer GIT_DIR is asked once and then fixed.
    asked = asked or begin(WHEREABOUTS, cwd=where, inherit=outer(os.environ) if where is None else (), ok=(0, 128))
    result = asked.end()
    said = [answer.removesuffix("\n") for answer in result.raw_text().split(f"{MARK}\n")]
    if len(said) != WHEREABOUTS.count(MARK) + 1:
        raise _not_here(result, where)
    bare, shallow, object_format, git_dir, common_dir, worktree = said
    return Repository(
        git_dir=git_dir,
        common_dir=common_dir,
        worktree=worktree or None,
        object_format="sha256" if object_format == "sha256" else "sha1",
        bare=bare == "true",
        shallow=shallow == "true",
    )


def _not_here(result: Result, asked: str | None) -> CannotRun:
    import shlex

    said = result.err.decode("utf-8", "replace").strip()
    try:
        where = asked or os.getcwd()
    except FileNotFoundError:
        return CannotRun("the current folder is not there any more", hint='cd "$HOME"    # or any folder that is there')
    if "dubious ownership" in said:
        return CannotRun(f"git does not trust the repository at '{where}': it belongs to another user", detail=said)
    there = _git_entry(where)
    if there is None and "not a git repository" in said:
        return CannotRun(f"'{where}' is not in a git repository", hint="git init && conductor-git init")
    # Never `git init` here: what is there may be all of somebody's work.
    return CannotRun(
        f"git cannot read the repository at '{there or where}'",
        detail=said,
        hint=f"ls -la {shlex.quote(there or where)}",
    )


def _git_entry(where: str) -> str | None:
    """The nearest `.git` at or above a folder, whatever it is."""
    folder = os.path.abspath(where)
    while not os.path.lexists(os.path.join(folder, ".git")):
        if os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)
    return os.path.join(folder, ".git")


def _main_worktree(repository: Repository) -> str | None:
    listed = repository.git("worktree", "list", "--porcelain", "-z").fields()
    return listed[0].removeprefix("worktree ") if listed and listed[0].startswith("worktree ") else None
