"""Checkpoints: what an honest repository can have become, and what it cannot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from conductor_git.core.reporting.checkpoint import Checkpoint, LedgerMark, Mark, advanced, compare, read_checkpoint
from conductor_git.core.reporting.checkpoint import render_checkpoint as render
from conductor_git.core.reporting.vouchmark import VouchMark
from conductor_git.core.targets import Oid

A, B, C, EVIL = (Oid(letter * 40) for letter in "abcf")
ORDER = [A, B, C]
"""Each is an ancestor of those behind it; EVIL is of nobody."""


def contains(newer: Oid, older: Oid) -> bool:
    return newer == older or (newer in ORDER and older in ORDER and ORDER.index(older) <= ORDER.index(newer))


def at(tip: Oid, since: str = "") -> Checkpoint:
    main, rules = Mark("refs/heads/main", tip), Mark("refs/heads/rules", tip)
    return Checkpoint(1, "id", since, rules, main, {"agent.1": LedgerMark(tip, 3)})


@pytest.mark.parametrize(
    ("before", "now", "codes"),
    [
        (at(A), at(A), []),
        (at(A), at(B), []),
        (at(B), at(A), ["CG611", "CG508", "CG732"]),
        (at(B), at(EVIL), ["CG611", "CG508", "CG732"]),
        (at(B), msgspec.structs.replace(at(B), ledgers={}), ["CG611"]),
        (at(B), msgspec.structs.replace(at(B), integration=None), ["CG508"]),
        (at(C, since=A), at(C, since=B), ["CG733"]),
        (at(C), at(C, since=B), ["CG733"]),
        (at(C, since=B), at(C, since=A), []),
        (at(C, since=B), at(C), []),
    ],
)
def test_what_went_back_is_found_and_stays_until_it_is_mended(
    before: Checkpoint, now: Checkpoint, codes: list[str]
) -> None:
    assert [found.code for found in compare(before, now, contains, ())] == codes
    after = advanced(before, now, contains, ())
    assert [found.code for found in compare(after, now, contains, ())] == codes
    assert after == (before if codes else now)


SIGNED = VouchMark("runner", True, A, ("SHA256:one",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"conductors": ()}, []),
        ({"since": ""}, []),
        ({"attestations": "agent"}, ["only agents'"]),
        ({"attestations": "none"}, ["nobody's"]),
        ({"conductor": False}, ["now it need not be"]),
        ({"since": B}, [f"only after '{B[:12]}'"]),
        ({"since": EVIL}, [f"only after '{EVIL[:12]}'"]),
        ({"conductors": ("SHA256:one", "SHA256:two")}, ["key SHA256:two may sign as the conductor"]),
        ({"attestations": "none", "conductor": False, "conductors": ("SHA256:two",)}, ["nobody's", "need not", "two"]),
    ],
)
def test_signatures_that_count_for_less_are_found_whoever_accepts_it(changes: dict[str, Any], said: list[str]) -> None:
    before = msgspec.structs.replace(at(A), signed=SIGNED)
    now = msgspec.structs.replace(at(B), signed=msgspec.structs.replace(SIGNED, **changes))
    for found in (
        compare(before, now, contains, [A, B]),
        compare(advanced(before, now, contains, ()), now, contains, ()),
    ):
        assert [each.code for each in found] == ["CG734"] * len(said)
        assert [part for part, each in zip(said, found, strict=True) if part not in each.message] == []
    assert advanced(before, now, contains, ()).signed == (before.signed if said else now.signed)
    # More is no less, nor is what nobody wrote down.
    assert advanced(now, before, contains, ()).signed is not None
    assert compare(at(A), now, contains, ()) == []
    assert compare(msgspec.structs.replace(before, signed=VouchMark("none", False, "", ())), now, contains, ()) == []


def test_what_the_conductor_accepted_moves_on() -> None:
    before, now = at(B), at(EVIL)
    assert [found.code for found in compare(before, now, contains, [B])] == ["CG611"]
    assert advanced(before, now, contains, [B]).integration == now.integration


def test_what_is_written_is_read_back() -> None:
    assert read_checkpoint(render(at(A)), "file") == at(A)
