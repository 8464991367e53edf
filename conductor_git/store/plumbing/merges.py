"""Merging without a checkout, in a git directory of our own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.core.tree import strip_control
from conductor_git.store.plumbing.dialogue import Dialogue
from conductor_git.store.plumbing.git import UNCONFIGURED, GitFailed, run
from conductor_git.store.plumbing.loose import write_object
from conductor_git.store.plumbing.missing import fetch_blobs, is_partial
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, quoted

# A merge of two commits must give the same tree on every machine, whatever their users have configured.
_SET = ("-c", f"core.attributesFile={os.devnull}")
_MERGE = (*_SET, "merge-tree")
_NAMES = ("--name-only", "--no-messages", "-z", "--allow-unrelated-histories")
_CONFIGS = {
    "sha1": "[core]\n\trepositoryFormatVersion = 0\n\tbare = false\n",
    "sha256": "[core]\n\trepositoryFormatVersion = 1\n\tbare = false\n[extensions]\n\tobjectFormat = sha256\n",
}
Parents = tuple[Oid, ...]


class Conflict(msgspec.Struct, frozen=True):
    """Two commits that do not merge by themselves, and where."""

    paths: tuple[str, ...]


class Merger:
    """Merges commits one after the other, each by the first one's attributes; commits in between stay here.

    Neither the attributes of a worktree nor the repository's config (merge drivers, renormalize) count: git is asked
    in a scratch git directory whose worktree holds the first commit's attribute files and nothing else.
    """

    def __init__(self, repo: Repository, folder: str, *, keep: bool = False) -> None:
        """`keep` writes the trees into the repository."""
        scratch = _scratch(repo, folder)
        git_dir = os.path.join(scratch, ".git")
        self._own = Repository(git_dir, git_dir, scratch, repo.object_format, bare=False, shallow=False)
        env = dict(UNCONFIGURED)
        if keep:
            env["GIT_OBJECT_DIRECTORY"] = os.path.join(repo.common_dir, "objects")
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = quoted(os.path.join(git_dir, "objects"))
        self._scratch, self._env = scratch, env
        self._attributes = _Attributes(self._own, self.commit(write_object(self._own, "tree", b"")), env)
        self.seen_by = msgspec.structs.replace(repo, borrowed=(*repo.borrowed, os.path.join(git_dir, "objects")))
        """The repository, with the objects that are only here."""

    def tree(self, first: Oid, other: Oid) -> Oid | Conflict:
        """The tree of merging a commit into the first one. Raises GitFailed where objects are missing."""
        self._attributes.put(first)
        args = [*_MERGE, "--write-tree", *_NAMES, first, other]
        done = run(args, cwd=self._scratch, env=self._env, ok=(0, 1), writes=True)
        if not done.out:
            # A commit that is not there ends it with 1 as well.
            raise GitFailed(args, done.code, done.err)
        return _read(done.code == 0, *done.fields())

    def trees(self, pairs: Iterable[Parents]) -> dict[Parents, Oid | Conflict]:
        """As `tree`, for many that do not depend on each other; those for which objects are missing are left out."""
        found: dict[Parents, Oid | Conflict] = {}
        alike: list[Parents] = []
        for pair in dict.fromkeys(pairs):
            with suppress(GitFailed):
                if self._attributes.differ(pair[0]):
                    found |= self._at_once(alike)
                    alike = []
                self._attributes.put(pair[0])
                alike.append(pair)
        return found | self._at_once(alike)

    def commit(self, tree: Oid, *parents: Oid) -> Oid:
        """A commit for the next one to be merged into; nobody else ever sees it."""
        who = "nobody <nobody> 0 +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}", ""]
        return write_object(self._own, "commit", "\n".join([*lines, "so far", ""]).encode("ascii"))

    def close(self) -> None:
        """End what was started."""
        self._attributes.close()

    def _at_once(self, pairs: list[Parents]) -> dict[Parents, Oid | Conflict]:
        """Those that need the attribute files that are there now, in one process."""
        if len(pairs) < 2:
            return self._by_itself(pairs)
        stdin = "".join(f"{first} {other}\n" for first, other in pairs).encode("ascii")
        args = [*_MERGE, "--stdin", *_NAMES]
        done = run(args, cwd=self._scratch, stdin=stdin, env=self._env, ok=range(256), writes=True)
        # No path is empty, so two NULs end an answer, which is a digit, a tree, and paths.
        answers = done.out.decode("utf-8", "surrogateescape").split("\0\0")[:-1]
        told = (answer.split("\0") for answer in answers)
        found = {pair: _read(clean == "1", *words) for pair, (clean, *words) in zip(pairs, told, strict=False)}
        # git 2.38 knows no --stdin, and every git ends at the first merge whose objects are missing.
        return found | self._by_itself([pair for pair in pairs if pair not in found])

    def _by_itself(self, pairs: list[Parents]) -> dict[Parents, Oid | Conflict]:
        found = {}
        for pair in pairs:
            with suppress(GitFailed):
                found[pair] = self.tree(*pair)
        return found


def _read(clean: bool, tree: str, *paths: str) -> Oid | Conflict:
    return Oid(tree) if clean else Conflict(tuple(dict.fromkeys(paths)))


class _Attributes:
    """The attribute files of one commit after the other, in the scratch worktree: merge-tree reads them from there and
    from nowhere else (measured on 2.39: not from the index)."""

    def __init__(self, own: Repository, empty: Oid, env: dict[str, str]) -> None:
        self._own, self._env, self._empty, self._at = own, env, empty, empty
        self._paths: set[str] = set()
        self._asked: dict[Oid, dict[str, str]] = {}
        words = ("--stdin", "-r", "-z", "--name-status", "--no-renames", "--always")
        args = ["diff-tree", *words, "--", ":(glob)**/.gitattributes"]
        self._changes = Dialogue(args, cwd=str(own.worktree), env=env)
        # git gives back a line that names no object: where an answer ends, whatever paths are in it.
        self._mark = f"end {os.urandom(8).hex()}"

    def differ(self, commit: Oid) -> bool:
        """Whether those of a commit are others than are there. Raises GitFailed where objects are missing."""
        return bool(self._changed(commit))

    def put(self, commit: Oid) -> None:
        """Have those of a commit there. Raises GitFailed where objects are missing."""
        changed = self._changed(commit)
        if changed:
            there = {path for path, status in changed.items() if status != "D"}
            self._check_out(commit, (self._paths - changed.keys()) | there)
        self._at, self._asked = commit, {}

    def close(self) -> None:
        """End what was started."""
        self._changes.close()

    def _changed(self, commit: Oid) -> dict[str, str]:
        """What becomes of which path where a commit's take the place of those that are there."""
        if commit == self._at or commit in self._asked:
            return self._asked.get(commit, {})
        answer = self._changes.ask(f"{commit} {self._at}\n{self._mark}", ends=f"{self._mark}\n".encode("ascii"))
        said, *fields = answer.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0")
        if said != commit:
            raise GitFailed(["diff-tree", commit], 128, f"fatal: bad object {commit}".encode("ascii"))
        self._asked = {commit: dict(zip(fields[1::2], fields[::2], strict=True))}
        return self._asked[commit]

    def _check_out(self, commit: Oid, paths: set[str]) -> None:
        folder = str(self._own.worktree)
        self._at, self._paths, self._asked = self._empty, set(), {}
        for entry in os.listdir(folder):
            if entry != ".git":
                _remove(os.path.join(folder, entry))
        if not paths:
            return
        # git's own check-out: it goes nowhere that a path of a tree must not go.
        run(["read-tree", commit], cwd=folder, env=self._env, writes=True)
        stdin = "".join(f"{path}\0" for path in sorted(paths)).encode("utf-8", "surrogateescape")
        run(["checkout-index", "--force", "-z", "--stdin"], cwd=folder, stdin=stdin, env=self._env, writes=True)
        self._paths = paths


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


