"""`sync`: this clone and a remote know the same: fetch what others said and did, push what was said and done here."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.reporting.syncing import BranchSynced, Synced, synced_text
from conductor_git.store.control.control import read_control
from conductor_git.store.files.locks import hold
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.plumbing.refs import LEDGER, LEDGER_COPIES, REMOTES, Refs, read_refs
from conductor_git.store.plumbing.remotes import ATTEMPTS, fetch, pause, upstream_of
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import seen_by_us
from conductor_git.store.plumbing.sending import is_over
from conductor_git.store.reach import read_all
from conductor_git.store.snapshot import as_joined
from conductor_git.store.team.exchange import (
    Sent,
    Standing,
    compare,
    compare_shared,
    send_branches,
    send_ledger,
)
from conductor_git.store.team.worktrees import worktree_of

Say = Callable[[str], None]
_CODE = re.compile(r"\[(CG[0-9]+)\]$")
"""How a hub ends what it says of a rule."""


def sync(repo: Repository, remote: str = "", *, say: Say, tick: Say = lambda _: None) -> Outcome:
    """Fetch and push. Exit code 1 where the remote did not take everything, or a branch has diverged.

    Nothing is forced, integration is not pushed, and no local branch is moved. Raises CannotRun where there is no such
    remote, or it cannot be reached.
    """
    asked = time.time()
    name = _remote(repo, remote)
    for new in ensure_refspecs(repo):
        say(f"'git fetch {new}' brings the ledger now")
    with hold(repo, f"sync-{quote(name, safe='')}", doing=f"sync {name}", wait=600):
        synced = _exchange(repo, name, asked, say, tick)
    code = REFUSED if any(finding.refuses for finding in synced.findings) else DONE
    return Outcome(code, synced_text(synced), synced, synced.findings)


def _remote(repo: Repository, asked: str) -> str:
    known = repo.git("remote").lines()
    if asked and asked not in known:
        names = ", ".join(f"'{name}'" for name in known) or "none"
        raise CannotRun(f"there is no remote '{asked}'", detail=f"remotes: {names}", hint="git remote -v")
    if not known:
        raise CannotRun("there is no remote to sync with", hint="git remote add origin URL")
    if asked:
        return asked
    upstream = upstream_of(repo, _integration(repo)) if "origin" not in known or len(known) > 1 else None
    if upstream is not None:
        return upstream.remote
    if "origin" not in known and len(known) > 1:
        raise CannotRun("no remote is named, and integration follows none", hint=f"conductor-git sync {known[0]}")
    return "origin" if "origin" in known else known[0]


def _integration(repo: Repository) -> str:
    try:
        return read_control(repo).policy.integration
    except CannotRun:
        # A clone of one branch, that has fetched nothing yet.
        return "main"


def _exchange(repo: Repository, remote: str, asked: float, say: Say, tick: Say) -> Synced:
    """Fetch, push, and again while somebody else was quicker."""
    before, came, sent = read_refs(repo), set[str](), dict[str, None]()
    for attempt in range(ATTEMPTS):
        seen = seen_by_us(repo, remote)
        if attempt or seen is None or seen <= asked:
            # Of many that wait here for their turn, one fetches for all.
            fetch(repo, remote, say=say, tick=tick)
        control = read_all(repo, remote, say=say, tick=tick)
        refs = read_refs(repo)
        # A branch that its agent chose in another clone may have been brought on in this one.
        control = as_joined(repo, control, read_ledger(repo, refs=refs).events, refs)
        came |= _moved(before, refs, remote) - _copies(sent, remote)
        standings = compare(repo, remote, control.plans, refs, control.policy.integration)
        # The ledger first: what goes out is proven when it arrives.
        ledger = send_ledger(repo, remote, say=say, tick=tick)
        branches = send_branches(repo, remote, standings, say=say, tick=tick)
        sent |= dict.fromkeys((*ledger.refs, *branches.refs))
        refused = {**ledger.refused, **branches.refused}
        if not any(is_over(why) for why in refused.values()) or attempt == ATTEMPTS - 1:
            break
        pause(attempt)
    policy = control.policy
    shared = compare_shared(repo, remote, {policy.integration: 0, policy.control or policy.integration: 0}, refs)
    shown = tuple(_shown(each, branches) for each in (*shared, *standings))
    findings = (
        *_not_taken(remote, refused),
        *(_diverged(repo, remote, each) for each in shown if each.state == "diverged"),
    )
    return Synced(remote, tuple(sorted(came)), tuple(sent), shown, findings)


def _moved(before: Refs, after: Refs, remote: str) -> set[str]:
    ours = (f"{REMOTES}{remote}/", f"{LEDGER_COPIES}{remote}/")
    return {ref for ref, oid in after.oids.items() if ref.startswith(ours) and before.oids.get(ref) != oid}


def _copies(sent: Sequence[str] | dict[str, None], remote: str) -> set[str]:
    """Where git notes here that the remote has what was pushed."""
    return {
        f"{LEDGER_COPIES}{remote}/{ref.removeprefix(LEDGER)}"
        if ref.startswith(LEDGER)
        else f"{REMOTES}{remote}/{ref.removeprefix('refs/heads/')}"
        for ref in sent
    }


def _shown(standing: Standing, sent: Sent) -> BranchSynced:
    why = sent.refused.get(standing.ref, "")
    relation = standing.relation
    state = ("refused" if why else "sent") if relation == "ahead" and standing.plan else relation
    return BranchSynced(standing.plan, standing.branch, state, standing.ahead, standing.behind, why)


def _not_taken(remote: str, refused: dict[str, str]) -> list[Finding]:
    """One finding for each reason; what a hub refuses for the same rule is one."""
    by_reason: dict[str, list[str]] = {}
    for ref, why in refused.items():
        named = _CODE.search(why)
        by_reason.setdefault(named[1] if named else why, []).append(ref)
    found = []
    for reason, refs in by_reason.items():
        why = refused[refs[0]]
        what = f"'{refs[0]}'" + (f" and {len(refs) - 1} more" if len(refs) > 1 else "")
        text = f"{what} {'is' if len(refs) == 1 else 'are'} not on '{remote}': {why}"
        # A rule that the hub named is not met by asking again.
        hint = f"conductor-git sync {shlex.quote(remote)}" if reason == why else f"conductor-git explain {reason}"
        found.append(Finding("CG741", "error", refs[0], text, hint))
    return found


def _diverged(repo: Repository, remote: str, branch: BranchSynced) -> Finding:
    copy = f"{remote}/{branch.branch}"
    there = worktree_of(repo, f"refs/heads/{branch.branch}")
    merge = f"merge {shlex.quote(copy)}"
    hint = (
        f"git -C {shlex.quote(there.path)} {merge}"
        if there
        else f"git switch {shlex.quote(branch.branch)} && git {merge}"
    )
    text = f"'{branch.branch}' here has {branch.ahead} and '{copy}' has {branch.behind} commits that the other lacks"
    return Finding("CG710", "error", branch.plan, text, f"{hint}    # then conductor-git sync", "it was not pushed")
