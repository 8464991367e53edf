"""`hub init` and `hub install`: a bare repository that refuses what is not proven, whoever pushes it."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import refused
from conductor_git.core.hub.people import VARIABLES
from conductor_git.store.hub.founding import Settled, check_bare, make_bare, settle
from conductor_git.store.hub.gate import hub_of
from conductor_git.store.plumbing.repository import Repository


def hub_init(path: str, *, conductor: str, identity: str) -> Outcome:
    """Make a new hub. Raises CannotRun where something else is at `path`."""
    _check(identity)
    repo = make_bare(path)
    return _outcome(repo, settle(repo, identity=identity, founder=conductor))


def hub_install(repo: Repository, *, conductor: str, identity: str) -> Outcome:
    """Make an existing bare repository a hub. Raises CannotRun where it is not bare."""
    _check(identity)
    return _outcome(repo, settle(check_bare(repo), identity=identity, founder=conductor))


def _check(identity: str) -> None:
    if identity and not identity.isidentifier():
        raise CannotRun(
            f"'{identity}' is no name of a variable", hint=f"conductor-git hub install --identity {VARIABLES[0]}"
        )


def _outcome(repo: Repository, settled: Settled) -> Outcome:
    hub = hub_of(repo)
    lines = [*settled.done] or ["it was a hub already; nothing was changed"]
    if len(hub.identities) == 1:
        lines.append(f"who pushes is read from '{hub.identities[0]}'; '{hub.founder}' conducts until a policy says who")
    else:
        lines.append(
            f"every push is refused until it knows who pushes: conductor-git hub install --identity {VARIABLES[0]}"
        )
    data: dict[str, Any] = {
        "schema": 1,
        "hub": repo.git_dir,
        "done": settled.done,
        "identity": list(hub.identities),
        "conductor": hub.founder,
        "findings": settled.findings,
    }
    code = REFUSED if refused(settled.findings) else DONE
    return Outcome(code, "\n".join(lines), msgspec.to_builtins(data), settled.findings)
