"""Moving integration: journal, ledger, then the branch itself, on the remote first where it has one.

Dying anywhere leaves the journal open, and whoever comes next finishes or takes back what it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import cached_property

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import MovedError, advance
from conductor_git.store.files.locks import hold, is_held
from conductor_git.store.landing.journal import Journal, close_journal, journal_path, read_journal, write_journal
from conductor_git.store.landing.pushing import NotPushed, push_landing
from conductor_git.store.landing.records import record_landings, withdraw_landings
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.refs import read_tip
from conductor_git.store.plumbing.remotes import Upstream, fetch, upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.worktrees import worktree_of

Say = Callable[[str], None]
_LOCK = "landing"


class Move(msgspec.Struct, frozen=True, dict=True):
    """Where integration stands, and what moving it needs to know."""

    repo: Repository
    policy: Policy
    say: Say
    now: int

    @property
    def ref(self) -> str:
        """The integration branch, its full name."""
        return self.policy.integration_ref

    @property
    def tip(self) -> Oid:
        """Where it is at this moment. Raises CannotRun while it is unborn."""
        tip = read_tip(self.repo, self.ref)
        if tip is None:
            raise CannotRun(f"there is no branch '{self.policy.integration}' here", hint="git branch --list")
        return tip

    @cached_property
    def upstream(self) -> Upstream | None:
        """Where it comes from."""
        return upstream_of(self.repo, self.policy.integration)


def settle(move: Move) -> Journal | None:
    """Bring a landing that died to its end; the journal that was open, None where none was.

    What reached integration is recorded and followed; what did not is taken back. Raises CannotRun where that cannot be
    told, and then the journal stays open.
    """
    with _turn(move.repo):
        return _settle(move)


def judge_journal(repo: Repository, *, now: int) -> list[Finding]:
    """What to do about a landing that was cut short; nothing while the one who makes it lives. Raises CannotRun."""
    journal = read_journal(repo)
    if journal is None or is_held(repo, _LOCK):
        return []
    names = ", ".join(landing.name for landing in journal.landings)
    age = max(0, now - journal.began)
    text = f"the landing of {names} was cut short {age // 60} minutes ago, and its journal is open"
    return [Finding("CG518", "warning", journal_path(repo), text, "conductor-git merge --resume")]


def catch_up(move: Move) -> Oid:
    """Have integration here where its upstream is, and return its tip.

    Raises CannotRun where the upstream cannot be asked, where each has what the other lacks, and where the worktree
    that has it cannot follow.
    """
    upstream = move.upstream
    if upstream is None:
        return move.tip
    fetch(move.repo, upstream.remote, say=move.say)
    there = read_tip(move.repo, upstream.tracking)
    here = move.tip
    if there is None or _contains(move.repo, here, there):
        return here
    if not _contains(move.repo, there, here):
        raise CannotRun(
            f"'{move.policy.integration}' ({here[:7]}) and its upstream on '{upstream.remote}' ({there[:7]}) have each "
            "what the other lacks",
            detail=f"'{upstream.remote}' would lose {_count(move.repo, here, there)}; nothing was landed",
            hint=f"git log --oneline --left-right {here[:12]}...{there[:12]}",
        )
    # Nothing of ours is in between: git's own fast-forward, also in the worktree that has it.
    with suppress(MovedError):
        advance(move.repo, move.ref, here, there)
    return move.tip


def land(move: Move, journal: Journal) -> bool:
    """Move integration as the journal says; False where it is not where the journal begins any more.

    Raises CannotRun where it could not be moved: then all is as it was, or the journal stays open and says so.
    """
    with _turn(move.repo):
        _settle(move)
        if move.tip != journal.base:
            return False
        check_worktree(move, journal)
        write_journal(move.repo, journal)
        record_landings(move.repo, move.policy, journal, now=move.now)
        upstream = move.upstream
        if upstream is not None:
            try:
                pushed = push_landing(move.repo, upstream, journal, say=move.say)
            except NotPushed:
                _take_back(move, journal)
                raise
            if not pushed:
                _take_back(move, journal)
                return False
        return _follow(move, journal, pushed=upstream is not None)


def check_worktree(move: Move, journal: Journal) -> None:
    """Raise CannotRun where the worktree that has integration could not follow: asked before anything moves."""
    holder = worktree_of(move.repo, move.ref)
    if holder is None or not os.path.isdir(holder.path):
        return
    here = holder.path == move.repo.worktree
    git_dir = move.repo.git_dir if here else run(["rev-parse", "--absolute-git-dir"], cwd=holder.path).text()
    if os.path.exists(os.path.join(git_dir, "MERGE_HEAD")):
        raise CannotRun(
            f"a merge is not concluded in '{holder.path}'", detail="nothing was landed", hint="git merge --abort"
        )
    changed = set(move.repo.git("diff-tree", "-r", "-z", "--name-only", journal.base, journal.tip).fields())
    # status, not diff-index: that one calls a file changed whose times are new. Ignored files are git's to overwrite.
    listed = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    told = run(["-c", "core.fsmonitor=false", *listed], cwd=holder.path).fields()
    both = sorted(changed.intersection(field[3:] for field in told))
    if both:
        named = ", ".join(f"'{path}'" for path in both[:3]) + (f" and {len(both) - 3} more" if len(both) > 3 else "")
        raise CannotRun(
            f"{named} in '{holder.path}' would be overwritten: changed there and not committed",
            detail="nothing was landed",
            hint="git stash push --include-untracked    # then conductor-git merge again",
        )


def _settle(move: Move) -> Journal | None:
    journal = read_journal(move.repo)
    if journal is None:
        return None
    upstream = move.upstream
    if journal.remote and upstream is not None:
        fetch(move.repo, upstream.remote, say=move.say)
    there = read_tip(move.repo, upstream.tracking) if upstream else None
    reached = [tip for tip in (read_tip(move.repo, journal.ref), there) if tip]
    if any(_contains(move.repo, tip, journal.tip) for tip in reached):
        record_landings(move.repo, move.policy, journal, now=move.now)
        _follow(move, journal, pushed=True)
    else:
        _take_back(move, journal)
    return journal


def _follow(move: Move, journal: Journal, *, pushed: bool) -> bool:
    """The branch itself. What is on the remote has landed, whether or not this clone can follow at once."""
    try:
        tip = move.tip
        if tip == journal.base or not _contains(move.repo, tip, journal.tip):
            advance(move.repo, journal.ref, journal.base, journal.tip)
    except (MovedError, CannotRun) as error:
        if not pushed:
            _take_back(move, journal)
            if isinstance(error, MovedError):
                return False
            raise
        move.say(f"note: it has landed, and '{move.policy.integration}' here did not follow: git pull --ff-only")
    # Nothing is believed because a command ended well.
    upstream = move.upstream
    reached = [move.tip, *([read_tip(move.repo, upstream.tracking)] if upstream else [])]
    if not any(tip and _contains(move.repo, tip, journal.tip) for tip in reached):
        raise CannotRun(
            f"'{move.policy.integration}' does not hold '{journal.tip[:12]}', which just landed",
            detail="the journal stays open",
            hint="conductor-git merge --resume",
        )
    close_journal(move.repo)
    return True


def _take_back(move: Move, journal: Journal) -> None:
    withdraw_landings(
        move.repo, move.policy, journal, why=f"'{move.policy.integration}' was not moved there", now=move.now
    )
    close_journal(move.repo)


def _count(repo: Repository, tip: Oid, without: Oid) -> str:
    number = int(repo.git("rev-list", "--count", f"{without}..{tip}").text())
    return f"{number} commit{'s' if number > 1 else ''} of here"


def _turn(repo: Repository) -> AbstractContextManager[None]:
    return hold(repo, _LOCK, doing="land on integration")


def _contains(repo: Repository, tip: Oid, commit: Oid) -> bool:
    return tip == commit or repo.git("merge-base", "--is-ancestor", commit, tip, ok=(0, 1, 128)).code == 0
