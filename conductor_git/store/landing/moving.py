"""Moving integration: journal, ledger, then the branch itself, on the remote first where it has one.

Dying anywhere leaves the journal open, and whoever comes next finishes or takes back what it says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import cached_property

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.planning.policy import Policy
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import Blob, MovedError, advance
from conductor_git.store.files.locks import hold, is_held
from conductor_git.store.landing.following import check_worktree
from conductor_git.store.landing.journal import Journal, close_journal, journal_path, read_journal, write_journal
from conductor_git.store.landing.pushing import NotPushed, push_landing
from conductor_git.store.landing.records import record_landings, withdraw_landings
from conductor_git.store.plumbing.refs import read_tip
from conductor_git.store.plumbing.remotes import Upstream, fetch, upstream_of
from conductor_git.store.plumbing.repository import Repository

Say = Callable[[str], None]
_LOCK = "landing"
_PAUSES = (0.05, 0.2, 0.5)
"""Seconds."""


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
        there = check_worktree(move.repo, journal)
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
        return _follow(move, journal, there, pushed=upstream is not None)


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
        _follow(move, journal, _found_there(move, journal), pushed=True)
    else:
        _take_back(move, journal)
    return journal


def _found_there(move: Move, journal: Journal) -> dict[str, Blob]:
    """What git had brought into the worktree when it died; nothing where other things stand in the way."""
    try:
        return {} if _contains(move.repo, move.tip, journal.tip) else check_worktree(move.repo, journal)
    except CannotRun:
        return {}


def _follow(move: Move, journal: Journal, there: dict[str, Blob], *, pushed: bool) -> bool:
    """The branch itself. What is on the remote has landed, whether or not this clone can follow at once. `there` is
    what the worktree that has it already holds of it."""
    try:
        tip = move.tip
        if tip == journal.base or not _contains(move.repo, tip, journal.tip):
            _advance(move, journal, there)
    except (MovedError, CannotRun) as error:
        if not pushed:
            _take_back(move, journal)
            if isinstance(error, MovedError):
                if move.tip != journal.base:
                    return False
                # Nobody moved it: a lock of git's keeps everybody out, and trying again would not help.
                raise CannotRun(
                    f"'{move.policy.integration}' could not be moved",
                    detail=f"nothing was landed; git said: {error}",
                    hint="conductor-git doctor    # names locks that were left behind",
                ) from error
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


def _advance(move: Move, journal: Journal, there: dict[str, Blob]) -> None:
    """Move it, also where somebody holds a lock of git's for a moment. Raises MovedError and CannotRun."""
    for pause in _PAUSES:
        try:
            return advance(move.repo, journal.ref, journal.base, journal.tip, there)
        except MovedError:
            if move.tip != journal.base:
                raise
            time.sleep(pause)
            # git brings the files first, and leaves them where it cannot move the branch then.
            there = check_worktree(move.repo, journal)
    return advance(move.repo, journal.ref, journal.base, journal.tip, there)


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
