"""What leaves this machine and comes to it: fetching with progress, and pushing what must not exist there yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import environment, run
from conductor_git.store.plumbing.repository import Repository

Say = Callable[[str], None]


class Upstream(msgspec.Struct, frozen=True):
    """Where a local branch comes from: a remote's name, the branch's full name there, and its tracking ref here."""

    remote: str
    ref: str
    tracking: str


def upstream_of(repo: Repository, branch: str) -> Upstream | None:
    """The upstream of a branch (short name); None where it has none or another local branch is it.

    A branch that was never set up counts as `origin`'s where that is known to have it.
    """
    form = "%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
    names = (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}")
    for line in repo.git("for-each-ref", f"--format=%(refname)%00{form}", *names).lines():
        ref, remote, remote_ref, tracking = line.split("\0")
        if ref == names[1]:
            return Upstream("origin", f"refs/heads/{branch}", ref)
        if ref == names[0] and tracking.startswith("refs/remotes/"):
            return Upstream(remote, remote_ref, tracking)
    return None


def fetch(repo: Repository, remote: str, *refspecs: str, say: Say) -> None:
    """Fetch, by the configured refspecs where none are given; what takes long is told. Raises CannotRun."""
    from git import Git
    from git.cmd import handle_process_output
    from git.exc import GitCommandError
    from git.util import finalize_process

    progress = _progress(remote, say)
    argv = ["git", "fetch", "--progress", "--end-of-options", remote, *refspecs]
    process = Git(_folder(repo)).execute(argv, as_process=True, universal_newlines=True, env=_environment(repo))
    try:
        handle_process_output(process, None, progress.new_message_handler(), finalize_process, decode_streams=False)
    except GitCommandError as error:
        said = "; ".join(progress.error_lines) or str(error.stderr or "").strip()
        raise CannotRun(f"'{remote}' could not be fetched from", detail=said, hint=f"git fetch {remote}") from error


def push_new(repo: Repository, remote: str, ref: str, oid: Oid) -> Literal["pushed", "taken"]:
    """Create `ref` on a remote; `taken` where it exists there with another value. Raises CannotRun otherwise."""
    # An empty expectation: the ref must not exist there (git-push, "--force-with-lease=<refname>:").
    argv = ["push", "--porcelain", f"--force-with-lease={ref}:", "--end-of-options", remote, f"{oid}:{ref}"]
    result = run(argv, cwd=_folder(repo), ok=range(256), writes=True, timeout=None)
    if result.code == 0:
        return "pushed"
    for line in result.lines():
        if line.startswith("!\t") and "stale info" in line:
            return "taken"
    said = result.err.decode("utf-8", "replace").strip()
    raise CannotRun(f"'{ref}' could not be pushed to '{remote}'", detail=said)


def _folder(repo: Repository) -> str:
    # A remote's relative path counts from here, as it does for the user's own git.
    return repo.worktree or repo.common_dir


def _environment(repo: Repository) -> dict[str, str]:
    # GitPython adds to the caller's environment and takes nothing away, so what an outer git set is set right instead.
    right = {"GIT_DIR": repo.git_dir, "GIT_WORK_TREE": repo.worktree, "GIT_COMMON_DIR": repo.common_dir}
    outer = {name: value for name, value in right.items() if name in os.environ and value is not None}
    return {**environment(os.environ, writes=True), **outer}


def _progress(remote: str, say: Say):  # type: ignore[no-untyped-def]
    from git import RemoteProgress

    class Told(RemoteProgress):
        """Tells the end of each transfer, and nothing of what takes no time."""

        def update(self, op_code: int, cur_count: object, max_count: object = None, message: str = "") -> None:
            if op_code & self.RECEIVING and op_code & self.END and message:
                say(f"fetched from '{remote}': {message.strip(', ')}")

    return Told()
