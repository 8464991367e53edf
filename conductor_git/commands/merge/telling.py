"""How a landing ends: what landed, what did not, and whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from conductor_git.commands.merge.line import NotYet
from conductor_git.commands.outcome import CANNOT_RUN, DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.landing.account import findings_of, named, table
from conductor_git.core.landing.admission import Admission
from conductor_git.core.landing.entry import Fate
from conductor_git.core.landing.queue import (
    Queue,
    begin,
)
from conductor_git.core.reporting.board import Board
from conductor_git.core.reporting.fold import fold
from conductor_git.core.targets import INTEGRATION, Oid
from conductor_git.store.landing.journal import read_journal
from conductor_git.store.landing.results import Obstacle, Results
from conductor_git.store.past.touching import touched_by
from conductor_git.store.plumbing.merges import merger
from conductor_git.store.plumbing.repository import Repository

SCHEMA = 1


def foresee(repo: Repository, snapshot: Snapshot, board: Board, admission: Admission) -> Outcome:
    """What would be tried, without trying: nothing is run and nothing moves."""
    lines, findings = [], [finding for _, found in admission.refused for finding in found]
    base = repo.resolve(snapshot.policy.integration_ref)
    queue = begin(admission.entries)
    fates: list[Fate] = []
    if base is not None and queue.entries:
        with merger(repo) as tool:
            results = Results(repo, tool, base)
            left = list(queue.entries)
            while left:
                found = results.build(left)
                if not isinstance(found, Obstacle):
                    break
                gone = next(entry for entry in left if entry.name == found.name)
                left.remove(gone)
                fates.append(Fate(gone, "conflict", paths=found.paths))
        lines += [f"would land, each tried on '{board.integration}' at {base[:7]}: {named(left)}"] if left else []
    for fate in fates:
        touched = touched_by(repo, snapshot, base, fate.entry.source, fate.paths) if base else {}
        findings += findings_of(fate, board, touched)
    if read_journal(repo) is not None:
        lines.insert(0, "a landing was cut short; the next one brings it to its end")
    if not lines and not findings:
        lines.append(_nothing(admission, board))
    data = values(tuple(fates), tuple(findings), board, {})
    data["would_land"] = [entry.name for entry in queue.entries if entry.name not in {f.entry.name for f in fates}]
    return Outcome(REFUSED if findings else DONE, "\n".join(lines), data, tuple(findings), "nothing was landed")


def not_yet(stopped: NotYet, names: Sequence[str], board: Board) -> Outcome:
    """The end when patience was shorter than a validation: what has its fate, and how to go on."""
    again = " ".join(["conductor-git merge", *names])
    lines = [
        table(stopped.queue.fates, board.integration),
        f"not yet: a validation has run for {stopped.run.seconds} s and goes on",
        f"hint: {again}    # attaches to it again, and goes on from there",
        f"log: {stopped.run.log}",
    ]
    data = values(stopped.queue.fates, (), board, {})
    return Outcome(NOT_YET, "\n".join(line for line in lines if line), {**data, "log": stopped.run.log})


def account(repo: Repository, snapshot: Snapshot, queue: Queue, admission: Admission, now: int) -> Outcome:
    """The end: a line an entry, and for each that did not land why, and who is next."""
    board = fold(snapshot, now)
    # The board cannot know that they were tried just now: whose turn it is, the findings say.
    tried = {f"conductor-git merge {fate.entry.name}" for fate in queue.fates if not fate.landed}
    board = msgspec.structs.replace(board, next=tuple(step for step in board.next if step.command not in tried))
    fates = tuple(fate for entry in queue.entries if (fate := queue.fate(entry.name)) is not None)
    findings = [finding for _, found in admission.refused for finding in found]
    base = repo.resolve(snapshot.policy.integration_ref)
    touched: dict[str, dict[str, tuple[Oid, str]]] = {}
    for fate in fates:
        if fate.how == "conflict" and base is not None:
            touched[fate.entry.name] = touched_by(repo, snapshot, base, fate.entry.source, fate.paths)
        findings += findings_of(fate, board, touched.get(fate.entry.name, {}))
    landed = [fate for fate in fates if fate.landed]
    lines = [table(fates, board.integration)] if fates else []
    lines += [f"  {name}: on '{board.integration}' already" for name in admission.landed]
    if not fates and not admission.landed:
        lines.append(_nothing(admission, board))
    if landed:
        lines.append(f"'{board.integration}' is at {base[:7] if base else '?'}")
    lines += [f"next: {step.step}: {step.command}" for step in board.next[:1] if step.command and landed]
    code = REFUSED if findings else DONE
    if findings and all(fate.how == "unjudged" for fate in fates if not fate.landed) and not admission.refused:
        code = CANNOT_RUN
    data = values(fates, tuple(findings), board, touched)
    return Outcome(code, "\n".join(lines), {**data, "tip": base}, tuple(findings))


def _nothing(admission: Admission, board: Board) -> str:
    if admission.refused:
        return "nothing landed"
    return f"nothing is ready to land on '{board.integration}'"


def values(
    fates: Sequence[Fate],
    findings: Sequence[Finding],
    board: Board,
    touched: dict[str, dict[str, tuple[Oid, str]]],
) -> dict[str, Any]:
    """For `--json` (docs/FORMAT.md, "The landing")."""
    return {
        "schema": SCHEMA,
        "integration": board.integration,
        "fates": [
            {
                "name": fate.entry.name,
                "plan": None if fate.entry.target == INTEGRATION else fate.entry.target.plan,
                "wave": fate.entry.target.wave,
                "claim": fate.entry.source,
                "fate": fate.how,
                "commit": fate.commit,
                "with": fate.partners,
                "conflicts": [
                    {"path": path, "step": step[0] if step else None, "by": step[1] if step else None}
                    for path in fate.paths
                    for step in (touched.get(fate.entry.name, {}).get(path),)
                ],
                "why": fate.why,
                "log": fate.log or None,
                "flaky": fate.flaky,
            }
            for fate in fates
        ],
        "findings": list(findings),
        "next": board.next,
    }
