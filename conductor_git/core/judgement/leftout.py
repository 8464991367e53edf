"""Work that an agent believes to claim and that lies beside what would be committed."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_git.core.findings import Finding
from conductor_git.core.judgement.boundaries import Staged, judge_staged
from conductor_git.core.judgement.claims import Claims
from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.planning.globs import pathspec
from conductor_git.core.planning.plan import Plan
from conductor_git.core.targets import Oid, Target

_NAMED = 3


def judge_left_out(target: Target, product: Oid, unstaged: Sequence[str], snapshot: Snapshot) -> Finding | None:
    """The finding for a wave with the content that its plan had already, while files of the plan are changed and not
    staged: after a refused `git commit -a` nothing is. A wave that changes nothing, with nothing beside it, is fine."""
    plan = snapshot.plan(target.plan)
    if plan is None or target.wave is None:
        return None
    own = _own(unstaged, plan, snapshot)
    if not own or not _had_before(target, product, snapshot):
        return None
    named = ", ".join(f"'{path}'" for path in own[:_NAMED]) + (f" and {len(own) - _NAMED} more" if own[_NAMED:] else "")
    text = (
        f"wave {target} would hold none of the work: {named} {'is' if len(own) == 1 else 'are'} changed and not staged"
    )
    hint = f"git add -- {' '.join(map(pathspec, own[:_NAMED]))} && conductor-git claim {target}"
    return Finding("CG109", "error", str(target), text, hint if len(own) <= _NAMED else "git add -u :/    # then claim")


def _own(paths: Sequence[str], plan: Plan, snapshot: Snapshot) -> list[str]:
    """Those that the plan may change."""
    staged = Staged(tuple(paths), plan.branch, plan.agent)
    foreign = {finding.subject for finding in judge_staged(staged, snapshot.policy, snapshot.plans)}
    return [path for path in paths if path not in foreign]


def _had_before(target: Target, product: Oid, snapshot: Snapshot) -> bool:
    """Whether a claim or the start of the plan has this content."""
    claims, history = Claims(snapshot.history, snapshot.plans), snapshot.history
    said = [said.commit for about, listed in claims.by_target.items() if about.plan == target.plan for said in listed]
    said += [oid for oid, plan in claims.starts.items() if plan == target.plan]
    return any(history.product(oid) == product for oid in said)
