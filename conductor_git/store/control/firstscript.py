"""The first validation of a repository that has a policy already."""

from __future__ import annotations

import msgspec

from conductor_git.core.planning.firstfiles import SCRIPT, first_script, script_path, with_default
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.planning.policyfile import parse_policy
from conductor_git.core.targets import Oid
from conductor_git.store.control.commits import commit_files
from conductor_git.store.control.control import Control
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository


def is_first_script(repo: Repository, known: Control, command: str) -> bool:
    """Whether the first script is there, and runs this very command."""
    ((path, wanted),) = first_script(known.policy, command).items()
    return [read.body for read in read_objects(repo, [f"{known.oid}:{path}"])] == [wanted]


def commit_first_script(repo: Repository, known: Control, command: str) -> Oid | None:
    """Commit the first script to a control branch whose policy names none; None where that is not so simple.

    Raises CannotRun where the working tree has other content at one of the paths.
    """
    policy = known.policy
    if policy.validation.default or SCRIPT in known.scripts.files or not known.ref.startswith(HEADS):
        return None
    (there,) = read_objects(repo, [f"{known.oid}:{POLICY_PATH}"])
    named = with_default(there.body.decode("utf-8")).encode("utf-8")
    wanted = msgspec.structs.replace(policy, validation=msgspec.structs.replace(policy.validation, default=SCRIPT))
    if parse_policy(named) != wanted:
        return None
    files = {POLICY_PATH: named, **first_script(policy, command)}
    message = "conductor: prove the work by a script\n\nPlans that name none of their own are proven by it."
    return commit_files(repo, known.ref, files, message, executable=(script_path(policy),))
