"""Every ref that matters to us, from one git process."""

from __future__ import annotations

import msgspec

from conductor_git.core.targets import Oid
from conductor_git.store.plumbing import loose
from conductor_git.store.plumbing.git import Running
from conductor_git.store.plumbing.questions import HEADS as HEADS
from conductor_git.store.plumbing.questions import HUB_COPIES as HUB_COPIES
from conductor_git.store.plumbing.questions import HUB_MARK as HUB_MARK
from conductor_git.store.plumbing.questions import LEDGER as LEDGER
from conductor_git.store.plumbing.questions import LEDGER_COPIES as LEDGER_COPIES
from conductor_git.store.plumbing.questions import REFS
from conductor_git.store.plumbing.questions import REMOTES as REMOTES
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.settings import Settings, read_settings


class Refs(msgspec.Struct, frozen=True):
    """Full ref name -> oid, and the upstream (full name of the tracking ref) of each local branch that has one."""

    oids: dict[str, Oid]
    upstream: dict[str, str]
    settings: Settings | None = None
    """What configuration says about which of them are meant, where it was read already."""

    def ledger(self) -> dict[str, Oid]:
        """The ledger's refs, own and fetched."""
        return {ref: oid for ref, oid in self.oids.items() if ref.startswith((LEDGER, LEDGER_COPIES))}

    def hub(self, ref: str) -> str:
        """The remote of a branch's upstream, where that remote says that it is a hub; else empty."""
        above = self.upstream.get(ref, "")
        # A remote's name may have slashes in it, and so may a branch's.
        hubs = (name[len(HUB_COPIES) : -len("/hub")] for name in self.oids if name.startswith(HUB_COPIES))
        return next((hub for hub in hubs if above.startswith(f"{REMOTES}{hub}/")), "")

    def copies(self, branch: str) -> dict[str, Oid]:
        """The copies of a branch (short name) that remotes were last seen to have."""
        return {ref: self.oids[ref] for ref in self.by_branch().get(branch, ())}

    def by_branch(self) -> dict[str, list[str]]:
        """Short branch name -> its copies' refs, for whoever asks for many."""
        found: dict[str, list[str]] = {}
        for ref in self.oids:
            if ref.startswith(REMOTES):
                found.setdefault(ref[len(REMOTES) :].partition("/")[2], []).append(ref)
        return found

    def told(self, repo: Repository) -> Settings:
        """The settings; read now where nobody did."""
        return read_settings(repo) if self.settings is None else self.settings


def read_tip(repo: Repository, ref: str) -> Oid | None:
    """The commit that one branch (full name) points to at this moment; None where there is no such branch."""
    return loose.read_ref(repo, ref) or repo.resolve(ref)


def read_refs(repo: Repository, *, asked: Running | None = None) -> Refs:
    """Branches, tracking refs and the ledger, as they are now; `asked` where git was asked already."""
    listed = repo.git(*REFS) if asked is None else asked.end()
    oids: dict[str, Oid] = {}
    upstream: dict[str, str] = {}
    for line in listed.lines():
        oid, ref, above = line.split(" ", 2)
        if ref.startswith(REMOTES) and ref.endswith("/HEAD"):
            continue
        oids[ref] = Oid(oid)
        if above:
            upstream[ref] = above
    return Refs(oids, upstream)
