"""Which complete plans do not merge into integration any more: each merge tried once for each tip of integration."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.conflicts import Clash, to_land, with_clashes
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.past.touching import touched_by
from conductor_git.store.plumbing.merges import conflicts_of_merges
from conductor_git.store.plumbing.missing import is_partial
from conductor_git.store.plumbing.repository import Repository

_MEMO = "conflicts"
_Known = dict[str, Clash | None]
"""By tip and claim, one after the other; None for what merges. None of it can change."""


def with_conflicts(repo: Repository, snapshot: Snapshot, board: Board) -> Board:
    """The board with the conflicts of what is to land; a merge that cannot be tried here says nothing."""
    tip, claims = snapshot.history.integration, to_land(board)
    if tip is None or not claims:
        return board
    words = {plan: f"{tip.oid} {claim}" for plan, claim in claims.items()}
    known: _Known = memo.load(repo, _MEMO, _Known) or {}
    missing = [claim for plan, claim in claims.items() if words[plan] not in known]
    if missing:
        # A report never fails on it: a disk that is full, a git that cannot merge this way.
        with suppress(CannotRun, OSError):
            known |= _try(repo, snapshot, tip.oid, missing)
            memo.save(repo, _MEMO, {word: known[word] for word in words.values() if word in known})
    clashes = {plan: clash for plan, word in words.items() if (clash := known.get(word)) is not None}
    return with_clashes(board, clashes) if clashes else board


def _try(repo: Repository, snapshot: Snapshot, tip: Oid, claims: Iterable[Oid]) -> _Known:
    # A look at the board must not fetch what merging reads.
    if is_partial(repo):
        return {}
    found: _Known = {}
    for (_, claim), conflict in conflicts_of_merges(repo, [(tip, claim) for claim in claims]).items():
        clash = None
        if conflict is not None:
            clash = Clash(conflict.paths, touched_by(repo, snapshot, tip, claim, conflict.paths))
        found[f"{tip} {claim}"] = clash
    return found
