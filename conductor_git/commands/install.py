"""`install` and `uninstall`: the doors of a repository that has a policy, and this clone's way to the ledger."""

from __future__ import annotations

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.findings import refused
from conductor_git.store.control.control import read_control
from conductor_git.store.hookfiles.hooks import Installed, install_doors, remove_doors
from conductor_git.store.notes.refspecs import ensure_refspecs, remove_refspecs
from conductor_git.store.plumbing.repository import Repository


def install(repo: Repository) -> Outcome:
    """Put the doors where git looks for them, for every worktree, and let each remote's ledger be fetched.

    Raises CannotRun where there is no policy, and where the repository cannot be written.
    """
    installed = install_doors(repo, read_control(repo))
    fetched = [f"'git fetch {remote}' brings the ledger now" for remote in ensure_refspecs(repo)]
    return _outcome(installed, fetched, "every door stood already; nothing was changed")


def uninstall(repo: Repository) -> Outcome:
    """Take the doors away and bring back what stood there; commits, plans and the ledger stay."""
    removed = remove_doors(repo)
    fetched = [f"'git fetch {remote}' leaves the ledger out again" for remote in remove_refspecs(repo)]
    return _outcome(removed, fetched, "no door of ours was there; nothing was changed")


def _outcome(installed: Installed, more: list[str], nothing: str) -> Outcome:
    lines = [*installed.done, *more] or ([] if installed.findings else [nothing])
    if installed.changed:
        lines.append(f"to share: git commit -m 'Change the hooks' -- {' '.join(installed.changed)}")
    data = {"schema": 1, "done": lines, "changed": installed.changed}
    code = REFUSED if refused(installed.findings) else DONE
    return Outcome(code, "\n".join(lines), msgspec.to_builtins(data), installed.findings)
