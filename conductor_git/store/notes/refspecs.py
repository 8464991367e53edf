"""Which remotes the ledger is fetched from, and whether each is a hub: by refspecs into namespaces of their own, and
never one for pushing.

Fetched onto our own refs, `fetch --prune` would delete what is not pushed yet; with a push refspec, plain `git push`
would no longer push the branch.
"""

from __future__ import annotations

import re

from conductor_git.store.plumbing.config import add_shared, remove_shared
from conductor_git.store.plumbing.refs import HUB_COPIES, LEDGER, LEDGER_COPIES
from conductor_git.store.plumbing.repository import Repository


def fetch_refspec(remote: str) -> str:
    """What fetches all ledgers of a remote."""
    return f"+{LEDGER}*:{LEDGER_COPIES}{remote}/*"


def hub_refspec(remote: str) -> str:
    """What fetches whether a remote says that it is a hub."""
    return f"+refs/conductor/*:{HUB_COPIES}{remote}/*"


def ensure_refspecs(repo: Repository) -> list[str]:
    """Let the ledger be fetched from every remote; the remotes for which that is new. Others' refspecs stay.

    Raises CannotRun where the configuration cannot be written.
    """
    missing = missing_refspecs(repo)
    remotes = _remotes(repo)
    for remote in missing:
        for spec in _specs(remote):
            if spec not in remotes[remote]:
                add_shared(repo, f"remote.{remote}.fetch", spec)
    return missing


def missing_refspecs(repo: Repository) -> list[str]:
    """The remotes that the ledger, or whether they are hubs, is not fetched from."""
    return [remote for remote, specs in _remotes(repo).items() if not {*_specs(remote)} <= {*specs}]


def remove_refspecs(repo: Repository) -> list[str]:
    """Fetch the ledger no more; the remotes that it was fetched from until now."""
    having = [remote for remote, specs in _remotes(repo).items() if fetch_refspec(remote) in specs]
    for remote in having:
        for spec in _specs(remote):
            remove_shared(repo, f"remote.{remote}.fetch", spec)
    return having


def _specs(remote: str) -> tuple[str, str]:
    return fetch_refspec(remote), hub_refspec(remote)


def _remotes(repo: Repository) -> dict[str, list[str]]:
    """Each remote that fetches branches, with its refspecs. One that fetches none has been set up to push only."""
    # Only what stands in the repository: a remote of the user's own configuration belongs to all repositories.
    listed = repo.git("config", "--local", "-z", "--get-regexp", r"^remote\..*\.fetch$", ok=(0, 1)).fields()
    remotes: dict[str, list[str]] = {}
    for field in listed:
        key, _, value = field.partition("\n")
        found = re.fullmatch(r"remote\.(.*)\.fetch", key, re.DOTALL)
        if found:
            remotes.setdefault(found[1], []).append(value)
    return remotes
