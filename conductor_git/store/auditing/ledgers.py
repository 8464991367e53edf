"""Reading the whole history of every ledger ref: two git processes, and one for the lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.ledgerpast import Change, LedgerCommit, LedgerPast
from conductor_git.core.targets import Oid
from conductor_git.store.auditing.ground import Ground, missing_hint
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository


def read_pasts(ground: Ground) -> list[LedgerPast]:
    """Each ledger ref's history, own ones first. Raises CannotRun where a shallow clone lacks part of one."""
    repo = ground.repository
    tips = dict(sorted(ground.refs.ledger().items()))
    commits = {found.oid for found in read_objects(repo, dict.fromkeys(tips.values())) if found.kind == "commit"}
    parents = _first_parents(repo, commits)
    _check_edge(ground, parents)
    changes = _changes(repo, parents)
    pasts = []
    for ref, tip in tips.items():
        chain = list(_chain(tip, parents)) if tip in commits else []
        pasts.append(LedgerPast(ref, tip, tuple(LedgerCommit(oid, changes[oid]) for oid in reversed(chain))))
    return pasts


def read_lines(repo: Repository, pasts: list[LedgerPast]) -> dict[Oid, bytes]:
    """The content of every note that was ever added."""
    oids = {
        change.new for past in pasts for commit in past.commits for change in commit.changes if change.is_note
    }  # fmt: skip
    return {found.oid: found.body for found in read_objects(repo, sorted(oids)) if found.kind == "blob"}


def _first_parents(repo: Repository, tips: set[Oid]) -> dict[Oid, Oid | None]:
    if not tips:
        return {}
    stdin = "".join(f"{tip}\n" for tip in sorted(tips)).encode("ascii")
    lines = repo.git("rev-list", "--first-parent", "--parents", "--stdin", stdin=stdin).lines()
    rows = (line.split(" ") for line in lines)
    return {Oid(words[0]): Oid(words[1]) if len(words) > 1 else None for words in rows}


def _check_edge(ground: Ground, parents: Mapping[Oid, Oid | None]) -> None:
    path = os.path.join(ground.repository.git_dir, "shallow")
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as file:
        edge = set(file.read().split())
    cut = [ref for ref, tip in ground.refs.ledger().items() if edge.intersection(_chain(tip, parents))]
    if cut:
        raise CannotRun(
            f"cannot tell: the history of '{cut[0]}' is not all here", detail="this clone is shallow",
            hint=missing_hint(ground),
        )  # fmt: skip


def _chain(tip: Oid, parents: Mapping[Oid, Oid | None]) -> Iterator[Oid]:
    oid: Oid | None = tip
    while oid is not None and oid in parents:
        yield oid
        oid = parents[oid]


def _changes(repo: Repository, parents: Mapping[Oid, Oid | None]) -> dict[Oid, tuple[Change, ...]]:
    found: dict[Oid, list[Change]] = {oid: [] for oid in parents}
    if not parents:
        return {}
    # `<commit> <parent>` is compared with that parent only, whatever further ones it has.
    stdin = "".join(f"{oid} {above}\n" if above else f"{oid}\n" for oid, above in parents.items()).encode("ascii")
    args = ("diff-tree", "--stdin", "-r", "--root", "--raw", "-z", "--no-abbrev", "--no-renames")
    fields = iter(repo.git(*args, stdin=stdin).fields())
    here: list[Change] = []
    for field in fields:
        if not field.startswith(":"):
            here = found[Oid(field)]
            continue
        _, mode, old, new, status = field.split(" ")
        here.append(Change(status, mode, Oid(old), Oid(new), next(fields)))
    return {oid: tuple(changes) for oid, changes in found.items()}
