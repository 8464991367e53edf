"""What has to be known of landings beside the commits: what merging gives, and what the plan said then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.history import History, Note
from conductor_git.core.messages import message
from conductor_git.core.planning.plan import Plan
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository


class Seen(msgspec.Struct):
    """What was found out before; none of it can change."""

    merged: dict[Oid, Oid | None] = {}
    """As in History."""
    reverted: dict[Oid, Oid | None] = {}
    """Revert on integration -> the tree that taking back what it names gives; None for a conflict."""
    plans: dict[str, Plan | None] = {}
    """Plan by `<commit>:<path>`; None where there was none, or none that could be read."""
    waves: dict[str, bool | None] = {}
    """By `<commit>:<path>` of a policy whether waves land before their plan; None where there was none, or none that
    could be read."""


def merges_of_claims(history: History, graph: Graph, policy: Policy) -> list[Oid]:
    """The merges in integration's history that brought a claim or start commit with them, or may have; where the policy
    does not allow every direct step, also integration's own merges of anything else."""
    tip = history.integration
    if tip is None:
        return []
    own = frozenset[Oid]() if policy.direct == "any" else frozenset(graph.first_parents(tip.oid)) - {history.since}
    return [
        oid
        for oid in graph.merges(graph.below([tip.oid]))
        if oid in own or any(parent in history.notes for parent in graph.parents(oid)[1:])
    ]


def look(
    repo: Repository,
    seen: Seen,
    merges: Iterable[Oid],
    history: History,
    graph: Graph,
    policy: Policy,
    plans: Iterable[Plan],
) -> tuple[History, bool]:
    """`history` with what its landings need, and whether something new was found out."""
    merges = list(merges)
    asked = _asked(merges, history, graph, policy, plans)
    policies = _policies(merges, history, graph, policy)
    fresh = _redo(repo, seen, merges, history, graph) | _read_plans(repo, seen, asked)
    fresh |= _read_policies(repo, seen, policies.values())
    waves = {step: allowed for step, key in policies.items() if (allowed := seen.waves[key]) is not None}
    declared = {step: {name: plan for name, key in keys if (plan := seen.plans[key])} for step, keys in asked.items()}
    untold = frozenset(merges) - seen.merged.keys()
    return msgspec.structs.replace(history, merged=seen.merged, untold=untold, declared=declared, waves=waves), fresh


def _redo(repo: Repository, seen: Seen, merges: list[Oid], history: History, graph: Graph) -> bool:
    """Merge again what these merges say they merged."""
    todo = {step: graph.parents(step) for step in merges if step not in seen.merged}
    for step, (first, *others) in list(todo.items()):
        product = history.product(others[0])
        # Where integration had nothing of its own, merging gives the other side.
        if len(others) == 1 and product is not None and graph.is_ancestor(first, others[0]):
            seen.merged[step] = product
            del todo[step]
    if todo:
        from conductor_git.store.plumbing.merges import products_of_merges

        products = products_of_merges(repo, todo.values())
        seen.merged.update({step: products[parents] for step, parents in todo.items() if parents in products})
    return bool(todo)


def look_at_reverts(repo: Repository, seen: Seen, history: History, graph: Graph) -> tuple[History, bool]:
    """`history` with the steps of integration that take another one back, and whether something new was found out."""
    said = {oid: note.reverts for oid, note in history.notes.items() if note.reverts}
    if not said or history.integration is None:
        return history, False
    chain = set(graph.first_parents(history.integration.oid))
    pairs = {oid: step for oid, step in said.items() if oid in chain and step in chain and graph.parents(step)}
    asked = {
        oid: (graph.parents(oid)[0], step, graph.parents(step)[0])
        for oid, step in pairs.items()
        if oid not in seen.reverted and graph.parents(oid)
    }
    if asked:
        from conductor_git.store.plumbing.merges import trees_of_reverts

        found = trees_of_reverts(repo, asked.values())
        seen.reverted.update({oid: found[words] for oid, words in asked.items() if words in found})
    undone = {oid: step for oid, step in pairs.items() if seen.reverted.get(oid) == history.tree(oid)}
    return msgspec.structs.replace(history, undone=undone), bool(asked)


def _asked(
    merges: list[Oid], history: History, graph: Graph, policy: Policy, plans: Iterable[Plan]
) -> dict[Oid, list[tuple[str, str]]]:
    """Merge -> plan ids, and where each plan stood on integration then; nothing where plans are on another branch."""
    if policy.control_ref != policy.integration_ref:
        return {}
    paths = {plan.plan: plan.path for plan in plans}
    found: dict[Oid, list[tuple[str, str]]] = {}
    for step in merges:
        first, *others = graph.parents(step)
        names = {_plan(history.notes[other]) for other in others if other in history.notes}
        found[step] = [(name, f"{first}:{paths[name]}") for name in sorted(names & paths.keys())]
    return found


def _policies(merges: list[Oid], history: History, graph: Graph, policy: Policy) -> dict[Oid, str]:
    """Merge of a wave's claim -> where the policy stood on integration then; nothing where it is on another branch."""
    if policy.control_ref != policy.integration_ref:
        return {}
    found = {}
    for step in merges:
        first, *others = graph.parents(step)
        if any(_is_wave(history.notes[other]) for other in others if other in history.notes):
            found[step] = f"{first}:{POLICY_PATH}"
    return found


def _is_wave(note: Note) -> bool:
    spoken = message.parse(note.line)
    return isinstance(spoken, message.Claim) and spoken.wave is not None


def _read_policies(repo: Repository, seen: Seen, keys: Iterable[str]) -> bool:
    missing = set(keys) - seen.waves.keys()
    if not missing:
        return False
    from conductor_git.core.planning.policyfile import parse_policy

    seen.waves.update(dict.fromkeys(missing))
    parsed: dict[Oid, bool | None] = {}
    for found in read_objects(repo, sorted(missing)):
        # Most landings stand under the same one.
        if found.oid not in parsed:
            read = parse_policy(found.body)
            parsed[found.oid] = read.landing.waves if isinstance(read, Policy) else None
        seen.waves[found.name] = parsed[found.oid]
    return True


def _plan(note: Note) -> str:
    """The plan that a claim names itself; empty where it names none."""
    spoken, trailers = message.parse(note.line), message.read_trailers(note.trailers)
    said = spoken.plan if isinstance(spoken, message.Claim) else None
    return said or (trailers.plan if isinstance(trailers, message.Trailers) else None) or ""


def _read_plans(repo: Repository, seen: Seen, asked: Mapping[Oid, list[tuple[str, str]]]) -> bool:
    keys = {key for pairs in asked.values() for _, key in pairs} - seen.plans.keys()
    if not keys:
        return False
    from conductor_git.core.planning.planfile import parse_plan

    seen.plans.update(dict.fromkeys(keys))
    parsed: dict[Oid, Plan | None] = {}
    for found in read_objects(repo, sorted(keys)):
        if found.oid not in parsed:
            read = parse_plan(found.body, found.name.partition(":")[2])
            parsed[found.oid] = read if isinstance(read, Plan) else None
        seen.plans[found.name] = parsed[found.oid]
    return True
