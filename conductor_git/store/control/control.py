"""Policy, plans and scripts, as the tip of the control branch has them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.signers import Signers
from conductor_git.core.findings import Finding
from conductor_git.core.planning.plan import BrokenPlan, Plan
from conductor_git.core.planning.plans import one_each
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.planning.rules import Scripts
from conductor_git.core.targets import Oid
from conductor_git.store.control import controltree
from conductor_git.store.control.joined import on_own_branches, read_joined
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import HEADS, REMOTES, Refs, read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.settings import Settings

_USUAL = ("main", "master")
_LAST_GUESSES = ("conductor", "develop", "trunk")
_REMOTE_BRANCHES = 200
"""So many are looked at for a policy where there is none."""


class NoPolicy(CannotRun):
    """There is no policy on any branch that could be the control branch."""


class Control(msgspec.Struct, frozen=True):
    """The rule book of one moment."""

    ref: str
    """The full name of the ref it was read from; empty where a commit was asked for."""
    oid: Oid
    """The commit."""
    policy: Policy
    plans: tuple[Plan, ...]
    broken: tuple[BrokenPlan, ...]
    scripts: Scripts
    findings: tuple[Finding, ...] = ()
    """What is wrong with where it was read from (control diverged)."""
    signers: Signers = Signers()
    """Who may sign what."""
    declared: dict[str, str] = {}
    """Plan -> the branch that its file names, for plans that this clone has joined, maybe under another one."""


class _Tip(msgspec.Struct, frozen=True):
    ref: str
    oid: Oid
    diverged: str = ""
    """The other ref, where each has what the other lacks."""


def read_control(
    repo: Repository,
    *,
    commit: Oid | None = None,
    refs: Refs | None = None,
    use_cache: bool = True,
    instead: Policy | None = None,
) -> Control:
    """Read the control tree at `commit`, else at the control branch, here or upstream where that contains it.

    `instead` is a policy to read plans and scripts by, for whoever mends one that cannot be obeyed. Costs one git
    process where nothing changed, and one more where `refs` is not given. Raises CannotRun where there is no policy,
    where it cannot be obeyed (BrokenRules), and where the control branch is not in this clone.
    """
    if commit is not None:
        found = _read(repo, _Tip("", commit), use_cache)
        if found is None:
            raise CannotRun(f"commit '{commit[:12]}' has no policy", detail=f"there is no '{POLICY_PATH}' in it")
        return found
    refs = read_refs(repo) if refs is None else refs
    seen = dict[str, _Tip]()
    settings = refs.told(repo)
    for branch in candidates(repo, settings):
        tip = None if branch in seen else _tip(repo, refs, branch)
        if tip is None:
            continue
        seen[branch] = tip
        found = _read(repo, tip, use_cache, instead)
        if found is not None:
            return found if found.policy.control_ref == HEADS + branch else _followed(repo, refs, found, use_cache)
    raise _lost(repo, refs) or _no_policy(repo, refs, seen, settings)


def check_writable(control: Control, policy: Policy) -> None:
    """Raise CannotRun unless a commit to the local control branch would be what everybody then reads."""
    if not control.ref.startswith(HEADS):
        raise CannotRun(
            f"the newest policy is '{control.ref}', and rules are committed to a branch of this clone",
            detail="nothing was changed",
            hint="git pull --ff-only    # on the control branch",
        )
    if control.findings:
        raise CannotRun(control.findings[0].message, detail="nothing was changed", hint=control.findings[0].hint)
    if policy.control_ref != control.ref:
        raise CannotRun(
            f"the policy here names '{policy.control_ref}', and rules are read from '{control.ref}'",
            detail="nothing was changed",
            hint=f"git diff {control.ref} -- {POLICY_PATH}",
        )


def _read(repo: Repository, tip: _Tip, use_cache: bool, instead: Policy | None = None) -> Control | None:
    tree = controltree.read_tree(repo, tip.oid, use_cache=use_cache, keep=bool(tip.ref), instead=instead)
    if tree is None:
        return None
    plans, broken = one_each(
        [parsed.plan for parsed in tree.plans.values() if parsed.plan],
        [parsed.broken for parsed in tree.plans.values() if parsed.broken],
    )
    joined = read_joined(repo) if tip.ref else {}
    declared = {plan.plan: plan.branch for plan in plans if plan.plan in joined}
    plans = on_own_branches(plans, joined) if joined else plans
    return Control(tip.ref, tip.oid, tree.policy, plans, broken, tree.scripts, _diverged(tip), tree.signers, declared)


def _followed(repo: Repository, refs: Refs, found: Control, use_cache: bool) -> Control:
    """The control branch that a policy on another branch names."""
    ref = found.policy.control_ref
    branch = ref.removeprefix(HEADS)
    tip = _tip(repo, refs, branch)
    if tip is None:
        raise _missing(repo, branch, f"the policy on '{found.ref}' names it")
    named = _read(repo, tip, use_cache)
    if named is None or named.policy.control_ref != ref:
        wrong = "has no policy" if named is None else f"names '{named.policy.control_ref}' instead"
        raise CannotRun(
            f"the control branch is not clear: the policy on '{found.ref}' names '{ref}', and that {wrong}",
            hint="git config conductor.control BRANCH    # the branch that policy and plans are read from",
        )
    return named


def _tip(repo: Repository, refs: Refs, branch: str) -> _Tip | None:
    """Where a branch stands: here, or upstream where that contains what is here."""
    local, above = HEADS + branch, _upstream(refs, branch)
    if local not in refs.oids:
        return _Tip(above, refs.oids[above]) if above else None
    here = refs.oids[local]
    there = refs.oids[above] if above else here
    if above == "" or here == there or _contains(repo, here, there):
        return _Tip(local, here)
    if _contains(repo, there, here):
        return _Tip(above, there)
    return _Tip(local, here, diverged=above)


def _upstream(refs: Refs, branch: str) -> str:
    """The tracking ref of a branch: as configured; for a branch that is not here that of origin, or the only one."""
    local = HEADS + branch
    if local in refs.oids:
        above = refs.upstream.get(local, "")
        return above if above in refs.oids else ""
    copies = refs.copies(branch)
    origin = f"{REMOTES}origin/{branch}"
    return origin if origin in copies else next(iter(copies)) if len(copies) == 1 else ""


def _contains(repo: Repository, newer: Oid, older: Oid) -> bool:
    return repo.git("merge-base", "--is-ancestor", older, newer, ok=(0, 1)).code == 0


def _diverged(tip: _Tip) -> tuple[Finding, ...]:
    if not tip.diverged:
        return ()
    branch, above = tip.ref.removeprefix(HEADS), tip.diverged.removeprefix(REMOTES)
    message = f"'{branch}' and '{above}' have each what the other lacks; rules are read from '{branch}'"
    import shlex

    hint = f"git merge {shlex.quote(above)}    # in the worktree of '{branch}'"
    return (Finding("CG709", "warning", tip.ref, message, hint),)


def candidates(repo: Repository, settings: Settings) -> Iterator[str]:
    """Branches that may be the control branch, most likely first; each is asked for only when those before had none."""
    if settings.control:
        yield settings.control
    yield from _USUAL
    default = repo.git("symbolic-ref", "--quiet", f"{REMOTES}origin/HEAD", ok=(0, 1, 128)).text()
    if default.startswith(f"{REMOTES}origin/"):
        yield default.removeprefix(f"{REMOTES}origin/")
    if settings.default_branch:
        yield settings.default_branch
    yield from _LAST_GUESSES


def _lost(repo: Repository, refs: Refs) -> CannotRun | None:
    """What to say where the branch that rules were read from before is gone, and no remote has it."""
    ref, commit = controltree.last_read(repo) or ("", Oid(""))
    if not ref or ref in refs.oids or repo.resolve(commit) is None or repo.git("remote").out:
        return None
    import shlex

    branch = ref.removeprefix(HEADS)
    return CannotRun(
        f"branch '{branch}' is not in this clone any more",
        detail=f"policy and plans are read from it; it was last seen at '{commit[:12]}'",
        hint=f"git branch {shlex.quote(branch)} {commit[:12]}",
    )


def founded_elsewhere(repo: Repository, refs: Refs) -> NoPolicy | None:
    """What to say where no branch that could be the control branch has a policy, and one that somebody pushed was
    begun under one: agents' branches come to a remote before the conductor has pushed his own."""
    names = {f"{oid}:{POLICY_PATH}": ref for ref, oid in refs.oids.items() if ref.startswith(REMOTES)}
    found = next((names[read.name] for read in read_objects(repo, sorted(names)[:_REMOTE_BRANCHES])), None)
    if found is None:
        return None
    import shlex

    remote, _, branch = found.removeprefix(REMOTES).partition("/")
    return NoPolicy(
        f"there is no policy here, and '{remote}/{branch}' was begun under one",
        detail=f"it is on a branch that whoever ran 'conductor-git init' has not pushed to '{remote}', or that is not "
        "merged; nothing was changed",
        hint=f"git fetch {shlex.quote(remote)}    # once the conductor has pushed the integration branch",
    )


def _no_policy(repo: Repository, refs: Refs, seen: dict[str, _Tip], settings: Settings) -> CannotRun:
    if seen:
        branches = ", ".join(f"'{branch}'" for branch in seen)
        none = NoPolicy(f"there is no policy on {branches}", hint="conductor-git init")
        return founded_elsewhere(repo, refs) or none
    if repo.git("remote").out:
        return _missing(repo, settings.control or "main", "policy and plans are read from it")
    return NoPolicy("there is no policy", hint="conductor-git init")


def _missing(repo: Repository, branch: str, why: str) -> CannotRun:
    remotes = repo.git("remote").lines()
    if not remotes:
        return CannotRun(f"branch '{branch}' is not in this clone", detail=why, hint="git branch --list")
    remote = "origin" if "origin" in remotes else remotes[0]
    depth = "--depth=1 " if repo.shallow else ""
    fetch = f"git fetch {depth}{remote} +{HEADS}{branch}:{REMOTES}{remote}/{branch}"
    return CannotRun(f"branch '{branch}' is not in this clone", detail=why, hint=fetch)
