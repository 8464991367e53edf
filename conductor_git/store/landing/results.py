"""What landing gives, before it lands: merges on top of integration, as objects that no ref points to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from conductor_git.core.landing.entry import Entry
from conductor_git.core.landing.landtext import landing_message
from conductor_git.core.targets import Oid
from conductor_git.core.tree import control_entry
from conductor_git.store.plumbing.loose import read_object, read_tree_of, write_object
from conductor_git.store.plumbing.merges import Conflict, Merger
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository


class Step(msgspec.Struct, frozen=True):
    """One entry merged into what stands below it."""

    entry: Entry
    tree: Oid
    so_far: Oid
    """A commit to merge the next one into; not the one that lands."""


class Obstacle(msgspec.Struct, frozen=True):
    """An entry that does not merge into what stands below it."""

    name: str
    below: Oid
    paths: tuple[str, ...] = ()
    """Where it conflicts; none where it would change policy, plans or scripts."""


class Results:
    """Results on top of one tip, each merge made once."""

    def __init__(self, repo: Repository, merger: Merger, base: Oid) -> None:
        self.repo = repo
        self.base = base
        self._merger = merger
        self._known: dict[tuple[Oid, ...], Step | Obstacle] = {}
        self._controls: dict[Oid, str] = {}
        self._at_base: str | None = None

    def build(self, entries: Sequence[Entry]) -> tuple[Step, ...] | Obstacle:
        """Merge these one after the other. Raises CannotRun where objects are missing."""
        steps: list[Step] = []
        for at, entry in enumerate(entries):
            key = tuple(each.source for each in entries[: at + 1])
            if key not in self._known:
                below = steps[-1].so_far if steps else self.base
                self._known[key] = self._merge(entry, below)
            found = self._known[key]
            if isinstance(found, Obstacle):
                return found
            steps.append(found)
        return tuple(steps)

    def _merge(self, entry: Entry, below: Oid) -> Step | Obstacle:
        tree = self._merger.tree(below, entry.source)
        if isinstance(tree, Conflict):
            return Obstacle(entry.name, below, tree.paths)
        # A landing changes no rules: by those that stand it was judged.
        if self._at_base is None:
            self._at_base = self._control_of(self.base)
        if self._control(tree) != self._at_base:
            return Obstacle(entry.name, below)
        return Step(entry, tree, self._merger.commit(tree, below, entry.source))

    def _control_of(self, commit: Oid) -> str:
        tree = read_tree_of(self.repo, commit) or self.repo.resolve(commit, kind="tree")
        return "" if tree is None else self._control(tree)

    def _control(self, tree: Oid) -> str:
        if tree not in self._controls:
            body = read_object(self.repo, "tree", tree)
            bodies = [found.body for found in read_objects(self.repo, [tree])] if body is None else [body]
            self._controls[tree] = control_entry(bodies[0], self.repo.object_format) if bodies else ""
        return self._controls[tree]


def seal(
    repo: Repository, base: Oid, steps: Sequence[Step], proofs: Mapping[str, str], makers: tuple[str, str]
) -> tuple[Oid, ...]:
    """The commits that land, on top of each other; `proofs` is the digest by entry, `makers` are author and committer.

    Nothing of the moment is in them: the same entries on the same tip give the same commits.
    """
    times = _times(repo, [base, *(step.entry.source for step in steps)])
    maker = _signed if repo.config("commit.gpgSign", kind="bool") == "true" else _plain(*makers)
    made: list[Oid] = []
    time = times[base]
    for step in steps:
        time = max(time, times[step.entry.source])
        text = landing_message(step.entry, proofs.get(step.entry.name, "")).encode("utf-8", "surrogateescape")
        made.append(maker(repo, step.tree, (made[-1] if made else base, step.entry.source), time, text))
    return tuple(made)


_Maker = Callable[[Repository, Oid, tuple[Oid, ...], int, bytes], Oid]
"""Makes a commit of a tree, parents, seconds since the epoch, and a message."""


def _plain(author: str, committer: str) -> _Maker:
    def make(repo: Repository, tree: Oid, parents: tuple[Oid, ...], time: int, text: bytes) -> Oid:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"{word} {who} {time} +0000" for word, who in (("author", author), ("committer", committer))]
        return write_object(repo, "commit", "\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + text)

    return make


def _signed(repo: Repository, tree: Oid, parents: tuple[Oid, ...], time: int, text: bytes) -> Oid:
    dates = {f"GIT_{who}_DATE": f"@{time} +0000" for who in ("AUTHOR", "COMMITTER")}
    words = [word for parent in parents for word in ("-p", parent)]
    return Oid(repo.git("commit-tree", "-S", *words, tree, stdin=text, env=dates, writes=True).text())


def _times(repo: Repository, commits: Sequence[Oid]) -> dict[Oid, int]:
    stdin = "".join(f"{oid}\n" for oid in dict.fromkeys(commits)).encode("ascii")
    args = ("-c", "log.showSignature=false", "log", "--no-walk=unsorted", "--stdin", "--format=%H %ct")
    pairs = (line.split(" ") for line in repo.git(*args, stdin=stdin).lines())
    return {Oid(oid): int(time) for oid, time in pairs}
