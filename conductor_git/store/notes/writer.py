"""Who we are in the ledger, and which plan this worktree is about."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.executors import ExecutorBranch, read_executor
from conductor_git.core.planning.plan import Plan
from conductor_git.core.standing import CONDUCTOR
from conductor_git.core.targets import is_plan_id
from conductor_git.store.plumbing.repository import Repository

if TYPE_CHECKING:
    from conductor_git.core.events.event import Event

Role = Literal["conductor", "orchestrator", "executor", "runner", "user"]

WRITER_KEY = "conductor.writer"

_LEGAL = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HOME = "conductor-worktree"
_CI_BRANCH = (
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_COMMIT_REF_NAME",
    "BITBUCKET_BRANCH",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
    "DRONE_SOURCE_BRANCH",
    "CHANGE_BRANCH",
)


class Writer(msgspec.Struct, frozen=True):
    """A name in the ledger, why it is this one, and what it may do. Orchestrators are told by the plans' agents."""

    name: str
    why: str
    role: Role


def is_writer(name: str) -> bool:
    """Whether the name can be a writer's: `[a-z0-9][a-z0-9_-]*`."""
    return _LEGAL.fullmatch(name) is not None


def legal_writer(name: str) -> str:
    """The nearest legal spelling; empty where nothing of the name is left."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")


def check_writer(name: str, where: str) -> str:
    """The name itself. Raises CannotRun, with the nearest legal one, when it cannot be a writer's."""
    if is_writer(name):
        return name
    near = legal_writer(name)
    raise CannotRun(
        f"{where} '{name}' is no writer's name: small letters, digits, '-' and '_'",
        detail=f"the nearest is '{near}'" if near else "",
    )


def whoami(repo: Repository, plans: Iterable[Plan] = (), *, environ: Mapping[str, str] | None = None) -> Writer:
    """Who this process is: CONDUCTOR_WRITER, worktree configuration, the branch's plan, `init`, or the clone.

    Raises CannotRun when a name that was given cannot be a writer's.
    """
    plans = tuple(plans)
    name, why = _named(repo, plans, os.environ if environ is None else environ) or _unnamed(repo)
    return Writer(name, why, _role(name, plans))


def branch_plan(repo: Repository, plans: Iterable[Plan], *, environ: Mapping[str, str] | None = None) -> str | None:
    """The default plan: the checked-out branch's, else CONDUCTOR_PLAN, else that of the CI's head branch.

    Raises CannotRun when CONDUCTOR_PLAN is no plan's id.
    """
    environ = os.environ if environ is None else environ
    plans = tuple(plans)
    of_branch = {plan.branch: plan.plan for plan in plans if plan.branch}
    here = checked_out(repo)
    if here in of_branch:
        return of_branch[here]
    executor = read_executor(here, plans)
    if executor is not None:
        return executor.target.plan
    given = environ.get("CONDUCTOR_PLAN", "")
    if given:
        if not is_plan_id(given):
            raise CannotRun(f"CONDUCTOR_PLAN '{given}' is no plan", hint="conductor-git plan list")
        return given
    return next((of_branch[name] for key in _CI_BRANCH if (name := environ.get(key, "")) in of_branch), None)


def executor_here(repo: Repository, plans: Iterable[Plan]) -> ExecutorBranch | None:
    """Whose part of which wave the checked-out branch is; None where it is no executor's."""
    return read_executor(checked_out(repo), plans)


def checked_out(repo: Repository) -> str | None:
    """The short name of the branch that is checked out here, or being rebased here; None when detached."""
    head = _read(repo.git_dir, "HEAD")
    if head == "ref: refs/heads/.invalid":
        # What reftable writes for programs that read HEAD as a file.
        head = f"ref: {repo.head_ref() or ''}"
    for line in (head.removeprefix("ref: "), *_rebasing(repo)):
        if line.startswith("refs/heads/"):
            return line.removeprefix("refs/heads/")
    return None


