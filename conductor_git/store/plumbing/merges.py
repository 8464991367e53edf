"""Merging without a checkout, in a git directory of our own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from conductor_git.core import tree
from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import UNCONFIGURED, GitFailed, run
from conductor_git.store.plumbing.loose import write_object
from conductor_git.store.plumbing.missing import fetch_blobs, is_partial
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository, discover, quoted

# A merge of two commits must give the same tree on every machine, whatever their users have configured.
_CLEAN = {
    **UNCONFIGURED,
    **{f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **{f"GIT_{who}_DATE": "@0 +0000" for who in ("AUTHOR", "COMMITTER")},
}
_SET = ("-c", f"core.attributesFile={os.devnull}")

Parents = tuple[Oid, ...]


class Conflict(msgspec.Struct, frozen=True):
    """Two commits that do not merge by themselves, and where."""

    paths: tuple[str, ...]


class Merger:
    """Merges commits one after the other; trees come into the repository, and commits in between stay here."""

    def __init__(self, repo: Repository, scratch: str) -> None:
        self._scratch = scratch
        self._own: Repository | None = None
        here = quoted(os.path.join(scratch, ".git", "objects"))
        there = os.path.join(repo.common_dir, "objects")
        self._written = {**_CLEAN, "GIT_OBJECT_DIRECTORY": there, "GIT_ALTERNATE_OBJECT_DIRECTORIES": here}

    def tree(self, first: Oid, other: Oid) -> Oid | Conflict:
        """The tree of merging a commit into the first one, by the first one's attributes."""
        run(["read-tree", first], cwd=self._scratch, env=_CLEAN, writes=True)
        names = ("--name-only", "--no-messages", "-z")
        args = [*_SET, "merge-tree", "--write-tree", *names, "--allow-unrelated-histories", first, other]
        done = run(args, cwd=self._scratch, env=self._written, ok=(0, 1), writes=True)
        tree, *paths = done.fields()
        return Conflict(tuple(dict.fromkeys(paths))) if done.code else Oid(tree)

    def commit(self, tree: Oid, *parents: Oid) -> Oid:
        """A commit for the next one to be merged into; nobody else ever sees it."""
        who = "nobody <nobody> 0 +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}", ""]
        if self._own is None:
            self._own = discover(self._scratch)
        return write_object(self._own, "commit", "\n".join([*lines, "so far", ""]).encode("ascii"))


@contextmanager
def merger(repo: Repository) -> Iterator[Merger]:
    """A scratch git directory to merge in, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="conductor-merge-") as folder:
        yield Merger(repo, _scratch(repo, folder))


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

    A worktree's attributes and the repository's config (merge drivers, renormalize) would change the result, so it is
    computed in a scratch git directory whose index holds the first parent's tree: attributes come from there.
    """
    merges = list(merges)
    _fetch(repo, merges)
    with tempfile.TemporaryDirectory(prefix="conductor-merge-") as folder:
        scratch = _scratch(repo, folder)
        trees: dict[Parents, Oid | None] = {}
        for parents in merges:
            with suppress(GitFailed):
                if not repo.shallow or _have_a_base(repo, parents):
                    trees[parents] = _merge(scratch, parents)
        products = {
            found.oid: repo.hash("tree", tree.strip_control(found.body, repo.object_format))
            for found in read_objects(discover(scratch), {oid for oid in trees.values() if oid})
        }
    return {parents: products[oid] if oid else None for parents, oid in trees.items()}


def trees_of_reverts(repo: Repository, reverts: Iterable[Parents]) -> dict[Parents, Oid | None]:
    """The trees that taking commits back gives, by (where, what, what stood before it); None where that conflicts.

    Those for which objects are missing are left out.
    """
    reverts = list(reverts)
    found: dict[Parents, Oid | None] = {}
    with tempfile.TemporaryDirectory(prefix="conductor-merge-") as folder:
        scratch = _scratch(repo, folder)
        for onto, step, before in reverts:
            with suppress(GitFailed):
                # A merge whose base is what is taken back (`--merge-base` is of git 2.40).
                base = _bare_commit(scratch, step)
                sides = (_bare_commit(scratch, onto, "-p", base), _bare_commit(scratch, before, "-p", base))
                run(["read-tree", onto], cwd=scratch, env=_CLEAN, writes=True)
                args = [*_SET, "merge-tree", "--write-tree", "--no-messages", *sides]
                done = run(args, cwd=scratch, env=_CLEAN, ok=(0, 1))
                found[onto, step, before] = None if done.code else Oid(done.text())
    return found


def _bare_commit(scratch: str, commit: Oid, *words: str) -> str:
    """A commit of the same tree that nobody else sees."""
    args = ["commit-tree", *words, "-m", "so far", f"{commit}^{{tree}}"]
    return run(args, cwd=scratch, env=_CLEAN, writes=True).text()


def _scratch(repo: Repository, folder: str) -> str:
    scratch = os.path.join(folder, "work")
    made = f"--object-format={repo.object_format}"
    run(["init", "--quiet", "--template=", made, scratch], env=_CLEAN, writes=True)
    alternates = os.path.join(scratch, ".git", "objects", "info", "alternates")
    os.makedirs(os.path.dirname(alternates), exist_ok=True)
    with open(alternates, "w", encoding="ascii") as file:
        file.write("".join(f"{quoted(folder)}\n" for folder in repo.object_folders))
    return scratch


def _merge(scratch: str, parents: Parents) -> Oid | None:
    """The tree of merging one commit after the other into the first, as an octopus merge does."""
    run(["read-tree", parents[0]], cwd=scratch, env=_CLEAN, writes=True)
    merged = parents[0]
    for place, parent in enumerate(parents[1:], 2):
        args = [*_SET, "merge-tree", "--write-tree", "--no-messages", "--allow-unrelated-histories", merged, parent]
        done = run(args, cwd=scratch, env=_CLEAN, ok=(0, 1))
        if done.code or place == len(parents):
            return None if done.code else Oid(done.text())
        args = ["commit-tree", "-p", merged, "-p", parent, "-m", "so far", done.text()]
        merged = Oid(run(args, cwd=scratch, env=_CLEAN, writes=True).text())
    return None


def _have_a_base(repo: Repository, parents: Parents) -> bool:
    """Whether commits have a common ancestor here: in a shallow clone it may be one that was never fetched."""
    return all(repo.git("merge-base", parents[0], parent, ok=(0, 1)).code == 0 for parent in parents[1:])


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
