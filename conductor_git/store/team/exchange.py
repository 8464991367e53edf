"""What a clone and its remote have of plans' branches, and giving each what only the other has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from conductor_git.core.planning.executors import read_executor
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid
from conductor_git.store.notes.clone import clone_ids
from conductor_git.store.notes.ledger_push import unpushed
from conductor_git.store.plumbing.refs import HEADS, REMOTES, Refs
from conductor_git.store.plumbing.remotes import Say, fetch
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.sending import TAKEN, send

Relation = Literal["same", "ahead", "behind", "diverged", "landed"]
"""landed: the remote has no such branch, and integration has all that is on it."""


class Standing(msgspec.Struct, frozen=True):
    """A local branch beside the remote's, of a plan or of none. `ahead` and `behind` count commits
    that the other lacks."""

    plan: str
    branch: str
    relation: Relation
    ahead: int = 0
    behind: int = 0

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"{HEADS}{self.branch}"


class Sent(msgspec.Struct, frozen=True):
    """What became of what was sent: full names that the remote has now, and by full name why it has not."""

    refs: tuple[str, ...] = ()
    refused: dict[str, str] = {}


def compare(repo: Repository, remote: str, plans: Iterable[Plan], refs: Refs, integration: str) -> list[Standing]:
    """Each local branch of a plan, its executors' too, beside what the remote was last seen to have."""
    copies = f"{REMOTES}{remote}/"
    landed = [refs.oids[ref] for ref in (f"{HEADS}{integration}", f"{copies}{integration}") if ref in refs.oids]
    return [
        _standing(repo, plan, branch, refs.oids[f"{HEADS}{branch}"], refs.oids.get(f"{copies}{branch}"), landed)
        for plan, branch in _worked_on(tuple(plans), refs)
    ]


def _worked_on(plans: tuple[Plan, ...], refs: Refs) -> Iterator[tuple[str, str]]:
    """Plan and local branch (short name), each plan's own first."""
    yield from ((plan.plan, plan.branch) for plan in plans if plan.ref in refs.oids)
    for ref in refs.oids:
        branch = ref.removeprefix(HEADS)
        part = read_executor(branch, plans) if branch != ref else None
        if part is not None:
            yield part.target.plan, branch


def compare_shared(repo: Repository, remote: str, branches: Iterable[str], refs: Refs) -> list[Standing]:
    """Integration and control (short names), of no plan, beside what the remote was last seen to have."""
    pairs = ((name, refs.oids.get(f"{HEADS}{name}"), refs.oids.get(f"{REMOTES}{remote}/{name}")) for name in branches)
    return [_standing(repo, "", name, here, copy, []) for name, here, copy in pairs if here and copy]


def send_ledger(repo: Repository, remote: str, *, say: Say, tick: Say) -> Sent:
    """Push what this clone wrote in the ledger and the remote was not seen to have."""
    clones = clone_ids(repo)
    refs = unpushed(repo, remote, clones)
    # No pre-push hook: ours would send the ledger, and a user's one is about branches.
    sent = _sent(send(repo, remote, refs, hooks=False, say=say, tick=tick)) if refs else Sent()
    # Under an id of before, the remote may have newer events than a copy of that clone: those are no loss.
    refused = {
        ref: why
        for ref, why in sent.refused.items()
        if ref.endswith(f".{clones[0]}") or not why.startswith("[rejected]")
    }
    return Sent(sent.refs, refused)


def send_branches(repo: Repository, remote: str, branches: Iterable[Standing], *, say: Say, tick: Say) -> Sent:
    """Push the branches that have what the remote lacks and lack nothing that it has."""
    refs = [branch.ref for branch in branches if branch.relation == "ahead"]
    return _sent(send(repo, remote, refs, hooks=True, say=say, tick=tick)) if refs else Sent()


def fetch_narrow(
    repo: Repository, remote: str, branches: Iterable[str], *, plans: Iterable[Plan] = (), say: Say, tick: Say
) -> None:
    """Fetch these branches (short names), and those of plans' executors, where the remote has them and the
    configuration leaves them out.
    """
    configured = repo.git("config", "--get-all", f"remote.{remote}.fetch", ok=(0, 1)).lines()
    if any(spec.removeprefix("+").partition(":")[0] == f"{HEADS}*" for spec in configured):
        return
    listed = repo.git("ls-remote", "--heads", "--end-of-options", remote, timeout=None).lines()
    there = [line.partition("\t")[2].removeprefix(HEADS) for line in listed]
    named, plans = set(branches), tuple(plans)
    wanted = [name for name in there if name in named or read_executor(name, plans)]
    if wanted:
        specs = (f"+{HEADS}{name}:{REMOTES}{remote}/{name}" for name in wanted)
        fetch(repo, remote, *specs, say=say, tick=tick)


def _sent(answers: Mapping[str, str]) -> Sent:
    return Sent(
        tuple(ref for ref, why in answers.items() if why == TAKEN),
        {ref: why for ref, why in answers.items() if why != TAKEN},
    )


def _standing(repo: Repository, plan: str, branch: str, here: Oid, copy: Oid | None, landed: list[Oid]) -> Standing:
    if here == copy:
        return Standing(plan, branch, "same")
    if copy is None:
        own = _count(repo, here, *(f"^{tip}" for tip in landed))[0]
        return Standing(plan, branch, "ahead" if own else "landed", own)
    ahead, behind = _count(repo, "--left-right", f"{here}...{copy}")
    relation: Relation = "diverged" if ahead and behind else "ahead" if ahead else "behind"
    return Standing(plan, branch, relation, ahead, behind)


def _count(repo: Repository, *walk: str) -> list[int]:
    return [int(number) for number in repo.git("rev-list", "--count", *walk).text().split("\t")]
