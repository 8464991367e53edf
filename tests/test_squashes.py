"""Which commit of one parent is the landing of claims, and which is a direct step that only looks like one.

A tree is named by the files in it, a letter each, and merging is taking all of both sides.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from conductor_git.core.judgement.squashes import Bundle, as_merges, suspects
from conductor_git.core.planning.plan import Wave
from conductor_git.core.planning.policy import LandingPolicy, Policy
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import Oid, Target
from tests.scene import REPOSITORY, Scene, oid, plan

TREES = {oid(f"t:{name}"): name for name in ("x", "xa", "xb", "xab", "xabz", "xc", "xabc", "xm", "xabm", "xabcm")}


def judged(before: str, made: str, proven: dict[str, str], *, asked: bool, waves: bool) -> tuple[str, list[str]]:
    """main has the tree `before` and on it a commit with the tree `made`: the plans that landed, and the alarms.

    Plan 2 claimed wave 0 with `xa` and all of it with `xab`, plan 3 with `xc`; `proven` has more proofs, plan by tree.
    With `asked` the conductor had asked for both plans together by a pull request.
    """
    policy = Policy(repository=REPOSITORY, direct="none", since=oid("base"), landing=LandingPolicy(waves=waves))
    scene = Scene(plan("2", Wave(0)), plan("3", Wave(0)), policy=policy)
    scene.commit("base", tree="x")
    for name, first, whole in (("2", "xa", "xab"), ("3", "xc", "xc")):
        scene.commit(f"start{name}", "base", line=f"▶ PLAN {name} START - agent-{name}", tree="x", plan=name)
        scene.commit(f"c{name}", f"start{name}", line="✅ Wave 0 Complete", tree=first, plan=name, wave="0")
        scene.commit(f"whole{name}", f"c{name}", line=f"✅ PLAN {name} COMPLETE", tree=whole, plan=name)
        scene.branch(f"b{name}", f"whole{name}")
        scene.attest(Target(name, 0), first)
        scene.attest(Target(name), whole)
    for tree, plans in proven.items():
        for name in plans:
            scene.attest(Target(name), tree)
    parent = "base"
    if before != "x":
        scene.commit("moved", "base", tree=before)
        scene.event("acceptance", writer="conductor", commit=oid("moved"), reason="a fix")
        parent = "moved"
    scene.commit("step", parent, tree=made)
    scene.branch("main", "step")
    for name in "23" if asked else "":
        named = {"request": "landing/2-3", "onto": oid(parent), "claim": oid(f"whole{name}"), "result": oid("result")}
        scene.event("landing", Target(name), "conductor", **named)
    snapshot = scene.snapshot(since=oid("base"))

    def weigh(commits: Iterable[Oid]) -> dict[Oid, Oid]:
        return {commit: scene.nodes[commit][1] for commit in commits}

    found: dict[Oid, Bundle] = {}
    for suspect in suspects(snapshot, weigh):
        sides = [TREES[scene.nodes[each][1]] for each in (suspect.parent, *suspect.bundle.claims)]
        if set("".join(sides)) == set(TREES[suspect.product]):
            found.setdefault(suspect.step, suspect.bundle)
    told = msgspec.structs.replace(snapshot.history, merged={oid("step"): scene.nodes[oid("step")][1]})
    board = fold(as_merges(snapshot, found, told), 1_000_000)
    alarms = [each.code for each in board.findings if each.severity == "alarm"]
    return "".join(each.plan for each in board.plans if each.state == "merged"), alarms


NO = ("", ["CG506"])


@pytest.mark.parametrize(
    ("before", "made", "proven", "asked", "waves", "expected"),
    [
        pytest.param("x", "xab", {}, False, False, ("2", []), id="all of a plan"),
        pytest.param("x", "xabz", {}, False, False, NO, id="one file more"),
        pytest.param("x", "xabz", {"xabz": "2"}, False, False, NO, id="one file more, and proven"),
        pytest.param("x", "xb", {"xb": "2"}, False, False, NO, id="a part that nobody claimed"),
        pytest.param("x", "xa", {}, False, False, NO, id="a wave that may not land"),
        pytest.param("x", "xa", {}, False, True, ("", []), id="a wave that may land"),
        pytest.param("x", "x", {"x": "2"}, False, False, NO, id="nothing at all"),
        pytest.param("xm", "xabm", {}, False, False, NO, id="onto a base that moved"),
        pytest.param("xm", "xabm", {"xabm": "2"}, False, False, ("2", []), id="onto a base that moved, and proven"),
        pytest.param("xm", "xab", {}, False, False, NO, id="onto a base whose own work it takes away"),
        pytest.param("x", "xabc", {"xabc": "23"}, False, False, NO, id="two plans that nobody asked for together"),
        pytest.param("x", "xabc", {"xabc": "23"}, True, False, ("23", []), id="two plans of one request"),
        pytest.param("x", "xabc", {"xabc": "2"}, True, False, NO, id="two plans of one request, proven for one"),
        pytest.param("xm", "xabcm", {"xabcm": "23"}, True, False, ("23", []), id="two plans, onto a base that moved"),
        pytest.param("x", "xab", {}, True, False, ("2", []), id="one plan of a request for two"),
    ],
)
def test_what_is_taken_for_a_landing(
    before: str, made: str, proven: dict[str, str], asked: bool, waves: bool, expected: tuple[str, list[str]]
) -> None:
    assert judged(before, made, proven, asked=asked, waves=waves) == expected
