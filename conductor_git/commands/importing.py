"""`plan import`: make plans of documents that people wrote before."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.planning.documents import PlanDocument, Remark, read_document
from conductor_git.core.planning.imports import Known, Made, make_plan, plan_name
from conductor_git.core.planning.newplan import next_number
from conductor_git.core.planning.plan import BrokenPlan, Plan
from conductor_git.core.planning.plancheck import check_plans
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.plantext import render_plan
from conductor_git.core.say import printable
from conductor_git.store.control.drafts import Drafts, read_drafts, write_draft
from conductor_git.store.files.locks import hold
from conductor_git.store.plumbing.repository import Repository

SCHEMA = 1


class _Source(msgspec.Struct, frozen=True):
    """One plan of one file; `there` is the plan that it was imported as before."""

    file: str
    document: PlanDocument
    number: str
    there: Plan | None


def import_plans(repo: Repository, files: Sequence[str], *, dry_run: bool = False) -> Outcome:
    """Write a plan file for each plan of the documents, where there is none yet; nothing is overwritten.

    Raises CannotRun, with nothing written, where a file cannot be read or has no waves.
    """
    with hold(repo, "new-plan", doing="import plans"):
        drafts = read_drafts(repo)
        plans = (*drafts.plans, *(drafts.control.plans if drafts.control else ()))
        broken = (*drafts.broken, *(drafts.control.broken if drafts.control else ()))
        read = [(file, *read_document(_text(file), _stem(file))) for file in files]
        sources = _numbered([(file, found) for file, documents, _ in read for found in documents], plans, broken)
        made = _make(sources, drafts, plans)
        wrong = [finding for finding in _check(drafts, [each.plan for _, each in made]) if finding.refuses]
        if refused(wrong):
            return Outcome(
                REFUSED, _told(sources, made, {}), _data(sources, made, {}, []), tuple(wrong), "nothing was written"
            )
        if not dry_run:
            for _, each in made:
                write_draft(repo, each.plan.path, render_plan(each.plan))
    seen = {file: remarks for file, _, remarks in read}
    text = _told(sources, made, seen)
    written = [] if dry_run else [each.plan.path for _, each in made]
    return Outcome(DONE, f"{text}\n{_next(made, dry_run=dry_run)}", _data(sources, made, seen, written))


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as opened:
            return opened.read()
    except UnicodeDecodeError as error:
        raise CannotRun(f"'{file}' is not UTF-8", detail="nothing was written") from error
    except OSError as error:
        raise CannotRun(f"'{file}' cannot be read: {error.strerror}", detail="nothing was written") from error


def _stem(file: str) -> str:
    return os.path.splitext(os.path.basename(file))[0]


def _numbered(
    found: Sequence[tuple[str, PlanDocument]], plans: Sequence[Plan], broken: Sequence[BrokenPlan]
) -> list[_Source]:
    """Each document's plan with its number: its own, else the next free one; or the plan that it is already."""
    free = next_number(plans, broken)
    sources: list[_Source] = []
    for file, document in found:
        if not document.waves:
            raise CannotRun(
                f"'{file}' has no heading of a wave, as '## Wave 1: TITLE'",
                detail="nothing was written",
                hint=f"conductor-git plan new {_quoted(document.title)} --wave 'TITLE'",
            )
        name = plan_name(document)
        there = next((plan for plan in plans if _same(plan, name, document)), None)
        taken = {source.number for source in sources}
        if name in taken:
            raise CannotRun(f"plan {name} is in '{file}' and in another of these files", detail="nothing was written")
        while not name and not there and str(free) in taken:
            free += 1
        sources.append(_Source(file, document, there.plan if there else name or str(free), there))
    return sources


def _same(plan: Plan, name: str, document: PlanDocument) -> bool:
    if name:
        return plan.plan == name
    return plan.title.casefold() == document.title.casefold()


def _make(sources: Sequence[_Source], drafts: Drafts, plans: Sequence[Plan]) -> list[tuple[_Source, Made]]:
    waves = {plan.plan: {wave.number for wave in plan.waves} for plan in plans}
    waves |= {each.number: {wave.number for wave in each.document.waves} for each in sources if each.there is None}
    known = Known(drafts.policy, frozenset(drafts.scripts.files), waves)
    made = [(each, make_plan(each.document, each.number, known)) for each in sources if each.there is None]
    for source, each in made:
        read = parse_plan(render_plan(each.plan), each.plan.path)
        if isinstance(read, BrokenPlan):
            raise CannotRun(
                f"'{source.file}' cannot be made a plan: {read.errors[0].message}", detail="nothing was written"
            )
    return made


def _check(drafts: Drafts, made: Sequence[Plan]) -> list[Finding]:
    """What is wrong with the working tree's plans once these are among them, and was not before."""
    before = check_plans(drafts.plans, drafts.broken, policy=drafts.policy, scripts=drafts.scripts)
    after = check_plans((*drafts.plans, *made), drafts.broken, policy=drafts.policy, scripts=drafts.scripts)
    return [finding for finding in after if finding not in before]


def _told(sources: Sequence[_Source], made: Sequence[tuple[_Source, Made]], seen: dict[str, tuple[Remark, ...]]) -> str:
    lines = [
        f"{each.file}: plan {each.number} is there already, in '{each.there.path}': it was left as it is"
        for each in sources
        if each.there is not None
    ]
    for source, each in made:
        lines += [f"{source.file}:{remark.line}: {remark.said}" for remark in each.read]
        lines += [f"{source.file}:{remark.line}: could not read: {remark.said}" for remark in each.unread]
    files = {source.file for source, _ in made}
    lines += [
        f"{file}:{remark.line}: could not read: {remark.said}"
        for file, remarks in seen.items()
        for remark in remarks
        if file in files
    ]
    return printable("\n".join(lines))


def _next(made: Sequence[tuple[_Source, Made]], *, dry_run: bool) -> str:
    if not made:
        return "nothing to import"
    paths = ", ".join(f"'{each.plan.path}'" for _, each in made)
    if dry_run:
        return f"would write {paths}"
    return f"wrote {paths}\nnext: read them over, then conductor-git plan commit"


def _data(
    sources: Sequence[_Source],
    made: Sequence[tuple[_Source, Made]],
    seen: dict[str, tuple[Remark, ...]],
    written: Sequence[str],
) -> dict[str, object]:
    paths = {source.number: each.plan.path for source, each in made}
    plans = [
        {
            "plan": each.number,
            "file": each.file,
            "path": each.there.path if each.there else paths[each.number],
            "there": each.there is not None,
        }
        for each in sources
    ]
    read = [_remark(source.file, remark) for source, each in made for remark in each.read]
    unread = [_remark(source.file, remark) for source, each in made for remark in each.unread]
    unread += [_remark(file, remark) for file, remarks in seen.items() for remark in remarks]
    return {"schema": SCHEMA, "plans": plans, "read": read, "unread": unread, "written": list(written)}


def _remark(file: str, remark: Remark) -> dict[str, object]:
    return {"file": file, "line": remark.line, "said": remark.said}


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
