"""A small history written down by name, for the tables of the core: no git, no clock."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.event import Event
from conductor_git.core.events.ledger import Ledger
from conductor_git.core.judgement.graph import Graph, Node
from conductor_git.core.judgement.history import History, Note, Tip
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.plan import Plan, Validation
from conductor_git.core.planning.policy import Policy
from conductor_git.core.planning.rules import RuleSet, Script, Scripts, rules_of
from conductor_git.core.targets import Oid, Target

REPOSITORY = "0123456789abcdef"


def oid(name: str) -> Oid:
    """A stable oid for a name."""
    return Oid(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest())


class Scene:
    """Commits, plans and events by name. A commit's tree is `t:<name of the tree>`, its product the same."""

    def __init__(self, *plans: Plan, policy: Policy | None = None) -> None:
        self.plans = plans
        self.policy = policy or Policy(repository=REPOSITORY)
        self.scripts = Scripts(oid("scripts"), {"verify.sh": Script("100755", oid("verify.sh"))})
        self.nodes: dict[Oid, Node] = {}
        self.notes: dict[Oid, Note] = {}
        self.tips: dict[str, Tip] = {}
        self.events: list[Event] = []
        self.clock = 0

    def commit(
        self,
        name: str,
        *parents: str,
        line: str = "work",
        tree: str | None = None,
        reverts: str | None = None,
        **trailers: str,
    ) -> Oid:
        """Add a commit; its tree is its own unless one is named."""
        self.clock += 1
        self.nodes[oid(name)] = (tuple(oid(parent) for parent in parents), oid(f"t:{tree or name}"), self.clock)
        pairs = tuple((f"Conductor-{key.capitalize()}", value) for key, value in trailers.items())
        if line != "work" or pairs or reverts:
            self.notes[oid(name)] = Note(line, pairs, oid(reverts) if reverts else None)
        return oid(name)

    def branch(self, branch: str, at: str) -> None:
        """Put a branch on a commit."""
        self.tips[branch] = Tip(f"refs/heads/{branch}", oid(at))

    def event(self, kind: str, target: Target | None = None, writer: str = "agent", **data: Any) -> Event:
        """Add an event."""
        self.clock += 1
        plan, wave = (target.plan, target.wave) if target else (None, None)
        event = Event(oid(f"event {self.clock}"), self.clock, writer, kind, self.clock, data, plan, wave)
        self.events.append(event)
        return event

    def rules(self, target: Target) -> RuleSet:
        """The rules of now for a target."""
        plan = next(plan for plan in self.plans if plan.plan == target.plan)
        found = rules_of(self.policy, plan, target, self.scripts)
        assert isinstance(found, RuleSet)
        return found

    def attest(self, target: Target, tree: str, *, passed: bool = True, **changes: Any) -> Attestation:
        """Add an attestation for the product tree of that name, under the rules of now unless said otherwise."""
        made = Attestation(
            target=target,
            tree=oid(f"t:{tree}"),
            passed=passed,
            outcome="passed" if passed else "failed",
            repository=REPOSITORY,
            rules=self.rules(target).digest,
            script="verify.sh",
            script_digest=oid("verify.sh"),
            control=oid("control"),
            platform="linux-x86_64",
            writer="agent",
            started=1,
            ended=2,
        )
        made = msgspec.structs.replace(made, **changes)
        event = self.event("attestation", target, made.writer, statement=attestation.statement(made))
        read = attestation.read(event)
        assert read is not None
        return read

    def snapshot(self, **changes: Any) -> Snapshot:
        """The snapshot of it all. Every tree is its own product."""
        trees = {node[1] for node in self.nodes.values()}
        history = History(
            graph=Graph(self.nodes),
            notes=self.notes,
            integration=self.tips.get(self.policy.integration),
            branches={plan.branch: self.tips[plan.branch] for plan in self.plans if plan.branch in self.tips},
            products={tree: tree for tree in trees},
            controls=dict.fromkeys(trees, ""),
        )
        history = msgspec.structs.replace(history, **changes)
        ledger = Ledger(events=tuple(sorted(self.events, key=lambda event: event.order)))
        return Snapshot(self.policy, oid("control"), self.plans, (), self.scripts, history, ledger, taken=1_000_000)


def plan(name: str, *waves: Any, **fields: Any) -> Plan:
    """A plan with a branch `b<name>`, agent `agent-<name>` and the script verify.sh."""
    fields.setdefault("validation", Validation("verify.sh"))
    return Plan(
        name,
        f"Plan {name}",
        f".conductor/plans/{name}.md",
        f"agent-{name}",
        branch=f"b{name}",
        waves=tuple(waves),
        **fields,
    )
