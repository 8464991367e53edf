"""Whether the objects are what their names say, and whether all are there: git's own check, in words of ours."""

from __future__ import annotations

import re

from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding
from conductor_git.core.targets import Oid
from conductor_git.store.auditing.ground import Ground, missing_hint

_OID = re.compile(r"\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b")
_PLACE = re.compile(r"/([0-9a-f]{2})/([0-9a-f]{38}(?:[0-9a-f]{24})?)$")
_MISSING = re.compile(r"missing (?:blob|tree|commit|tag) ([0-9a-f]+)")
_BROKEN = re.compile(
    r"mismatch|corrupt|garbage|unable to (?:unpack|parse|read)|cannot be read|could not be parsed|bad pack"
)
_SHOWN = 20


def check_objects(ground: Ground) -> list[Finding]:
    """One finding for each object that is not what its name says. Raises CannotRun where objects are missing."""
    args = ("fsck", "--full", "--no-dangling", "--no-reflogs", "--no-progress")
    result = ground.repository.git(*args, ok=range(256), timeout=None)
    if result.code == 0:
        return []
    said = (result.out + result.err).decode("utf-8", "replace").splitlines()
    false: dict[Oid, str] = {}
    for line in said:
        # What fsck says of the form of an object ("error in commit …") is about old tools, not about this history.
        named = _name(line)
        if named and _BROKEN.search(line) and not line.startswith(("error in ", "warning in ", "missing ", "broken ")):
            false.setdefault(named, line.removeprefix("error: "))
    missing = [found[1] for line in said if (found := _MISSING.match(line)) and found[1] not in false]
    if missing:
        raise _missing(ground, missing)
    findings = [_false(oid, line) for oid, line in false.items()]
    if not findings and any(_BROKEN.search(line) for line in said if not line.startswith(("error in ", "warning in "))):
        raise CannotRun(f"the objects of '{ground.origin}' cannot be checked", detail=said[0], hint="git fsck")
    return findings[:_SHOWN]


def _name(line: str) -> Oid | None:
    """The name of the object that a line is about: where it stands, for what it hashes to is another one's name."""
    place = _PLACE.search(line)
    found = _OID.search(line)
    return Oid(place[1] + place[2]) if place else Oid(found[0]) if found else None


def _false(oid: Oid, line: str) -> Finding:
    text = f"object '{oid}' is not what its name says: it was changed or is damaged on disk"
    return Finding("CG901", "alarm", oid, text, "git fsck --full", line)


def _missing(ground: Ground, missing: list[str]) -> CannotRun:
    count = "an object is" if len(missing) == 1 else f"{len(missing)} objects are"
    why = "this clone is shallow; " if ground.shallow else ""
    return CannotRun(
        f"cannot tell: {count} missing, the first is '{missing[0]}'",
        detail=f"{why}nothing was judged",
        hint=missing_hint(ground) or "git fsck",
    )