@contextmanager
def merger(repo: Repository) -> Iterator[Merger]:
    """Somewhere to merge, for as long as the block lasts; trees come into the repository."""
    with _merging(repo, keep=True) as made:
        yield made


@contextmanager
def _merging(repo: Repository, *, keep: bool = False) -> Iterator[Merger]:
    with tempfile.TemporaryDirectory(prefix="conductor-merge-") as folder:
        made = Merger(repo, folder, keep=keep)
        try:
            yield made
        finally:
            made.close()


def fetch_for_merges(repo: Repository, merges: Iterable[Parents]) -> None:
    """Have here what merging these reads, in a partial clone."""
    _fetch(repo, list(merges))


def product_of_merge(repo: Repository, *parents: Oid) -> Oid | None:
    """The product tree of merging commits as git does by itself; None where they conflict.

    Raises CannotRun where objects are missing.
    """
    products = products_of_merges(repo, [parents])
    if parents not in products:
        raise CannotRun(f"'{parents[0][:12]}' and '{parents[-1][:12]}' cannot be merged here", hint="git fetch")
    return products[parents]


def products_of_merges(repo: Repository, merges: Iterable[Parents]) -> dict[Parents, Oid | None]:
    """The product trees of many merges by their parents; those for which objects are missing are left out.

    Raises CannotRun where nothing can be merged here at all.
    """
    merges = list(merges)
    _fetch(repo, merges)
    with _merging(repo) as tool:
        known = [parents for parents in merges if not repo.shallow or _have_a_base(repo, parents)]
        found = tool.trees(parents for parents in known if len(parents) == 2)
        for parents in known:
            if len(parents) > 2:
                with suppress(GitFailed):
                    found[parents] = _merge_all(tool, parents)
        trees = {parents: None if isinstance(tree, Conflict) else tree for parents, tree in found.items()}
        products = {
            found.oid: repo.hash("tree", strip_control(found.body, repo.object_format))
            for found in read_objects(tool.seen_by, {oid for oid in trees.values() if oid})
        }
    return {parents: products[oid] if oid else None for parents, oid in trees.items()}


