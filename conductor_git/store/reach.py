"""Having all that the rules and their plans' branches are, whatever of a remote this clone was made of."""

from __future__ import annotations

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.delegation import read_delegation
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.notes.ledger_reader import read_ledger
from conductor_git.store.plumbing.remotes import Say
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.team.exchange import fetch_narrow

_USUAL = ("main", "master", "conductor", "develop", "trunk")


def read_all(repo: Repository, remote: str, *, say: Say, tick: Say = lambda _: None) -> Control:
    """The rules, with every plan's branch fetched that the remote has, also in a clone of one branch."""
    try:
        control = read_control(repo)
    except CannotRun:
        fetch_narrow(repo, remote, _USUAL, say=say, tick=tick)
        control = read_control(repo)
    policy = control.policy
    said = (read_delegation(event) for event in read_ledger(repo).events)
    names = [
        *(policy.integration, policy.control or policy.integration),
        *(plan.branch for plan in control.plans),
        *control.declared.values(),
        # Those that agents chose themselves.
        *(each.branch for each in said if each is not None),
    ]
    fetch_narrow(repo, remote, names, plans=control.plans, say=say, tick=tick)
    return control
