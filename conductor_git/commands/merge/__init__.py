"""`merge`: land what is proven, each result validated as it will stand on integration."""

from __future__ import annotations

import time

import msgspec

from conductor_git.commands.merge.line import Line, NotYet
from conductor_git.commands.merge.telling import SCHEMA, account, foresee, not_yet, values
from conductor_git.commands.merge.wishes import find_wishes
from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.wavelandings import EARLY
from conductor_git.core.landing.admission import Admission, Wish, admit
from conductor_git.core.landing.bounds import brought_by, within_bounds
from conductor_git.core.landing.progress import Progress, Tell
from conductor_git.core.landing.queue import begin
from conductor_git.core.reporting.fold import fold
from conductor_git.core.standing import CONDUCTOR
from conductor_git.store.landing.journal import Journal
from conductor_git.store.landing.moving import Move, catch_up, settle
from conductor_git.store.notes.writer import whoami
from conductor_git.store.past.changes import read_changes
from conductor_git.store.past.freezes import with_freezes
from conductor_git.store.plumbing.identity import read_identities
from conductor_git.store.plumbing.merges import merger
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.snapshot import Moments
from conductor_git.store.validation.firstproof import Watch

_MADE_GOOD = frozenset({"CG503", "CG504", EARLY})
"""Alarms that a clean landing takes away. What was added to one by hand (CG505) stays."""


class Asked(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    names: tuple[str, ...] = ()
    """Plans, waves and branches; of none everything that is ready."""
    dry_run: bool = False
    resume: bool = False
    """Only bring a landing to its end that died."""
    by_request: bool = False
    """Push what would land as a branch of its own, and say how the pull request for it is opened."""
    max_seconds: float | None = None
    terminal: bool = False


def merge(repo: Repository, asked: Asked, *, tell: Tell, now: int) -> Outcome:
    """Land plans, waves and branches; what does not fit is named, and the rest lands. What goes on is told meanwhile.

    Exit codes: all landed 0, something did not 1, not yet after `max_seconds` 4. Raises CannotRun where nothing can be
    landed; then integration is where it was.
    """
    began = time.monotonic()

    def telling(progress: Progress) -> None:
        tell(msgspec.structs.replace(progress, elapsed=time.monotonic() - began))

    def say(text: str) -> None:
        telling(Progress("note", text))

    moments = Moments(repo)
    snapshot = moments.now()
    writer = whoami(repo, snapshot.plans).name
    if writer != CONDUCTOR:
        return _refused(_not_the_conductor(snapshot.policy.integration, writer))
    # Asked before anything is written.
    makers = read_identities(repo)
    move = Move(repo, snapshot.policy, say, now)
    if not asked.dry_run:
        journal = settle(move)
        if journal is not None:
            say(_settled(repo, journal, snapshot.policy.integration))
        if asked.resume and not asked.names:
            return Outcome(DONE, _resumed(journal), {"schema": SCHEMA, "resumed": journal, "fates": []})
        catch_up(move)
    snapshot = with_freezes(repo, moments.now())
    board = fold(snapshot, now)
    alarms = tuple(found for found in board.findings if found.severity == "alarm" and found.code not in _MADE_GOOD)
    if alarms:
        return Outcome(REFUSED, data=values((), (), board, {}), findings=alarms, unchanged="nothing was landed")
    wishes = find_wishes(repo, snapshot, board, asked.names)
    admission = _admitted(repo, snapshot, wishes)
    if asked.dry_run:
        return foresee(repo, snapshot, board, admission)
    give_up = None if asked.max_seconds is None else time.monotonic() + asked.max_seconds
    watch = Watch(say, now, terminal=asked.terminal, give_up=give_up)
    with merger(repo) as tool:
        line = Line(move, moments, tool, wishes, watch, telling, makers=makers, by_request=asked.by_request)
        queue = line.run(begin(admission.entries))
    if isinstance(queue, NotYet):
        return not_yet(queue, asked.names, board)
    return account(repo, moments.now(), queue, admission, now)


def _admitted(repo: Repository, snapshot: Snapshot, wishes: tuple[Wish, ...]) -> Admission:
    admission = admit(snapshot, wishes)
    brought = brought_by(snapshot, admission)
    commits = {owned.commit for listed in brought.values() for owned in listed}
    return within_bounds(snapshot, admission, brought, read_changes(repo, sorted(commits)))


def _not_the_conductor(integration: str, writer: str) -> Finding:
    text = f"only the conductor lands on '{integration}', and this worktree's writer is '{writer}'"
    hint = "conductor-git log-status    # your claims are on the board; the conductor lands what is proven"
    return Finding("CG501", "error", integration, text, hint)


def _refused(finding: Finding) -> Outcome:
    data = {"schema": SCHEMA, "fates": [], "findings": [finding]}
    return Outcome(REFUSED, data=data, findings=(finding,), unchanged="nothing was landed")


def _settled(repo: Repository, journal: Journal, integration: str) -> str:
    what = ", ".join(landing.name for landing in journal.landings)
    done = repo.git("merge-base", "--is-ancestor", journal.tip, f"refs/heads/{integration}", ok=(0, 1)).code == 0
    return f"the landing of {what} that was cut short is {'complete now' if done else 'taken back'}"


def _resumed(journal: Journal | None) -> str:
    return "" if journal is not None else "no landing was cut short"
