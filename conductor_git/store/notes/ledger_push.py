"""Pushing what this clone wrote in the ledger; a remote that takes no notes fails nobody's push."""

from __future__ import annotations

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.notes.clone import clone_ids
from conductor_git.store.plumbing.git import Result, run
from conductor_git.store.plumbing.refs import LEDGER, LEDGER_COPIES
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.sending import in_full


class Pushed(msgspec.Struct, frozen=True):
    """What became of the ledger on one remote; as text, one line for people."""

    remote: str
    refs: tuple[str, ...] = ()
    """Full names of what the remote has now and had not before."""
    refused: tuple[str, ...] = ()
    """Full names of what it did not take."""
    why: str = ""
    """Why it did not."""

    @property
    def complete(self) -> bool:
        """Whether the remote has everything that this clone wrote."""
        return not self.refused

    def __str__(self) -> str:
        if self.refused:
            what = f"a part of the ledger ('{self.refused[0]}')" if self.refs else "the ledger"
            return f"{what} is not on '{self.remote}': {self.why}"
        return f"the ledger {'went to' if self.refs else 'is on'} '{self.remote}'"


def push_own(repo: Repository, remote: str, *, timeout: float = 60) -> Pushed:
    """Push by name the ledger refs that this clone wrote and the remote was not seen to have; never by force.

    Never fails because of the remote. Raises CannotRun where this repository cannot be read.
    """
    clones = clone_ids(repo)
    refs = unpushed(repo, remote, clones)
    if not refs:
        return Pushed(remote)
    try:
        first = _push(repo, remote, refs, timeout)
        pushed = _judged(remote, refs, first, clones[0])
        # A hub refuses a whole push for one ledger in it that is not this login's, and names that.
        rest = [ref for ref in refs if f"'{ref}'" not in first.err.decode("utf-8", "replace")]
        if pushed.refs or rest in ([], refs):
            return pushed
        again = _judged(remote, rest, _push(repo, remote, rest, timeout), clones[0])
    except CannotRun as error:
        return Pushed(remote, refused=tuple(refs), why=error.what)
    named = tuple(ref for ref in pushed.refused if ref not in rest)
    return Pushed(remote, again.refs, (*named, *again.refused), pushed.why)


def _push(repo: Repository, remote: str, refs: list[str], timeout: float) -> Result:
    return run(
        # No pre-push hook: ours is what calls this, and a user's one is about branches.
        [
            *("push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"),
            *("--end-of-options", remote),
            *(f"{ref}:{ref}" for ref in refs),
        ],
        cwd=repo.worktree or repo.common_dir,
        ok=range(256),
        writes=True,
        timeout=timeout,
    )


def unpushed(repo: Repository, remote: str, clones: tuple[str, ...]) -> list[str]:
    """The ledgers of this clone, and of the ids of before, that the remote was not seen to have as they are."""
    seen: dict[str, Oid] = {}
    for line in repo.git("for-each-ref", "--format=%(objectname) %(refname)", LEDGER, LEDGER_COPIES).lines():
        oid, ref = line.split(" ", 1)
        seen[ref] = Oid(oid)
    return [
        ref
        for ref, oid in seen.items()
        if ref.startswith(LEDGER)
        and ref.rpartition(".")[2] in clones
        and seen.get(f"{LEDGER_COPIES}{remote}/{ref.removeprefix(LEDGER)}") != oid
    ]


def _judged(remote: str, refs: list[str], result: Result, clone: str) -> Pushed:
    # git-push, "OUTPUT": `<flag> TAB <from>:<to> TAB <summary> (<reason>)`, and nothing where it never got through.
    answers: dict[str, tuple[str, str]] = {}
    for line in result.lines():
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        answers[names.partition(":")[0]] = (flag, summary)
    refused = {}
    for ref in refs:
        flag, summary = answers.get(ref, ("!", ""))
        # Under an id of before, the remote may have newer events than a copy of that clone: those are no loss.
        if flag == "!" and (ref.endswith(f".{clone}") or not summary.startswith("[rejected]")):
            refused[ref] = summary or _last_words(result)
    taken = tuple(ref for ref in refs if answers.get(ref, ("!", ""))[0] in "*+ ")
    why = next(iter(refused.values()), "")
    heard = result.err.decode("utf-8", "replace").splitlines()
    return Pushed(remote, taken, tuple(refused), in_full(why, heard))


def _last_words(result: Result) -> str:
    said = [
        line for line in result.err.decode("utf-8", "replace").splitlines() if line.startswith(("fatal:", "error:"))
    ]
    return said[0].partition(": ")[2] if said else f"git push ended with exit code {result.code}"