def conflicts_of_merges(repo: Repository, merges: Iterable[Parents]) -> dict[Parents, Conflict | None]:
    """Where merges of two commits conflict, by their parents; None where they do not.

    Nothing is fetched, and those for which objects are missing are left out. Raises CannotRun as `products_of_merges`.
    """
    known = [parents for parents in merges if not repo.shallow or _have_a_base(repo, parents)]
    with _merging(repo) as tool:
        found = tool.trees(known)
    return {parents: tree if isinstance(tree, Conflict) else None for parents, tree in found.items()}


def trees_of_reverts(repo: Repository, reverts: Iterable[Parents]) -> dict[Parents, Oid | None]:
    """The trees that taking commits back gives, by (where, what, what stood before it); None where that conflicts.

    Those for which objects are missing are left out.
    """
    found: dict[Parents, Oid | None] = {}
    with _merging(repo) as tool:
        for onto, step, before in reverts:
            trees = [repo.resolve(commit, kind="tree") for commit in (onto, step, before)]
            if None in trees:
                continue
            here, taken, stood = (Oid(str(oid)) for oid in trees)
            with suppress(GitFailed):
                # A merge whose base is what is taken back (`--merge-base` is of git 2.40).
                base = tool.commit(taken)
                tree = tool.tree(tool.commit(here, base), tool.commit(stood, base))
                found[onto, step, before] = None if isinstance(tree, Conflict) else tree
    return found


def _scratch(repo: Repository, folder: str) -> str:
    """A git directory with a worktree, as gitrepository-layout has it. Not by `git init`, which puts into `config` what
    it finds of the file system: whether letters' case counts in attributes must not depend on the machine."""
    scratch = os.path.join(folder, "work")
    git_dir = os.path.join(scratch, ".git")
    for name in ("objects/info", "refs"):
        os.makedirs(os.path.join(git_dir, name))
    for name, text in (
        ("HEAD", "ref: refs/heads/none\n"),
        ("config", _CONFIGS[repo.object_format]),
        ("objects/info/alternates", "".join(f"{quoted(folder)}\n" for folder in repo.object_folders)),
    ):
        with open(os.path.join(git_dir, name), "w", encoding="ascii") as file:
            file.write(text)
    return scratch


def _merge_all(tool: Merger, parents: Parents) -> Oid | Conflict:
    """The tree of merging one commit after the other into the first, as an octopus merge does."""
    first, other, *more = parents
    found = tool.tree(first, other)
    for parent in more:
        if isinstance(found, Conflict):
            break
        first = tool.commit(found, first, other)
        found, other = tool.tree(first, parent), parent
    return found


def _have_a_base(repo: Repository, parents: Parents) -> bool:
    """Whether commits have a common ancestor here: in a shallow clone it may be one that was never fetched."""
    return all(repo.git("merge-base", parents[0], parent, ok=(0, 1, 128)).code == 0 for parent in parents[1:])


def _fetch(repo: Repository, merges: list[Parents]) -> None:
    """Have in a partial clone what merging reads: git fetches nothing through an alternate."""
    if not is_partial(repo):
        return
    commits = {commit for parents in merges for commit in parents}
    for first, *others in merges:
        for other in others:
            commits |= {Oid(base) for base in repo.git("merge-base", "--all", first, other, ok=(0, 1)).lines()}
    with suppress(CannotRun):
        fetch_blobs(repo, [Oid(f"{commit}^{{tree}}") for commit in sorted(commits)])
