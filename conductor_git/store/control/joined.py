"""Plans that agents work on under a branch of their own choice, as this clone knows them since `join`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.planning.plan import Plan
from conductor_git.store.plumbing.repository import Repository


def read_joined(repo: Repository) -> dict[str, str]:
    """Plan -> the branch (short name) that this clone joined it with."""
    try:
        with open(joined_file(repo), "rb") as file:
            return msgspec.json.decode(file.read(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def record_joined(repo: Repository, plan: str, branch: str) -> None:
    """Note that this clone works on a plan under that branch."""
    path = joined_file(repo)
    draft = f"{path}.{os.getpid()}"
    os.makedirs(repo.private, exist_ok=True)
    with open(draft, "wb") as file:
        file.write(msgspec.json.encode({**read_joined(repo), plan: branch}) + b"\n")
    os.replace(draft, path)


def joined_file(repo: Repository) -> str:
    """Where that is noted."""
    return os.path.join(repo.private, "joined")


def on_own_branches(plans: Iterable[Plan], branches: Mapping[str, str]) -> tuple[Plan, ...]:
    """The plans, each with the branch that its agent chose where there is one."""
    plans = tuple(plans)
    taken = {plan.branch for plan in plans}
    return tuple(
        msgspec.structs.replace(plan, branch=branch)
        if (branch := branches.get(plan.plan)) and branch not in taken
        else plan
        for plan in plans
    )
