"""`hub init` and `hub install`: a bare repository that refuses what is not proven, whoever pushes it."""

from __future__ import annotations

from typing import Any

import msgspec

from conductor_git.commands.outcome import DONE, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.hub.people import VARIABLES, judge_identity, pusher_of
from conductor_git.store.control.control import Control
from conductor_git.store.hookfiles.standing import Standing, look_at_hub_door
from conductor_git.store.hub.founding import (
    Settled,
    check_bare,
    drift,
    is_marked,
    make_bare,
    missing_settings,
    read_rules,
    settle,
    unsettle,
)
from conductor_git.store.hub.founding import is_hub as is_hub
from conductor_git.store.hub.gate import Hub, hub_of
from conductor_git.store.plumbing.refs import HUB_MARK
from conductor_git.store.plumbing.repository import Repository

_FIX = "conductor-git doctor --fix"


def hub_init(path: str, *, conductor: str, identity: str) -> Outcome:
    """Make a new hub. Raises CannotRun where something else is at `path`."""
    _check(identity)
    repo = make_bare(path)
    return _outcome(repo, settle(repo, identity=identity, founder=conductor))


def hub_install(repo: Repository, *, conductor: str = "", identity: str = "") -> Outcome:
    """Make an existing bare repository a hub. Raises CannotRun where it is not bare."""
    _check(identity)
    return _outcome(repo, settle(check_bare(repo), identity=identity, founder=conductor))


def hub_uninstall(repo: Repository) -> Outcome:
    """Make it an ordinary bare repository again; what was pushed stays."""
    done = unsettle(repo).done
    lines = done or ("nothing of ours was there; nothing was changed",)
    return Outcome(DONE, "\n".join(lines), msgspec.to_builtins({"schema": 1, "done": done, "changed": ()}))


def hub_print(server: str) -> Outcome:
    """What to put where on a server, so that its repositories become hubs."""
    from conductor_git.core.hooktext.servers import SERVERS

    return Outcome(DONE, SERVERS[server], {"schema": 1, "server": server, "text": SERVERS[server]})


def hub_doctor(repo: Repository, *, fix: bool) -> Outcome:
    """Fire the hub's door and say what it enforces and what it lacks; `fix` first mends what is safe to mend."""
    fixed = settle(repo, identity="", founder="").done if fix else ()
    hub, door = hub_of(repo), look_at_hub_door(repo)
    rules, lacking = read_rules(hub), missing_settings(repo)
    findings = [*_door(door, drift(repo)), *_identity(hub), *_settings(lacking, marked=is_marked(repo)), *_rules(rules)]
    data = {
        "schema": 1,
        "hub": repo.git_dir,
        "enforces": door.state == "stands",
        "identity": list(hub.identities),
        "conductor": _conductors(hub, rules),
        "doors": [door],
        "settings_missing": lacking,
        "fixed": fixed,
        "findings": findings,
    }
    answers = "answers" if door.state == "stands" else "does not answer: this hub refuses nothing"
    lines = [*fixed, f"'pre-receive' {answers}", *_who(hub, rules)]
    code = REFUSED if findings else DONE
    return Outcome(code, "\n".join(lines), msgspec.to_builtins(data), tuple(findings))


def _door(door: Standing, changed: str) -> list[Finding]:
    if door.state != "stands":
        text = f"'{door.path}' is {door.state}: what is not proven comes in, or nothing does"
        return [Finding("CG711", "error", door.path, text, _FIX, door.detail)]
    return (
        [Finding("CG711", "warning", door.path, f"'{door.path}' is not as written: {changed}", _FIX)] if changed else []
    )


def _identity(hub: Hub) -> list[Finding]:
    judged = judge_identity(hub.identities, dict.fromkeys(hub.identities, "doctor"))
    hint = f"conductor-git hub install --identity {VARIABLES[0]}"
    return [msgspec.structs.replace(judged, hint=hint, detail="")] if isinstance(judged, Finding) else []


def _settings(lacking: list[str], *, marked: bool) -> list[Finding]:
    found = [Finding("CG712", "error", each, f"the hub's configuration lacks '{each}'", _FIX) for each in lacking]
    if not marked:
        text = f"'{HUB_MARK}' is not there: clones cannot tell that this is a hub"
        found.append(Finding("CG712", "warning", HUB_MARK, text, _FIX))
    return found


def _rules(rules: Control | CannotRun) -> list[Finding]:
    if isinstance(rules, Control):
        return []
    text = f"only the conductor's pushes go in: {rules.what}"
    return [Finding("CG657", "error", "hub", text, "git push HUB main    # the conductor, with a policy", rules.detail)]


def _conductors(hub: Hub, rules: Control | CannotRun) -> list[str]:
    policy = rules.policy if isinstance(rules, Control) else None
    logins = {*(policy.people if policy else ()), hub.founder}
    return sorted(login for login in logins if login and pusher_of(login, policy, hub.founder).conducts)


def _who(hub: Hub, rules: Control | CannotRun) -> list[str]:
    lines = [f"who pushes is read from '{name}'" for name in hub.identities]
    lines.append(f"conducted by {', '.join(_conductors(hub, rules)) or 'nobody'}")
    if isinstance(rules, Control):
        lines.append(f"rules are read from '{rules.ref}', at '{rules.oid[:12]}'")
    return lines


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
