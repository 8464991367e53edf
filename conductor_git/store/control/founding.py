"""Founding: the first policy of a repository, committed or only written; nobody else's change goes along.

A control branch of its own begins without parents. Its tree is the control folder alone, so that no merge can take it
for work, its history is that of the rules, and a job of a forge fetches it whole at depth 1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.firstfiles import SCRIPT, first_files
from conductor_git.core.planning.policy import POLICY_PATH, Policy, ValidationPolicy
from conductor_git.core.planning.policyfile import BrokenPolicy, parse_policy
from conductor_git.core.planning.refnames import branch_problem
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import commit_files
from conductor_git.store.control.mainline import Mainline
from conductor_git.store.files.textfiles import write_text
from conductor_git.store.notes.writer import record_conductor
from conductor_git.store.plumbing.config import set_shared
from conductor_git.store.plumbing.identity import check_identity
from conductor_git.store.plumbing.repository import Repository

_FOLDER = os.path.dirname(POLICY_PATH)
_FOUND_WITHOUT_HELP = ("main", "master")


class Draft(msgspec.Struct, frozen=True):
    """The control tree that is about to be, and which of its files are programs."""

    policy: Policy
    files: dict[str, bytes]
    executable: tuple[str, ...]
    written: bool = False
    """Whether somebody put it into the working tree before."""


def draft(repo: Repository, mainline: Mainline, *, control: str, command: str) -> Draft:
    """What is in the working tree already, else a new policy with `command` as its first script.

    Raises CannotRun where the one in the working tree cannot be obeyed.
    """
    there = _written(repo)
    if there is not None:
        return there
    policy = Policy(
        repository=os.urandom(8).hex(),
        since=mainline.tip or "",
        integration=mainline.branch,
        control=control if control != mainline.branch else "",
        validation=ValidationPolicy(default=SCRIPT if command else ""),
    )
    files = first_files(policy, command)
    return Draft(policy, files, tuple(path for path in files if path.endswith(f"/{SCRIPT}")))


def check_founding(repo: Repository, mainline: Mainline, policy: Policy, *, commit: bool) -> None:
    """Raise CannotRun for everything that would stop it half-way; nothing was changed then."""
    if repo.head_ref() is None:
        raise CannotRun("HEAD is detached", detail="nothing was changed", hint=f"git switch {mainline.branch}")
    branch = policy.control or policy.integration
    if problem := branch_problem(branch):
        raise CannotRun(f"'{branch}' can be no branch: {problem}", detail="nothing was changed")
    if policy.control and repo.resolve(policy.control_ref) is not None:
        raise CannotRun(
            f"branch '{policy.control}' exists and has no policy",
            detail="the control branch begins with a history of its own; nothing was changed",
        )
    if commit:
        check_identity(repo)
    elif repo.worktree is None or repo.head_ref() != policy.control_ref:
        raise CannotRun(
            f"the policy belongs on branch '{branch}', which is not checked out here",
            detail="nothing was changed",
            hint="conductor-git init    # commits it there",
        )


def commit_draft(repo: Repository, made: Draft, mainline: Mainline, more: Mapping[str, bytes]) -> Oid:
    """Commit the control tree, and `more` files where control is on the branch that is checked out here."""
    policy = made.policy
    # Before the policy is there: whoever is killed in between and tries again is still the conductor.
    record_conductor(repo)
    if not mainline.local and not policy.control:
        repo.git("branch", "--track", "--end-of-options", mainline.branch, f"origin/{mainline.branch}", writes=True)
    oid = commit_files(
        repo,
        policy.control_ref,
        {**made.files, **more},
        "conductor: coordinate the work on this repository\n\n"
        "Policy, plans and validation scripts stand under .conductor/ and are read\n"
        "from this branch.",
        executable=made.executable,
    )
    if (policy.control or policy.integration) not in _FOUND_WITHOUT_HELP:
        set_shared(repo, "conductor.control", policy.control or policy.integration)
    return oid


def write_draft(repo: Repository, made: Draft) -> None:
    """Put the control tree into the working tree only."""
    record_conductor(repo)
    for path, content in made.files.items():
        full = os.path.join(repo.worktree or "", path)
        write_text(full, content.decode("utf-8", "surrogateescape"))
        if path in made.executable:
            mode = os.stat(full).st_mode
            os.chmod(full, mode | (mode & 0o444) >> 2)


def _written(repo: Repository) -> Draft | None:
    """The control tree of the working tree, where it has a policy."""
    root = repo.worktree
    if root is None or not os.path.isfile(os.path.join(root, POLICY_PATH)):
        return None
    files, executable = {}, []
    for folder, _, names in os.walk(os.path.join(root, _FOLDER)):
        for name in sorted(names):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, root).replace(os.sep, "/")
            with open(full, "rb") as file:
                files[path] = file.read()
            if os.access(full, os.X_OK):
                executable.append(path)
    policy = parse_policy(files[POLICY_PATH])
    if isinstance(policy, BrokenPolicy):
        raise CannotRun(f"the policy in the working tree cannot be obeyed: {policy.errors[0]}")
    return Draft(policy, files, tuple(executable), written=True)
