"""Squashes on integration: what has to be known of them beside the commits, found out once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from conductor_git.core import tree
from conductor_git.core.judgement.graph import Graph
from conductor_git.core.judgement.history import History
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.judgement.squashes import Bundle, Suspect, as_merges, suspects
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.past.landings import Seen, look
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository

_MEMO = "squashes"


class _Known(msgspec.Struct):
    """None of it can change."""

    trees: dict[Oid, tuple[Oid, str]] = {}
    """By tree its product, and its `.conductor` entry."""
    merged: dict[str, Oid | None] = {}
    """By parents, one after the other, the product tree that merging them gives; None for a conflict."""
    plans: dict[str, Seen] = {}
    """By step what was looked up of it."""


def with_squashes(repo: Repository, snapshot: Snapshot, *, use_cache: bool = True) -> Snapshot:
    """The snapshot in which squashes of claimed work are the merges that they stand for. Raises CannotRun."""
    look_up = _LookUp(repo, snapshot.history, (memo.load(repo, _MEMO, _Known) if use_cache else None) or _Known())
    found: dict[Oid, Suspect] = {}
    listed = suspects(snapshot, look_up.products)
    merged = look_up.merged(listed)
    for each in listed:
        # Of two that fit the first one counts: what was asked for together, then plans, then waves.
        if merged.get((each.parent, *each.bundle.claims)) == each.product:
            found.setdefault(each.step, each)
    bundles = _one_each(found)
    told = look_up.told(snapshot, bundles) if bundles else snapshot.history
    if look_up.fresh and use_cache:
        memo.save(repo, _MEMO, look_up.known)
    return as_merges(snapshot, bundles, told)


def _one_each(found: dict[Oid, Suspect]) -> dict[Oid, Bundle]:
    """A claim comes in once: with the step that the walk named first for it, the newest one."""
    taken: set[Oid] = set()
    bundles: dict[Oid, Bundle] = {}
    for step, each in found.items():
        if taken.isdisjoint(each.bundle.claims):
            taken.update(each.bundle.claims)
            bundles[step] = each.bundle
    return bundles


class _LookUp:
    def __init__(self, repo: Repository, history: History, known: _Known) -> None:
        self.repo = repo
        self.history = history
        self.known = known
        self.fresh = False

    def products(self, commits: Iterable[Oid]) -> dict[Oid, Oid]:
        """Product trees by commit."""
        trees = {oid: found for oid in commits if (found := self.history.tree(oid))}
        weighed, controls = self.history.products, self.history.controls
        for found in trees.values():
            if found in weighed and found in controls:
                self.known.trees.setdefault(found, (weighed[found], controls[found]))
        missing = sorted({found for found in trees.values() if found not in self.known.trees})
        for each in read_objects(self.repo, missing):
            stripped = tree.strip_control(each.body, self.repo.object_format)
            product = each.oid if stripped == each.body else self.repo.hash("tree", stripped)
            self.known.trees[each.oid] = (product, tree.control_entry(each.body, self.repo.object_format))
            self.fresh = True
        return {oid: self.known.trees[found][0] for oid, found in trees.items() if found in self.known.trees}

    def merged(self, listed: Iterable[Suspect]) -> dict[tuple[Oid, ...], Oid | None]:
        """What merging gives, by parents; of what could not be merged here, nothing."""
        asked = dict.fromkeys((each.parent, *each.bundle.claims) for each in listed)
        todo = [parents for parents in asked if " ".join(parents) not in self.known.merged]
        if todo:
            from conductor_git.store.plumbing.merges import products_of_merges

            found = products_of_merges(self.repo, todo)
            self.known.merged.update({" ".join(parents): product for parents, product in found.items()})
            self.fresh = True
        return {
            parents: self.known.merged[word] for parents in asked if (word := " ".join(parents)) in self.known.merged
        }

    def told(self, snapshot: Snapshot, bundles: dict[Oid, Bundle]) -> History:
        """History with what the rules ask of these steps: trees, the merge, and the plan as it was."""
        history, policy = self.history, snapshot.policy
        ends = {oid for step in bundles for oid in (step, *history.graph.parents(step))}
        self.products(ends)
        trees = {found for oid in ends if (found := history.tree(oid)) in self.known.trees}
        weighed = msgspec.structs.replace(
            history,
            products={**history.products, **{found: self.known.trees[found][0] for found in trees}},
            controls={**history.controls, **{found: self.known.trees[found][1] for found in trees}},
        )
        nodes = {
            step: ((*history.graph.parents(step), *bundle.claims), *history.nodes[step][1:])
            for step, bundle in bundles.items()
        }
        seen = self.known.plans.setdefault(snapshot.policy.control_ref, Seen())
        merged = {step: weighed.product(step) for step in bundles}
        seen.merged.update(merged)
        looked, learnt = look(self.repo, seen, bundles, weighed, Graph(nodes), policy, snapshot.plans)
        self.fresh |= learnt
        return msgspec.structs.replace(
            looked,
            merged={**history.merged, **merged},
            untold=history.untold,
            declared={**history.declared, **looked.declared},
            waves={**history.waves, **looked.waves},
        )
