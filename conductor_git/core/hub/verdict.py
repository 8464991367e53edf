"""What a push would change, asked of the rules that the report and the audit go by: only new faults refuse.

`after` is the snapshot as it would be: the hub's refs with the pushed ones over them, their ledgers counted, the rules
of the hub's own control tip. What stood before is the same snapshot with the branches where they were.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

import msgspec

from conductor_git.core.events.authority import accepted
from conductor_git.core.findings import Finding
from conductor_git.core.hub.commands import Command
from conductor_git.core.judgement.boundaries import Merging, judge_merge
from conductor_git.core.judgement.claims import Claims, Said
from conductor_git.core.judgement.forwards import find_forwarded
from conductor_git.core.judgement.history import Tip
from conductor_git.core.judgement.losses import find_lost
from conductor_git.core.judgement.moves import is_carried
from conductor_git.core.judgement.owners import Owned, owned_commits
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.verdicts import Verdicts
from conductor_git.core.reporting.auditfold import Auditor
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import Oid


class Verdict:
    """One push, judged by what it adds to a snapshot and takes from it."""

    def __init__(self, after: Snapshot, commands: Iterable[Command]) -> None:
        self.after = after
        self.auditor = Auditor(after)
        self.moved = {command.ref: command for command in commands}
        self.before = _before(after, self.moved)
        self.stood = Claims(self.before.history, self.before.plans)
        self.fresh = self._fresh()
        """The commits of plans that come with the push: their paths are asked for."""
        self._accepted = accepted(after.ledger.decisions)
        self._gone = self._no_more()

    def _fresh(self) -> tuple[Owned, ...]:
        had = {(owned.commit, owned.plan) for owned in owned_commits(self.before, self.stood)}
        return tuple(owned for owned in self.auditor.owned if (owned.commit, owned.plan) not in had)

    def findings(self, changes: Mapping[Oid, tuple[str, ...]]) -> list[Finding]:
        """What refuses the push; `changes` are the paths of `fresh`."""
        return [*self._integration(), *self._claims(), *self._commits(changes), *self._lost()]

    def _claims(self) -> list[Finding]:
        had = {said.commit for said in self.stood.all_said()} | self.stood.nameless
        # What a rewrite carries counts for nothing until it is proven again.
        dropped = [said.commit for said in self._gone]
        found: list[Finding] = []
        for case in self.auditor.claim_cases():
            if case.commit and case.commit not in had and not is_carried(case.commit, dropped, self.after.history):
                found += [finding for finding in case.findings if finding.refuses]
        return found

    def _commits(self, changes: Mapping[Oid, tuple[str, ...]]) -> list[Finding]:
        fresh = {owned.commit for owned in self.fresh}
        cases = self.auditor.commit_cases(changes)
        return [found for case in cases if case.commit in fresh for found in case.findings if found.refuses]

    def _no_more(self) -> list[Said]:
        """The claims that counted and would count no more."""
        stay = {said.commit for said in self.auditor.claims.all_said()}
        return [said for said in self.stood.all_said() if said.commit not in stay]

    def _lost(self) -> list[Finding]:
        """The proven claims that would be gone, or count no more: not those that a rewrite carries, nor those that were
        no good."""
        history = self.after.history
        stay = [tip.oid for tip in history.branches.values()]
        tips = [tip.oid for tip in self.before.history.branches.values() if tip.ref in self.moved]
        gone = [tip for tip in tips if not any(history.graph.is_ancestor(tip, other) for other in stay)]
        lost = {said.commit for said in self._gone}.union(find_lost(gone, stay, self.after) if gone else ())
        return list(self._judge_lost(lost)) if lost else []

    def _judge_lost(self, lost: Container[Oid]) -> Iterator[Finding]:
        history, verdicts = self.after.history, Verdicts(self.before, self.stood)
        carried = {history.notes[said.commit] for said in self.auditor.claims.all_said() if said.commit not in lost}
        for said in self.stood.all_said():
            if said.commit not in lost or history.notes[said.commit] in carried or not verdicts.declared(said.target):
                continue
            if any(finding.refuses for finding in verdicts.hear(said)[1]):
                continue
            text = f"the claim of {said.target} at '{said.commit[:12]}' would be lost"
            hint = f"git merge {said.commit[:12]}    # or: git revert {said.commit[:12]}, which takes it back"
            if said.commit in self.stood.landed:
                text = f"the claim of {said.target} at '{said.commit[:12]}' was squashed, and its branch alone keeps it"
                hint = "conductor-git clean    # for the conductor: has the ledger keep it; push that first"
            yield Finding("CG655", "error", str(said.target), text, hint)

    def _integration(self) -> list[Finding]:
        policy, history = self.after.policy, self.after.history
        rewound = [found for ref in (policy.integration_ref, policy.control_ref) if (found := self._rewound(ref))]
        tip, old = history.integration, self.before.history.integration
        if rewound or policy.integration_ref not in self.moved or tip is None:
            return rewound[:1]
        if not history.since_known:
            text = f"commit '{policy.since[:12]}', above which '{policy.integration}' is judged, is not in the hub"
            return [Finding("CG708", "error", policy.integration, text, "git push    # a clone that is not shallow")]
        new = set(history.graph.ancestors([tip.oid], stop=self.stood.landed))
        steps = [step for step in history.graph.first_parents(tip.oid) if step in new]
        alarms = [finding for finding in self.auditor.spine.findings if finding.refuses and finding.subject in new]
        return alarms or (self._at_the_door(steps) if old else [])

    def _rewound(self, ref: str) -> Finding | None:
        command = self.moved.get(ref)
        if command is None or command.old is None or command.new is None:
            return None
        if self.after.history.graph.is_ancestor(command.old, command.new):
            return None
        text = f"'{ref}' would go back: others build on what it has"
        return Finding("CG508", "error", ref, text, "git pull --rebase    # take work back with git revert")

    def _at_the_door(self, steps: list[Oid]) -> list[Finding]:
        """What can be told of a step only while the branches stand where they stood."""
        standing, graph = self._standing(steps), self.after.history.graph
        found = list(find_forwarded(steps, self.before, self.stood.landed))
        settled = self._accepted.union(finding.subject for finding in found)
        for step in steps:
            if step not in settled and len(graph.parents(step)) > 1:
                merging = Merging(self.after.policy.integration, graph.parents(step)[1:], CONDUCTOR)
                found += judge_merge(merging, standing)
        return [finding for finding in found if finding.refuses]

    def _standing(self, steps: Iterable[Oid]) -> Snapshot:
        """The moment before the landings: integration where it was, and each plan's branch with what lands."""
        history, claims = self.after.history, self.auditor.claims
        branches = {**self.before.history.branches, **history.branches}
        for step in steps:
            for source in history.graph.parents(step)[1:]:
                plan = self.after.plan(claims.plans_said.get(source, ""))
                if plan is not None:
                    branches.setdefault(plan.branch, Tip(f"refs/heads/{plan.branch}", source))
        old = self.before.history.integration
        return msgspec.structs.replace(
            self.after, history=msgspec.structs.replace(history, integration=old, branches=branches)
        )


def _before(after: Snapshot, moved: Mapping[str, Command]) -> Snapshot:
    """The snapshot with integration and the plans' branches where they were."""
    history, policy = after.history, after.policy

    def stood(ref: str, tip: Tip | None) -> Tip | None:
        command = moved.get(ref)
        if command is None:
            return tip
        return Tip(ref, command.old) if command.old else None

    names = {plan.branch for plan in after.plans if plan.branch}
    tips = ((name, stood(f"refs/heads/{name}", history.branches.get(name))) for name in names)
    branches = {name: tip for name, tip in tips if tip is not None}
    integration = stood(policy.integration_ref, history.integration)
    return msgspec.structs.replace(
        after, history=msgspec.structs.replace(history, integration=integration, branches=branches)
    )
