"""One run for a batch: it is not told for whom it is, so its result counts for every plan that asks the same."""

from __future__ import annotations

from conductor_git.core.targets import Target
from conductor_git.store.plumbing.repository import discover
from tests.landings import PLANS, Yard, prove

BLIND = '#!/bin/sh\necho ran >>"$COUNT_RUNS"\n[ ! -e f3 ] || [ ! -e f2 ] || exit 1\n'


def blind(yard: Yard, script: str = BLIND) -> None:
    """Validations do not look at whose they are; what was proven before is proven again."""
    yard.commit(".conductor/scripts/verify.sh", script)
    for plan in PLANS:
        prove(discover(str(yard.root)), Target(plan, 0), f"b{plan}")
        prove(discover(str(yard.root)), Target(plan), f"b{plan}")


def test_one_run_proves_a_batch_for_each_of_its_plans(yard: Yard) -> None:
    blind(yard)
    assert yard.fates("1", "2", "4") == {"1": "landed", "2": "landed", "4": "landed"}
    assert yard.ran() == "ran"
    assert yard.alarms() == []


def test_a_batch_that_is_red_for_one_is_red_for_each_and_halved(yard: Yard) -> None:
    blind(yard)
    assert yard.fates("1", "2", "3") == {"1": "landed", "2": "landed", "3": "together"}


def test_what_is_tested_may_tell_plans_apart_too(yard: Yard) -> None:
    blind(yard)
    yard.commit("check.sh", 'test "$CONDUCTOR_PLAN" != 9\n')
    assert yard.fates("1", "2") == {"1": "landed", "2": "landed"}
    assert yard.ran() == "ran ran"


def test_a_shared_run_is_told_nothing_that_a_script_could_find_by_other_ways(yard: Yard) -> None:
    blind(yard, '#!/bin/sh\nenv | grep -c "^CONDUCTOR_[PW]" >>"$COUNT_RUNS"\n:\n')
    assert yard.fates("1", "2") == {"1": "landed", "2": "landed"}
    assert yard.fates("3") == {"3": "landed"}
    assert yard.ran() == "0 2"
