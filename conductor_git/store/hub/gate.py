"""Where a push waits to be judged: the hub's git directory, what it is set up to, and the objects that came in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.ledgerpast import LedgerPast
from conductor_git.core.hub.commands import Command
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.targets import Oid
from conductor_git.store.auditing.ground import Ground
from conductor_git.store.auditing.ledgers import read_pasts
from conductor_git.store.control.control import candidates
from conductor_git.store.plumbing.git import UNCONFIGURED, begin
from conductor_git.store.plumbing.questions import WHEREABOUTS
from conductor_git.store.plumbing.refs import HEADS, LEDGER, Refs
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.plumbing.settings import Settings

IDENTITY = "conductor.identity"
FOUNDER = "conductor.founder"
CONTROL = "conductor.control"


class Hub(msgspec.Struct, frozen=True):
    """A hub's git directory, sealed: nobody's configuration counts but its own."""

    repository: Repository
    identities: tuple[str, ...] = ()
    """The values of `conductor.identity`: variables that name who pushes. There must be one."""
    founder: str = ""
    """The conductor's login, as long as no policy names one."""
    control: str = ""


class Stands(msgspec.Struct, frozen=True):
    """Every ref of the hub, as it is before the push."""

    oids: dict[str, Oid]
    symbolic: dict[str, str]
    """Symbolic ref -> what it means."""
    control: str = ""

    def over(self, commands: Iterable[Command] = ()) -> Refs:
        """Branches and ledgers, with pushed ones over them."""
        oids = {ref: oid for ref, oid in self.oids.items() if ref.startswith((HEADS, LEDGER))}
        for command in commands:
            oids.pop(command.ref, None)
            if command.new is not None and command.ref.startswith((HEADS, LEDGER)):
                oids[command.ref] = command.new
        return Refs(oids, {}, Settings(control=self.control))


def enter(environ: Mapping[str, str]) -> Hub:
    """The hub that a hook runs in, with what the push brought. Raises CannotRun where that cannot be told."""
    where = os.path.abspath(environ.get("GIT_DIR") or ".")
    # By its name, so that it is nobody's question whose folder it is: git-receive-pack has answered that.
    asked = begin(WHEREABOUTS, env={**UNCONFIGURED, "GIT_DIR": where}, ok=(0, 128))
    return hub_of(msgspec.structs.replace(discover(asked=asked), borrowed=_borrowed(environ)))


def hub_of(repo: Repository) -> Hub:
    """What a repository is set up to as a hub; with nothing set, it is none."""
    repo = msgspec.structs.replace(repo, sealed=True)
    listed = repo.git("config", "--local", "-z", "--get-regexp", r"^conductor\.", ok=(0, 1)).fields()
    values: dict[str, list[str]] = {}
    for field in listed:
        key, _, value = field.partition("\n")
        values.setdefault(key, []).append(value)

    def last(key: str) -> str:
        return values.get(key, [""])[-1]

    return Hub(repo, tuple(values.get(IDENTITY, ())), last(FOUNDER), last(CONTROL))


def _borrowed(environ: Mapping[str, str]) -> tuple[str, ...]:
    # A server may lend objects of other repositories; a quoted path among them is one that nobody gives by himself.
    lent = [path for path in environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep) if path[:1] == "/"]
    incoming = environ.get("GIT_QUARANTINE_PATH", "")
    return tuple(map(os.path.abspath, [incoming, *lent] if incoming else lent))


def read_stands(hub: Hub) -> Stands:
    """All refs of the hub."""
    listed = hub.repository.git("for-each-ref", "--format=%(objectname) %(refname) %(symref)").lines()
    words = [line.split(" ", 2) for line in listed]
    symbolic = {ref: means for _, ref, means in words if means}
    return Stands({ref: Oid(oid) for oid, ref, _ in words}, symbolic, hub.control)


def check_commits(repo: Repository, commands: Iterable[Command]) -> None:
    """Raise CannotRun where a ref that is judged would point to anything but a commit."""
    asked = [command for command in commands if command.new is not None]
    stdin = "".join(f"{command.new}\n" for command in asked).encode("ascii")
    kinds = repo.git("cat-file", "--batch-check=%(objecttype)", stdin=stdin).lines() if asked else []
    for command, kind in zip(asked, kinds, strict=True):
        if kind != "commit":
            raise CannotRun(f"'{command.ref}' would point to what is no commit ('{str(command.new)[:12]}')")


def rules_elsewhere(hub: Hub, control: str, commands: Iterable[Command]) -> str:
    """The pushed branch whose policy readers would find before that of the control branch (full name); else empty."""
    pushed = {command.ref: command.new for command in commands if command.new is not None}
    # As a clone does, which is not set up as the hub is.
    for branch in candidates(hub.repository, Settings()):
        ref = HEADS + branch
        if ref == control:
            return ""
        new = pushed.get(ref)
        if new is not None and _has_policy(hub.repository, new):
            return ref
    return ""


def _has_policy(repo: Repository, commit: Oid) -> bool:
    answer = repo.git("cat-file", "--batch-check=%(objecttype)", stdin=f"{commit}:{POLICY_PATH}\n".encode())
    return answer.text() == "blob"


def read_incoming(hub: Hub, commands: Iterable[Command]) -> dict[str, LedgerPast]:
    """The whole history of each ledger that is pushed, by ref."""
    refs = Refs({command.ref: command.new for command in commands if command.new is not None}, {})
    return {past.ref: past for past in read_pasts(Ground(hub.repository, refs, hub.repository.git_dir))}


def read_sizes(repo: Repository, oids: Iterable[Oid]) -> dict[Oid, int]:
    """How many bytes objects have, without reading them: a line may be as large as its writer likes."""
    asked = list(dict.fromkeys(oids))
    stdin = "".join(f"{oid}\n" for oid in asked).encode("ascii")
    sizes = repo.git("cat-file", "--batch-check=%(objectsize)", stdin=stdin).lines() if asked else []
    return {oid: int(size) for oid, size in zip(asked, sizes, strict=True) if size.isdigit()}
