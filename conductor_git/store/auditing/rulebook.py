"""Which control ref an audit obeys: no configuration chooses it."""

from __future__ import annotations

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.store.auditing.ground import Ground
from conductor_git.store.control.control import NoPolicy, read_control
from conductor_git.store.plumbing.refs import Refs
from conductor_git.store.plumbing.settings import Settings


class Rules(msgspec.Struct, frozen=True):
    """Where the rules are read from."""

    ref: str
    refs: Refs
    """The ground's refs, with the control branch that counts."""
    findings: tuple[Finding, ...] = ()


def find_rules(ground: Ground, asked: str) -> Rules:
    """The control ref that the commits name; `asked` is a branch that somebody names on purpose.

    What the clone's configuration names counts only where nothing else has a policy: it could name anything. Raises
    CannotRun where there is no policy.
    """
    if asked:
        return _rules(ground, asked)
    try:
        found = _rules(ground, "")
    except NoPolicy as error:
        if not ground.configured:
            raise CannotRun(error.what, hint="conductor-git audit --control BRANCH    # where it is") from error
        return _rules(ground, ground.configured)
    if not ground.configured:
        return found
    try:
        other = _rules(ground, ground.configured)
    except CannotRun:
        return found
    if other.ref == found.ref:
        return found
    text = f"'conductor.control' lets this clone read its rules from '{other.ref}', and not from '{found.ref}'"
    hint = "git config --unset conductor.control"
    return msgspec.structs.replace(found, findings=(Finding("CG731", "alarm", other.ref, text, hint),))


def _rules(ground: Ground, branch: str) -> Rules:
    remotes = ground.refs.settings.remotes if ground.refs.settings else ()
    refs = msgspec.structs.replace(ground.refs, settings=Settings(control=branch, remotes=remotes))
    control = read_control(ground.repository, refs=refs)
    return Rules(control.ref, refs)
