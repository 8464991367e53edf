"""Receipts: what commit-msg has just judged, so that reference-transaction need not start Python to judge it again.

One file for each worktree, written over by the next claim and emptied by the hook that used it. It is a word of this
machine to itself and proves nothing: no reader looks at it, so one that was forged opens a door and hides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from conductor_git.core.judgement.judge import Ruling
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.repository import Repository

RECEIPT = "conductor-receipt"

_BETWEEN = "\x1f"
"""What git is asked to put between trailers (`hooks/reference-transaction`): none can hold it."""


def write_receipt(repo: Repository, tree: Oid, ruling: Ruling) -> None:
    """Leave a receipt for an accepted claim with this tree. Raises OSError.

    Its lines: the claim, its trailers, then the tree with each set of parents that the claim may have.
    """
    path = os.path.join(repo.git_dir, RECEIPT)
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(_render(tree, ruling.line, [f"{key}: {value}" for key, value in ruling.trailers], ruling.clean))
    os.replace(file.name, path)


def _render(tree: Oid, line: str, trailers: Sequence[str], parents: Sequence[tuple[Oid, ...]]) -> str:
    commits = [f"{tree} {' '.join(each)}" for each in parents]
    return "\n".join([line, _BETWEEN.join(trailers), *commits, ""])
