"""Landings past every door, of each kind: the audit, which recomputes them, says what the reader says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.landings import Yard
from tests.test_wave_landings import audited, by_hand, past, read


def with_tree(yard: Yard, tree: str, *claims: str) -> None:
    """main at a merge of these that has this tree."""
    parents = [word for claim in ("main", *claims) for word in ("-p", claim)]
    past(yard, yard.git(yard.root, "commit-tree", *parents, "-m", "land", tree))


def clean(yard: Yard) -> None:
    past(yard, by_hand(yard, "b2"))


def evil(yard: Yard) -> None:
    past(yard, by_hand(yard, "b2"))
    smuggled = yard.commit("smuggled")
    past(yard, "main~2")
    with_tree(yard, f"{smuggled}^{{tree}}", "b2")


def nothing_of_it(yard: Yard) -> None:
    with_tree(yard, "main^{tree}", "b2")


def other_rules(yard: Yard) -> None:
    merge = by_hand(yard, "b2")
    past(yard, merge)
    changed = yard.commit(".conductor/conductor.toml", (yard.root / ".conductor/conductor.toml").read_text() + "\n")
    past(yard, "main~2")
    with_tree(yard, f"{changed}^{{tree}}", "b2")


def octopus(yard: Yard) -> None:
    both = yard.git(yard.root, "merge-tree", "--write-tree", "b2", "b3")
    with_tree(yard, both, "b2", "b3")


def proven_octopus(yard: Yard) -> None:
    octopus(yard)
    prove(yard, "2", "3")


def unproven(yard: Yard) -> None:
    yard.commit("more", at="b3")
    yard.git(yard.root, "switch", "-q", "b3")
    claimed = ("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "✅ PLAN 3 COMPLETE")
    yard.git(yard.root, *claimed, "-m", "Conductor-Plan: 3")
    yard.git(yard.root, "switch", "-q", "main")
    past(yard, by_hand(yard, "b3"))


def unclaimed(yard: Yard) -> None:
    past(yard, by_hand(yard, "b2~2"))


def forwarded(yard: Yard) -> None:
    past(yard, "b2")


def united(yard: Yard) -> None:
    """Two plans that write the same line, where the attributes of integration have git take both."""
    yard.commit(".gitattributes", "shared merge=union\n")
    for plan in "15":
        past(yard, by_hand(yard, f"b{plan}"))
        prove(yard, plan)
    assert (yard.root / "shared").read_text() == "1\n5\n"


def united_by_nobody(yard: Yard) -> None:
    """The same content where integration has no such attributes: there the two collide."""
    past(yard, by_hand(yard, "b1"))
    yard.git(yard.root, "config", "core.attributesFile", str(yard.root.parent / "attributes"))
    (yard.root.parent / "attributes").write_text("shared merge=union\n")
    past(yard, by_hand(yard, "b5"))


def prove(yard: Yard, *plans: str) -> None:
    for plan in plans:
        code, said = yard.run("conductor-git", "validate", plan, "--commit", "main")
        assert code == 0, said


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (clean, []),
        (evil, ["CG504", "CG505"]),
        (nothing_of_it, ["CG504", "CG505"]),
        (other_rules, ["CG507"]),
        (octopus, ["CG504", "CG504"]),
        (proven_octopus, []),
        (unproven, ["CG503"]),
        (unclaimed, ["CG503"]),
        (forwarded, ["CG502"]),
        (united, []),
        (united_by_nobody, ["CG504", "CG505"]),
    ],
)
def test_reader_and_audit_say_the_same_of(yard: Yard, made: Callable[[Yard], None], expected: list[str]) -> None:
    made(yard)
    assert sorted(read(yard)) == expected
    # Of a claim that is not proven the audit speaks by itself, too.
    of_steps = [code for code in audited(yard) if code != "CG201"]
    assert sorted(of_steps) == expected
