"""Carrying out what the queue asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.integration import judge_steps
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.landing.account import fate_line, named
from conductor_git.core.landing.admission import Wish, admit
from conductor_git.core.landing.entry import Entry
from conductor_git.core.landing.landtext import request_branch, request_command
from conductor_git.core.landing.progress import Progress, Tell
from conductor_git.core.landing.queue import (
    Build,
    Built,
    Collided,
    Event,
    Failed,
    Judge,
    Land,
    Landed,
    Moved,
    Passed,
    Queue,
    Requested,
    Unjudged,
    Withdrawn,
)
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.targets import INTEGRATION, Oid, Target
from conductor_git.store.landing.journal import Journal, Landing
from conductor_git.store.landing.moving import Move, catch_up, land
from conductor_git.store.landing.proving import Prover, Red, Told, Untold, rules_for
from conductor_git.store.landing.requesting import request
from conductor_git.store.landing.results import Obstacle, Results, Step, seal
from conductor_git.store.past.freezes import with_freezes
from conductor_git.store.plumbing.merges import Merger, fetch_for_merges
from conductor_git.store.snapshot import Moments
from conductor_git.store.validation.firstproof import Watch
from conductor_git.store.validation.flights import StillRunning


class NotYet(msgspec.Struct, frozen=True):
    """The queue when patience ended."""

    queue: Queue
    run: StillRunning


class Line:
    """Carries out what the queue asks for."""

    def __init__(
        self,
        move: Move,
        moments: Moments,
        tool: Merger,
        wishes: tuple[Wish, ...],
        watch: Watch,
        tell: Tell,
        *,
        makers: tuple[str, str],
        by_request: bool,
    ) -> None:
        """`makers` are author and committer of what lands."""
        self.move = move
        self.moments = moments
        self.repo = move.repo
        self.tool = tool
        self.wishes = {wish.name: wish for wish in wishes}
        self.watch = watch
        self.tell = tell
        self.makers = makers
        self.by_request = by_request
        self.digests: dict[tuple[Oid, Target], str] = {}
        self._look()

    def run(self, queue: Queue) -> Queue | NotYet:
        """From the first action to the end."""
        while (action := queue.action) is not None:
            event = self._do(action, queue)
            if isinstance(event, StillRunning):
                return NotYet(queue, event)
            known = len(queue.fates)
            queue = queue.after(event)
            for fate in queue.fates[known:] if len(queue.fates) > known else ():
                line = fate_line(fate, self.move.policy.integration)
                self.tell(Progress("fate", line, names=(fate.entry.name,), fate=fate))
        return queue

    def _look(self) -> None:
        """Everything as it is now: after a move nothing of before is believed."""
        self.stale = False
        self.snapshot = self.moments.now()
        self.base = self.move.tip
        self.results = Results(self.repo, self.tool, self.base)
        self.prover = Prover(self.moments, self.snapshot, self.watch)

    def _do(self, action: Build | Judge | Land, queue: Queue) -> Event | StillRunning:
        if self.stale:
            self._look()
        match action:
            case Build():
                return self._build(action)
            case Judge():
                return self._judge(action)
            case Land():
                return self._land(action)

    def _build(self, action: Build) -> Event:
        fetch_for_merges(self.repo, [(self.base, entry.source) for entry in action.entries])
        found = self.results.build(action.entries)
        if isinstance(found, Obstacle):
            return Collided(found.name, found.paths)
        return Built()

    def _judge(self, action: Judge) -> Event | StillRunning:
        steps = self._steps(action.entries)
        again = ", once more" if action.again else ""
        into = f"'{self.move.policy.integration}' at {self.base[:7]}"
        names = tuple(entry.name for entry in action.entries)
        self.tell(Progress("validating", f"validating {named(action.entries)} on {into}{again}", names=names))
        targets = [entry.target for entry in action.entries]
        if self.move.policy.landing.validation:
            targets.append(INTEGRATION)
        try:
            told = self.prover.tell(steps[-1].tree, targets, again=action.again)
        except CannotRun as error:
            return Unjudged(f"{error.what}{f' ({error.detail})' if error.detail else ''}")
        if isinstance(told, StillRunning):
            return told
        if isinstance(told, Untold):
            return Unjudged(told.why, final=True)
        if isinstance(told, Red):
            blamed = len(action.entries) == 1 and action.again
            base = self._base() if blamed else None
            if isinstance(base, StillRunning):
                return base
            if isinstance(base, Red):
                return Unjudged(f"{into} does not pass itself: {base.why}; whoever broke it mends it first", final=True)
            whose = "" if told.target == INTEGRATION or [told.target] == targets else f" for {told.target}"
            return Failed(f"{told.why}{whose}", told.log)
        self.digests.update({(steps[-1].tree, target): digest for target, digest in told.digests.items()})
        return Passed()

    def _base(self) -> Told:
        """Whether integration passes as it stands: asked before anybody is blamed, and told once."""
        try:
            return self.prover.tell(self.repo.resolve(self.base, kind="tree") or self.repo.zero, [INTEGRATION])
        except CannotRun as error:
            return Untold(error.what)

    def _land(self, action: Land) -> Event:
        changed = self._changed(action.entries)
        if changed is not None:
            return changed
        steps = self._steps(action.entries)
        proofs = {step.entry.name: self.digests[steps[-1].tree, step.entry.target] for step in steps}
        commits = seal(self.repo, self.base, steps, proofs, self.makers)
        landings = tuple(
            Landing(step.entry.name, step.entry.target, step.entry.source, commit, proofs[step.entry.name])
            for step, commit in zip(steps, commits, strict=True)
        )
        refused = self._refused_there(dict(zip(commits, action.entries, strict=True)))
        if refused is not None:
            return refused
        upstream = self.move.upstream
        remote = upstream.remote if upstream else ""
        journal = Journal(self.move.ref, self.base, commits[-1], landings, self.watch.now, remote)
        if self.by_request:
            branch = request_branch(action.entries)
            request(self.move, journal, branch)
            url = self.repo.config(f"remote.{remote}.url") or ""
            into = self.move.policy.integration
            self.watch.say(f"next: open the pull request\nhint: {request_command(action.entries, branch, into, url)}")
            return Requested(branch)
        landed = land(self.move, journal)
        if not landed:
            into = self.move.policy.integration
            text = f"'{into}' was moved meanwhile; everything again on its new tip"
            self.tell(Progress("moved", text, names=tuple(entry.name for entry in action.entries)))
            catch_up(self.move)
        # Mostly it was the last one.
        self.stale = True
        return Landed({landing.name: landing.commit for landing in landings}) if landed else Moved()

    def _refused_there(self, landed: dict[Oid, Entry]) -> Withdrawn | None:
        """What every reader will say of a merge once it stands there: asked before it does."""
        after = with_freezes(self.repo, self.moments.then({self.move.ref: list(landed)[-1]}))
        claims = Claims(after.history, after.plans)
        for finding in judge_steps(after, claims, Verdicts(after, claims)).findings:
            if finding.refuses and finding.subject in landed:
                return Withdrawn(landed[Oid(finding.subject)].name, finding.message)
        return None

    def _changed(self, entries: Sequence[Entry]) -> Event | None:
        """What is otherwise than when these were tried: integration, a claim, or the rules."""
        now = self.moments.now()
        if self.move.tip != self.base:
            catch_up(self.move)
            self._look()
            return Moved()
        admission = admit(now, [self.wishes[entry.name] for entry in entries])
        standing = {entry.name: entry for entry in admission.entries}
        refused = dict(admission.refused)
        for entry in entries:
            if entry.name in admission.landed:
                return Withdrawn(entry.name, landed=True)
            if entry.name in refused:
                return Withdrawn(entry.name, "; ".join(finding.message for finding in refused[entry.name]))
            if standing[entry.name].source != entry.source:
                return Withdrawn(entry.name, f"its claim is {standing[entry.name].source[:7]} by now")
        targets = (INTEGRATION, *(entry.target for entry in entries))
        if any(_digest(now, target) != _digest(self.snapshot, target) for target in targets):
            self._look()
            return Moved()
        return None

    def _steps(self, entries: Sequence[Entry]) -> tuple[Step, ...]:
        """What was built of these before."""
        return cast("tuple[Step, ...]", self.results.build(entries))


def _digest(snapshot: Snapshot, target: Target) -> str:
    rules = rules_for(snapshot, target)
    return rules.digest if isinstance(rules, RuleSet) else ""
