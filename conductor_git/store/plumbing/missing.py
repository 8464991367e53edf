"""Objects that a partial clone does not have yet, fetched in few round trips before they are needed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import GitFailed
from conductor_git.store.plumbing.repository import Repository, quoted

# A blobless clone needs one round, a treeless one a round for each level that the server leaves out.
_MOST_ROUNDS = 200


def fetch_missing(repo: Repository, tree: Oid, *, also: str) -> None:
    """Make every object below `tree` present in a partial clone; nothing to do in any other repository.

    `also` is another object directory to look into (the room's, which holds the product tree itself). A room reads
    through an alternate, and git fetches nothing through one (measured on 2.39). Raises CannotRun where the remote
    does not give them.
    """
    if not is_partial(repo):
        return
    before: list[str] = []
    for _ in range(_MOST_ROUNDS):
        missing = _missing(repo, [tree], also=also)
        if not missing:
            return
        if missing == before:
            break
        _fetch(repo, missing)
        before = missing
    raise CannotRun(
        f"{len(before)} objects of tree '{tree[:7]}' are not in this partial clone and its remote does not give them",
        detail=f"the first is '{before[0]}'; nothing was run",
    )


def fetch_blobs(repo: Repository, trees: Collection[Oid]) -> None:
    """Make what stands in these trees present in a partial clone in one fetch; nothing to do in any other repository.

    Left to itself, git fetches each object that it reads by a connection of its own. Raises CannotRun where the remote
    does not give them.
    """
    missing = _missing(repo, trees) if trees and is_partial(repo) else []
    if missing:
        _fetch(repo, missing)


def is_partial(repo: Repository) -> bool:
    """Whether it is a clone that fetches objects when they are needed."""
    try:
        return any(name.endswith(".promisor") for name in os.listdir(os.path.join(repo.common_dir, "objects", "pack")))
    except OSError:
        return False


def _missing(repo: Repository, trees: Iterable[Oid], *, also: str = "") -> list[str]:
    listed = repo.git(
        *("rev-list", "--objects", "--no-object-names", "--missing=print", *trees),
        env={"GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(also)} if also else {},
    )
    return sorted(line[1:] for line in listed.lines() if line.startswith("?"))


def _fetch(repo: Repository, oids: list[str]) -> None:
    said = ""
    for remote in _promisors(repo):
        try:
            # As git fetches for itself in a partial clone (promisor-remote.c), but for all objects at once.
            repo.git(
                *("-c", "fetch.negotiationAlgorithm=noop", "-c", f"core.hooksPath={os.devnull}"),
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"),
                *("--no-auto-maintenance", "--filter=blob:none", "--stdin", remote),
                stdin="".join(f"{oid}\n" for oid in oids).encode(),
                env={"GIT_TERMINAL_PROMPT": "0"},
                writes=True,
                timeout=3600,
            )
        except GitFailed as error:
            said = error.said
        else:
            return
    raise CannotRun(
        f"{len(oids)} objects are not in this partial clone and could not be fetched",
        detail="; ".join(part for part in (said, "nothing was run") if part),
        hint="git fetch    # once the remote can be reached",
    )


def _promisors(repo: Repository) -> list[str]:
    listed = repo.git("config", "-z", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$", ok=(0, 1))
    remotes: dict[str, None] = {}
    for field in listed.fields():
        key, _, value = field.partition("\n")
        if key == "extensions.partialclone":
            remotes[value] = None
        elif value == "true":
            remotes[key.removeprefix("remote.").removesuffix(".promisor")] = None
    return list(remotes)
