"""What leaves this machine and comes to it: fetching with progress, and pushing what must not exist there yet."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import environment, run
from conductor_git.store.plumbing.questions import LEDGER_COPIES
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import record_seen

Say = Callable[[str], None]

ATTEMPTS = 6
_FIRST_PAUSE = 0.1
_RACE = re.compile(
    r"cannot lock ref|unable to update local ref|failed to update ref|incorrect old value|reference already exists"
    r"|but expected [0-9a-f]|\.lock': File exists|shallow file has changed"
)
"""What git says where another git did the same at the same moment."""


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


def fetch(repo: Repository, remote: str, *refspecs: str, say: Say, tick: Say | None = None) -> None:
    """Fetch, by the configured refspecs where none are given; what it brought is told.

    `tick` gets what is true for the moment, for a terminal. Where another git moves the same refs it is tried again.
    Raises CannotRun.
    """
    for attempt in range(ATTEMPTS):
        began = time.time()
        said = _fetch(repo, remote, refspecs, say, tick)
        if said is None:
            if not refspecs and _brings_ledger(repo, remote):
                record_seen(repo, remote, began)
            return
        if not is_race(said):
            break
        pause(attempt)
    raise CannotRun(f"'{remote}' could not be fetched from", detail=said or "", hint=f"git fetch {remote}")


def is_race(said: str) -> bool:
    """Whether what git says of a ref is over by itself: somebody else was moving it."""
    # A branch in the way of a folder of branches stays there.
    return _RACE.search(said) is not None and "cannot create" not in said


def pause(attempt: int) -> None:
    """Let others pass, longer each time, and not all for equally long."""
    time.sleep(_FIRST_PAUSE * 2**attempt * (0.5 + os.getpid() % 100 / 100))


def _fetch(repo: Repository, remote: str, refspecs: tuple[str, ...], say: Say, tick: Say | None) -> str | None:
    """Fetch once; None, or what went wrong."""
    args = ["fetch", "--progress", "--end-of-options", remote, *refspecs]
    done = _heard_out(repo, args, remote, say) if tick is None else transfer(repo, args, remote, say=say, tick=tick)
    return None if done.code == 0 else done.said


def _heard_out(repo: Repository, args: Sequence[str], remote: str, say: Say) -> Transfer:
    """As `transfer`, told of when it is over. Mostly there is nothing to tell, and GitPython takes longer to load than
    git to find that out."""
    outer = [name for name in os.environ if name.startswith("GIT_")]
    done = run(args, cwd=_folder(repo), inherit=outer, env=_environment(repo), ok=range(256), writes=True, timeout=None)
    said = done.err.decode("utf-8", "replace")
    if done.code == 0 and "Receiving objects" not in said:
        return Transfer(0, tuple(done.lines()), "")
    progress = _progress(remote, say, lambda _: None)
    hear = progress.new_message_handler()
    for line in re.split(r"[\r\n]+", said.strip()):
        hear(line)
    return Transfer(done.code, tuple(done.lines()), "\n".join(progress.error_lines) or said.strip())


def _brings_ledger(repo: Repository, remote: str) -> bool:
    configured = repo.git("config", "--get-all", f"remote.{remote}.fetch", ok=(0, 1)).lines()
    return any(f":{LEDGER_COPIES}" in spec for spec in configured)


class Transfer(msgspec.Struct, frozen=True):
    """How a git that talked to a remote ended: its exit code, what it answered, what it complained of, and what the
    remote had to say."""

    code: int
    lines: tuple[str, ...]
    said: str
    heard: tuple[str, ...] = ()


def transfer(repo: Repository, args: Sequence[str], remote: str, *, say: Say, tick: Say) -> Transfer:
    """Run a git that moves objects, and tell how far it is."""
    from git import Git
    from git.cmd import handle_process_output
    from git.exc import GitCommandError
    from git.util import finalize_process

    progress = _progress(remote, say, tick)
    lines: list[str] = []
    process = Git(_folder(repo)).execute(
        ["git", *args], as_process=True, universal_newlines=True, env=_environment(repo)
    )
    code, said = 0, ""
    try:
        handle_process_output(
            process, lines.append, progress.new_message_handler(), finalize_process, decode_streams=False
        )
    except GitCommandError as error:
        code = error.status if isinstance(error.status, int) and error.status else 1
        said = "\n".join(progress.error_lines) or str(error.stderr or "").strip()
    finally:
        tick("")
    return Transfer(code, tuple(line.rstrip("\n") for line in lines), said, tuple(progress.other_lines))


def push_new(repo: Repository, remote: str, ref: str, oid: Oid) -> Literal["pushed", "taken"]:
    """Create `ref` on a remote; `taken` where it exists there with another value. Raises CannotRun otherwise."""
    # An empty expectation: the ref must not exist there (git-push, "--force-with-lease=<refname>:").
    argv = ["push", "--porcelain", f"--force-with-lease={ref}:", "--end-of-options", remote, f"{oid}:{ref}"]
    for attempt in range(ATTEMPTS):
        result = run(argv, cwd=_folder(repo), ok=range(256), writes=True, timeout=None)
        if result.code == 0:
            return "pushed"
        refused = [line for line in result.lines() if line.startswith("!\t")]
        if any("stale info" in line for line in refused):
            return "taken"
        # Of two at the same moment the second is refused for the lock of the first; asked again, it knows.
        if not any(is_race(line) for line in refused):
            break
        pause(attempt)
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


def _progress(remote: str, say: Say, tick: Say):  # type: ignore[no-untyped-def]
    from git import RemoteProgress

    class Told(RemoteProgress):
        """Tells the end of each transfer, and nothing of what takes no time."""

        def update(self, op_code: int, cur_count: object, max_count: object = None, message: str = "") -> None:
            tick(f"'{remote}': {str(self._cur_line).strip()}")
            if op_code & self.RECEIVING and op_code & self.END and message:
                tick("")
                say(f"fetched from '{remote}': {message.strip(', ')}")

    return Told()
