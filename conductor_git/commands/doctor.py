"""`doctor`: does every door answer in every worktree, and what else is missing in this clone?"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.judgement.levels import Footing, judge_level, judge_signers
from conductor_git.core.standing import Basis, say_bases, say_level
from conductor_git.store.boards import read_board
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.hookfiles.health import git_version, judge_config, judge_locks, judge_version, old_locks
from conductor_git.store.hookfiles.hookfolders import working_trees
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.hookfiles.standing import Standing, look_at_doors
from conductor_git.store.landing.moving import judge_journal
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.refspecs import ensure_refspecs, missing_refspecs
from conductor_git.store.notes.signing import check_signing, signing_for
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.refs import read_refs
from conductor_git.store.plumbing.repository import Repository, discover

_FIX = "conductor-git doctor --fix"


def doctor(repo: Repository, *, fix: bool) -> Outcome:
    """Fire every door in every worktree and look at what it stands on; `fix` first mends what is safe to mend.

    Raises CannotRun where there is no policy.
    """
    control = read_control(repo)
    fixed, unfixed = _fix(repo, control) if fix else ([], [])
    version, numbers = git_version()
    footing = judge_level(control.policy, control.signers, read_refs(repo).hub(control.policy.integration_ref))
    standing = look_at_doors(repo)
    bases = _bases(repo)
    locks = old_locks(repo)
    writers, nameless = _writers(repo, control)
    unfetched = missing_refspecs(repo)
    findings = [
        *(_finding(door, after_fix=fix) for door in standing if door.state != "stands"),
        *(finding for finding in unfixed if finding.severity == "error"),
        *(_unfetched(remote) for remote in unfetched),
        *nameless,
        *control.findings,
        *judge_signers(control.policy.trust, control.signers),
        *judge_version(version, numbers),
        *judge_config(repo),
        *judge_locks(locks),
        *_journal(repo),
    ]
    data = {
        "schema": 1,
        "git": version,
        "level": footing.level,
        "level_why": footing.why,
        "level_stops": footing.stops,
        "bases": bases,
        "clone": clone_id(repo),
        "doors": standing,
        "writers": writers,
        "ledger_not_fetched_from": unfetched,
        "locks": locks,
        "fixed": fixed,
        "findings": findings,
    }
    believed = [f"  complete: {say_bases(bases)}"] if bases else []
    text = "\n".join([*fixed, *_summary(standing, writers, version), *_level(footing), *believed])
    return Outcome(REFUSED if findings else DONE, text, msgspec.to_builtins(data), tuple(findings))


def _fix(repo: Repository, control: Control) -> tuple[list[str], list[Finding]]:
    installed = install_doors(repo, control)
    fetched = [f"'git fetch {remote}' brings the ledger now" for remote in ensure_refspecs(repo)]
    changed = [f"to be committed: '{path}'" for path in installed.changed]
    return [*installed.done, *changed, *fetched], list(installed.findings)


def _writers(repo: Repository, control: Control) -> tuple[list[dict[str, Any]], list[Finding]]:
    writers, findings = [], []
    for tree in working_trees(repo):
        try:
            writer = whoami(discover(tree), control.plans)
        except CannotRun as error:
            findings.append(Finding("CG711", "error", tree, f"{error.what}, in '{tree}'", "conductor-git whoami"))
        else:
            writers.append({"worktree": tree, "writer": writer.name, "why": writer.why})
            findings += _unable_to_sign(discover(tree), control, writer.name, tree)
    return writers, findings


def _unable_to_sign(repo: Repository, control: Control, writer: str, tree: str) -> list[Finding]:
    """What a validation of this writer would fail on, once it is there."""
    policy = control.policy
    try:
        signing = signing_for(repo, policy, writer, "attestation")
        check_signing(signing, policy, writer, control.signers, int(time.time()))
    except CannotRun as error:
        return [Finding("CG721", "warning", tree, f"{error.what}, in '{tree}'", error.hint, error.detail)]
    return []


def _journal(repo: Repository) -> list[Finding]:
    try:
        return judge_journal(repo, now=int(time.time()))
    except CannotRun as error:
        return [Finding("CG518", "error", "landing", error.what, error.hint, error.detail)]


def _unfetched(remote: str) -> Finding:
    text = f"'git fetch {remote}' does not bring the ledger: proofs that others push stay unknown here"
    return Finding("CG604", "warning", remote, text, _FIX)


def _finding(door: Standing, *, after_fix: bool) -> Finding:
    what = {
        "missing": "is missing",
        "not executable": "is not executable, so git passes it over",
        "outdated": "is from another version",
        "no interpreter": "has lost its interpreter",
        "not added": f"is missing: {door.by} runs the hooks, and its file has no entry of ours",
        "silent": "does not judge",
    }[door.state]
    where = f"'{door.path}'" + (f", by core.hooksPath in {door.scope} configuration" if door.scope else "")
    detail = f"{door.detail}; {where}" if door.detail else where
    # Another worktree's files are that worktree's to change and commit.
    hint = "conductor-git install    # in that worktree" if door.state == "not added" else _FIX
    if after_fix and door.state != "not added":
        # What could not be mended is said beside it, with what helps.
        hint = ""
    text = f"door '{door.door}' {what}, in '{door.worktree}'"
    return Finding("CG711", "error", f"{door.worktree}:{door.door}", text, hint, detail)


def _level(footing: Footing) -> list[str]:
    return [say_level(footing.level), f"  {footing.why}", f"  it {footing.stops}"]


def _bases(repo: Repository) -> dict[Basis, int] | None:
    """How many complete claims are believed on whose word; None where that cannot be told: others say why."""
    try:
        return read_board(repo, int(time.time())).bases()
    except CannotRun:
        return None


def _summary(standing: tuple[Standing, ...], writers: list[dict[str, Any]], version: str) -> list[str]:
    trees = {door.worktree for door in standing}
    well = sum(door.state == "stands" for door in standing)
    return [
        f"{well} of {len(standing)} doors answer, in {len(trees)} worktree{'' if len(trees) == 1 else 's'}",
        *(f"'{item['worktree']}' writes as {item['writer']}: {item['why']}" for item in writers),
        f"git {version}",
    ]
