"""Committing files to a branch wherever it is checked out, without disturbing anybody's work."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid
from conductor_git.store.files.exclusive import exclusive
from conductor_git.store.plumbing.git import GitFailed, Result, run
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import worktree_of

_TRIES = 20
_PAUSE = 0.03
"""Seconds, times the number of the try."""


class Blob(msgspec.Struct, frozen=True):
    """A file as a tree has it."""

    mode: str
    oid: Oid


class MovedError(Exception):
    """The branch moved while the commit was made, or its worktree was busy: begin again on the new tip."""


def commit_files(
    repo: Repository,
    ref: str,
    files: Mapping[str, bytes | None],
    message: str,
    *,
    executable: Collection[str] = (),
) -> Oid:
    """Commit files (None deletes one) on top of the branch `ref`, born or not, and return the commit.

    Where the branch is checked out, that worktree follows; other changes there, staged or not, stay as they are. Where
    nothing would change, no commit is made and the tip is returned. Raises CannotRun, and leaves branch and worktree
    as they were, where the worktree has other content at one of the paths.
    """
    check_identity(repo)
    blobs = _write_blobs(repo, files, executable)
    last: MovedError | None = None
    # One at a time: git-merge reads the index before it locks it, and one that fails writes the older index back.
    with exclusive(os.path.join(repo.private, "locks", "commits")):
        for attempt in range(_TRIES):
            time.sleep(_PAUSE * attempt)
            tip = repo.resolve(ref)
            commit = _commit(repo, tip, blobs, message)
            if commit == tip:
                return commit
            try:
                advance(repo, ref, tip, commit, blobs)
            except MovedError as error:
                last = error
                continue
            return commit
    raise CannotRun(f"branch '{_short(ref)}' could not be moved", detail=f"{last}; nothing was committed")


def advance(
    repo: Repository, ref: str, old: Oid | None, new: Oid, blobs: Mapping[str, Blob | None] | None = None
) -> None:
    """Fast-forward a branch from `old` (None: unborn) to `new`, and the worktree where it is checked out.

    `blobs` are paths whose content there may already be that of `new`, committed by nobody yet. Raises MovedError where
    another process was quicker.
    """
    holder = worktree_of(repo, ref)
    if holder is None or not os.path.isdir(holder.path):
        _moving(repo, ref, old, ["update-ref", "-m", "conductor: commit", ref, new, old or repo.zero], None)
    else:
        _follow(repo, ref, old, new, holder.path, blobs or {})


def _follow(
    repo: Repository, ref: str, old: Oid | None, new: Oid, folder: str, blobs: Mapping[str, Blob | None]
) -> None:
    # git refuses to merge over an untracked or changed file even where it has the very content that comes. With the
    # content in the index first, git-read-tree's two-tree table keeps it ("index matches M").
    there = blobs_there(folder, [path for path, blob in blobs.items() if blob is not None])
    same = {path: blob for path, blob in blobs.items() if blob is not None and there.get(path) == blob.oid}
    before = _index_lines(folder, same)
    if same:
        _moving(repo, ref, old, ["update-index", "-z", "--index-info"], folder, stdin=_info(repo, same))
    try:
        _moving(
            repo, ref, old, ["merge", "--ff-only", "--quiet", "--no-verify-signatures", "--no-autostash", new], folder
        )
    except BaseException:
        if same:
            run(
                ["update-index", "-z", "--index-info"],
                cwd=folder,
                stdin=_info(repo, dict.fromkeys(same)) + before,
                writes=True,
            )
        raise


def _moving(
    repo: Repository, ref: str, old: Oid | None, args: list[str], folder: str | None, *, stdin: bytes | None = None
) -> None:
    """Run one step of a move; MovedError where another process was quicker."""
    # What a command of ours commits, it has judged, and it speaks for the conductor: our own door must not ask whose
    # worktree this is.
    spoken_for = {"CONDUCTOR_WRITER": CONDUCTOR}
    try:
        if folder is None:
            repo.git(*args, env=spoken_for, writes=True)
        else:
            run(args, cwd=folder, stdin=stdin, env=spoken_for, writes=True)
    except GitFailed as error:
        if repo.resolve(ref) != old or ".lock': File exists" in error.said:
            raise MovedError(error.said) from error
        raise CannotRun(
            f"branch '{_short(ref)}' could not take the commit" + (f" in '{folder}'" if folder else ""),
            detail=f"nothing was committed; git said: {error.said}",
        ) from error


def _commit(repo: Repository, tip: Oid | None, blobs: Mapping[str, Blob | None], message: str) -> Oid:
    """A commit of these changes on top of `tip`; `tip` itself where they change nothing."""
    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}

        def git(*args: str, stdin: bytes | None = None) -> Result:
            return repo.git("-c", "core.splitIndex=false", *args, stdin=stdin, env=env, writes=True)

        if tip is not None:
            git("read-tree", tip)
        git("update-index", "-z", "--index-info", stdin=_info(repo, blobs))
        tree = git("write-tree").text()
    if tip is not None and repo.resolve(tip, kind="tree") == tree:
        return tip
    parents = [] if tip is None else ["-p", tip]
    signed = ["-S"] if repo.config("commit.gpgSign", kind="bool") == "true" else []
    text = message.rstrip("\n").encode("utf-8", "surrogateescape") + b"\n"
    return Oid(repo.git("commit-tree", *signed, tree, *parents, stdin=text, writes=True).text())


def _write_blobs(
    repo: Repository, files: Mapping[str, bytes | None], executable: Collection[str]
) -> dict[str, Blob | None]:
    blobs: dict[str, Blob | None] = dict.fromkeys(path for path, body in files.items() if body is None)
    bodies = {path: body for path, body in files.items() if body is not None}
    with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
        drafts = [os.path.join(folder, str(number)) for number in range(len(bodies))]
        for draft, body in zip(drafts, bodies.values(), strict=True):
            with open(draft, "wb") as file:
                file.write(body)
        stdin = "".join(f"{draft}\n" for draft in drafts).encode("utf-8", "surrogateescape")
        oids = repo.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=stdin, writes=True).lines()
    for path, oid in zip(bodies, oids, strict=True):
        blobs[path] = Blob("100755" if path in executable else "100644", Oid(oid))
    return blobs


def blobs_there(folder: str, paths: Iterable[str]) -> dict[str, Oid]:
    """The blob that `git add` would make of each path that is a regular file in a worktree."""
    files = [path for path in paths if "\n" not in path and _is_file(os.path.join(folder, path))]
    if not files:
        return {}
    stdin = "".join(f"{path}\n" for path in files).encode("utf-8", "surrogateescape")
    oids = run(["hash-object", "--stdin-paths"], cwd=folder, stdin=stdin).lines()
    return {path: Oid(oid) for path, oid in zip(files, oids, strict=True)}


def _is_file(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def _index_lines(folder: str, paths: Iterable[str]) -> bytes:
    listed = list(paths)
    if not listed:
        return b""
    return run(["ls-files", "--stage", "-z", "--", *listed], cwd=folder, env={"GIT_LITERAL_PATHSPECS": "1"}).out


def _info(repo: Repository, blobs: Mapping[str, Blob | None]) -> bytes:
    """Lines for `git update-index -z --index-info`; mode 0 takes a path out of the index."""
    lines = (
        f"{blob.mode} {blob.oid}\t{path}\0" if blob else f"0 {repo.zero}\t{path}\0" for path, blob in blobs.items()
    )
    return "".join(lines).encode("utf-8", "surrogateescape")


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
