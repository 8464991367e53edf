"""One run for several targets: it is not told for whom it runs, so its result is that of each of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.rules import RuleSet
from conductor_git.core.targets import Oid, Target
from conductor_git.store.notes.ledger import Draft, append_many
from conductor_git.store.notes.signing import signing_for
from conductor_git.store.plumbing.repository import Repository

_NAMES = ("CONDUCTOR_PLAN", "CONDUCTOR_WAVE")
"""By these a run learns for whom it is; one that names them is made for each by itself."""


class Sharing:
    """Asked for one snapshot; what was searched once is not searched again."""

    def __init__(self, repo: Repository, snapshot: Snapshot, writer: str) -> None:
        self._repo = repo
        self._snapshot = snapshot
        self._writer = writer
        self._blind: dict[Oid, bool] = {}

    def may_serve(self, rules: RuleSet, tree: Oid) -> bool:
        """Whether a run under these rules can do without knowing for whom it is, as far as anything says."""
        return (
            not any(criterion.of_baseline for criterion in rules.criteria)
            and not any(name in word for name in _NAMES for word in (rules.setup, *rules.args))
            and self._is_blind(tree)
        )

    def fits(self, made: Attestation, rules: RuleSet) -> bool:
        """Whether what a run that was not told for whom it is gave is what it would give under these rules."""
        return made.passed and (made.rules, made.writer, made.room) == (rules.digest, self._writer, "fresh")

    def record(self, made: Attestation, targets: Sequence[Target], *, now: int) -> list[Attestation]:
        """Record the same result for each of these targets, in this order. Raises CannotRun."""
        policy = self._snapshot.policy
        copies = [msgspec.structs.replace(made, target=target) for target in targets]
        drafts = [Draft("attestation", {"statement": attestation.statement(copy)}, copy.target) for copy in copies]
        events = append_many(
            self._repo,
            writer=self._writer,
            drafts=drafts,
            now=now,
            event_bytes=policy.limits.event_bytes,
            signing=signing_for(self._repo, policy, self._writer, "attestation"),
        )
        read = [found for event in events if (found := attestation.read(event))]
        if len(read) != len(targets):
            raise CannotRun("what a run proved could not be read back from the ledger")
        return read

    def _is_blind(self, tree: Oid) -> bool:
        """Whether neither the scripts nor the tree under test name what tells one target from another."""
        policy, folder = self._snapshot.policy.validation, self._snapshot.scripts.folder
        if "fill" in (policy.submodules, policy.lfs) or folder is None:
            return False
        if tree not in self._blind:
            words = [word for name in _NAMES for word in ("-e", name)]
            args = ("grep", "-q", "-F", "-a", "--no-textconv", *words, folder, tree)
            done = self._repo.git(*args, "--", ":(top,exclude).conductor", ok=(0, 1))
            self._blind[tree] = done.code == 1
        return self._blind[tree]