def record_conductor(repo: Repository) -> bool:
    """Make this worktree the conductor's, unless another one that still exists is; False where nothing changed."""
    if _home(repo) is not None:
        return False
    path = os.path.join(repo.private, _HOME)
    draft = f"{path}.{os.getpid()}"
    os.makedirs(repo.private, exist_ok=True)
    with open(draft, "w", encoding="utf-8", errors="surrogateescape") as file:
        # Relative: a moved or copied repository keeps its conductor.
        file.write(os.path.relpath(repo.git_dir, repo.common_dir) + "\n")
    os.replace(draft, path)
    return True


def given_name(repo: Repository, *, environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The name that this process or worktree was given, and by what; whose branch is checked out does not count.

    Raises CannotRun when it cannot be a writer's.
    """
    given = (os.environ if environ is None else environ).get("CONDUCTOR_WRITER", "")
    if given:
        return check_writer(given, "CONDUCTOR_WRITER"), "CONDUCTOR_WRITER says so"
    configured = _configured(repo)
    if configured:
        return check_writer(configured, WRITER_KEY), f"{WRITER_KEY} in this worktree's configuration"
    return None


def speaker(repo: Repository, events: Iterable[Event]) -> str:
    """The name that was given, where it matters who speaks: some plan was taken over by these events. Else empty.

    Raises CannotRun as `given_name`.
    """
    taken_over = any(event.kind == "delegation" and "supersedes" in event.data for event in events)
    named = given_name(repo) if taken_over else None
    return named[0] if named else ""


def _named(repo: Repository, plans: tuple[Plan, ...], environ: Mapping[str, str]) -> tuple[str, str] | None:
    given = given_name(repo, environ=environ)
    if given is not None:
        return given
    branch = checked_out(repo)
    plan = next((plan for plan in plans if branch is not None and plan.branch == branch), None)
    if plan is not None and is_writer(plan.agent):
        return plan.agent, f"agent of plan {plan.plan}, whose branch '{branch}' is checked out"
    part = read_executor(branch, plans)
    if part is not None:
        return part.name, f"branch '{branch}', where that one carries out {part.target}, is checked out"
    return None


def _unnamed(repo: Repository) -> tuple[str, str]:
    if _home(repo) == os.path.realpath(repo.git_dir):
        return CONDUCTOR, "conductor-git init ran in this worktree"
    from conductor_git.store.notes.clone import clone_id

    return f"user-{clone_id(repo)}", "nobody is named here; the name is this clone's"


def _configured(repo: Repository) -> str | None:
    # Only the worktree's own file: the shared one would name every agent of the repository alike. git is not asked
    # where that file does not exist, which is nearly always.
    path = os.path.join(repo.git_dir, "config.worktree")
    if not os.path.exists(path):
        return None
    found = repo.git("config", "--show-scope", "-z", "--get-all", WRITER_KEY, ok=(0, 1)).fields()
    values = [value for scope, value in zip(found[::2], found[1::2], strict=False) if scope == "worktree"]
    return values[-1] if values else None


def _home(repo: Repository) -> str | None:
    path = _read(repo.private, _HOME)
    folder = os.path.realpath(os.path.join(repo.common_dir, path))
    return folder if path and os.path.isdir(folder) else None


def _rebasing(repo: Repository) -> list[str]:
    return [_read(repo.git_dir, folder, "head-name") for folder in ("rebase-merge", "rebase-apply")]


def _read(*path: str) -> str:
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def _role(name: str, plans: tuple[Plan, ...]) -> Role:
    if name == CONDUCTOR:
        return "conductor"
    for prefix, role in _ROLES:
        if name.startswith(prefix):
            return role
    return "orchestrator" if any(plan.agent == name for plan in plans) else "executor"


_ROLES: tuple[tuple[str, Role], ...] = (("runner-", "runner"), ("user-", "user"))
