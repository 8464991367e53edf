"""Taking a snapshot: everything the rules ask about, in a constant number of git processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import msgspec

from conductor_git.core.events.event import Event
from conductor_git.core.events.landings import claim_of, requests
from conductor_git.core.judgement.history import History
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.control.joined import on_own_branches, read_joined
from conductor_git.store.control.pastrules import find_past_rules
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.past.adopted import find_adopted
from conductor_git.store.past.history import read_history
from conductor_git.store.plumbing.aside import Aside
from conductor_git.store.plumbing.refs import Refs, read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import was_seen
from conductor_git.store.plumbing.settings import read_settings


class Moments:
    """Snapshots of one process: nothing is read again where no ref has moved since the last one.

    Beside refs a snapshot comes from configuration, which counts as it was when the process began, from the plans that
    this clone joined, and from whether it has ever fetched.
    """

    def __init__(self, repo: Repository) -> None:
        self.repo = repo
        self._settings = read_settings(repo)
        self._seen: tuple[Refs, dict[str, str], bool] | None = None
        self._last: Snapshot | None = None

    def now(self) -> Snapshot:
        """What git holds now. Raises CannotRun as `take`."""
        seen = (self._refs(), read_joined(self.repo), was_seen(self.repo))
        if self._last is None or seen != self._seen:
            self._seen, self._last = seen, take(self.repo, refs=seen[0])
            return self._last
        return msgspec.structs.replace(self._last, taken=int(time.time()))

    def then(self, moved: Mapping[str, Oid]) -> Snapshot:
        """What git would hold, at the moment of the last `now`, with branches (full names) as they would be. Raises
        CannotRun as `take`."""
        return take(self.repo, refs=self._seen[0] if self._seen else self._refs(), moved=moved)

    def _refs(self) -> Refs:
        return msgspec.structs.replace(read_refs(self.repo), settings=self._settings)


def take(
    repo: Repository,
    *,
    also: Iterable[Oid] = (),
    refs: Refs | None = None,
    control: Control | None = None,
    moved: Mapping[str, Oid] = {},
    use_cache: bool = True,
    keep_words: bool = False,
    meanwhile: Callable[[], None] | None = None,
) -> Snapshot:
    """What git holds now. `also` names commits whose ancestry a door asks about; `moved` are branches (full names) as
    they would be, under the rules of now; `control` are the rules to judge by, where they are not those of the refs.
    Without the cache, everything is read again and nothing is kept; but with `keep_words` what was said of signatures,
    which goes by the line and by who may sign.

    Raises CannotRun where there is no policy, or git cannot be read.
    """
    refs = read_refs(repo) if refs is None else refs
    refs = msgspec.structs.replace(refs, settings=refs.told(repo))
    # Both mostly wait, for different processes.
    notes = Aside(partial(read_ledger, repo, refs=refs, use_cache=use_cache))
    control = control or read_control(repo, refs=refs, use_cache=use_cache)
    policy = control.policy
    ledger = notes.answer()
    if policy.trust.demands:
        from conductor_git.store.notes.vouching import sifted

        ledger = sifted(repo, ledger, policy, control.signers, use_cache=use_cache or keep_words)
    control = as_joined(repo, control, ledger.decisions, refs)
    then = msgspec.structs.replace(refs, oids={**refs.oids, **moved}) if moved else refs
    # Of what was asked to be merged the claims may be on no branch any more.
    wanted = [claim for listed in requests(ledger.decisions) for event in listed if (claim := claim_of(event))]
    if meanwhile is not None:
        Aside(meanwhile)
    history = read_history(repo, policy, control.plans, then, also=also, perhaps=wanted, use_cache=use_cache)
    snapshot = Snapshot(
        policy=control.policy,
        control=control.oid,
        plans=control.plans,
        broken=control.broken,
        scripts=control.scripts,
        history=history,
        ledger=ledger,
        findings=control.findings,
        signers=control.signers,
        taken=int(time.time()),
        hub=refs.hub(policy.integration_ref),
    )
    snapshot = msgspec.structs.replace(snapshot, past_rules=find_past_rules(repo, snapshot, use_cache=use_cache))
    if not _may_be_squashed(history):
        return snapshot
    from conductor_git.store.past.squashes import with_squashes

    return with_squashes(repo, snapshot, use_cache=use_cache)


def _may_be_squashed(history: History) -> bool:
    """Whether integration has a step beside a claim that has not landed; for whoever claims soon after delegation there
    is none."""
    graph, tip = history.graph, history.integration
    if tip is None:
        return False
    landed = graph.below([tip.oid])
    said = (oid for oid, note in history.notes.items() if note.line.startswith("✅") and oid not in landed)
    return any(not graph.is_ancestor(tip.oid, oid) for oid in said)


def as_joined(repo: Repository, control: Control, events: Iterable[Event], refs: Refs) -> Control:
    """The rules, with each plan on the branch that its agent chose, where one joined it under a branch of its own."""
    policy = control.policy
    kept = frozenset({policy.integration, policy.control})
    chosen = find_adopted(repo, control.plans, events, refs, since=policy.since, kept=kept)
    return msgspec.structs.replace(control, plans=on_own_branches(control.plans, chosen)) if chosen else control
