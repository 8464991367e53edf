"""Merging without a checkout, in a git directory of our own."""

from __future__ import annotations

import os
import tempfile

from conductor_git.core import tree
from conductor_git.core.targets import Oid
from conductor_git.store.git import run
from conductor_git.store.missing import quoted
from conductor_git.store.objects import read_objects
from conductor_git.store.repository import Repository, discover

_CLEAN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def product_of_merge(repo: Repository, first: Oid, second: Oid) -> Oid | None:
    """The product tree of merging two commits as git does by itself; None where they conflict.

    A worktree's attributes and the repository's config (merge drivers, renormalize) would change the result, so it is
    computed in a scratch git directory whose index holds the first parent's tree: attributes come from there.
    """
    with tempfile.TemporaryDirectory(prefix="conductor-merge-") as folder:
        scratch = os.path.join(folder, "work")
        run(
            ["init", "--quiet", "--template=", f"--object-format={repo.object_format}", scratch],
            env=_CLEAN,
            writes=True,
        )
        alternates = os.path.join(scratch, ".git", "objects", "info", "alternates")
        os.makedirs(os.path.dirname(alternates), exist_ok=True)
        with open(alternates, "wb") as file:
            file.write(quoted(os.path.join(repo.common_dir, "objects")) + b"\n")
        run(["read-tree", first], cwd=scratch, env=_CLEAN, writes=True)
        done = run(["merge-tree", "--write-tree", "--no-messages", first, second], cwd=scratch, env=_CLEAN, ok=(0, 1))
        if done.code:
            return None
        inner = discover(scratch)
        for found in read_objects(inner, [done.text()]):
            product = tree.strip_control(found.body, repo.object_format)
            return found.oid if product == found.body else repo.hash("tree", product)
    return None
