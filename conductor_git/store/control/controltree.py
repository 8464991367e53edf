"""The control tree of one commit: finding its files, and parsing each only once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.signers import SIGNERS_PATH, SIZE_LIMIT, Signers
from conductor_git.core.planning.globs import matches
from conductor_git.core.planning.plan import BrokenPlan, Plan, PlanError
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.planning.rules import Script, Scripts
from conductor_git.core.targets import Oid
from conductor_git.core.tree import CONTROL_FOLDER
from conductor_git.store.files import memo
from conductor_git.store.plumbing.aside import Aside
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository

_FOLDER = CONTROL_FOLDER.decode("ascii")
_MEMO = "control-2"
"""The number changes with the shape of what is kept, or with what parsing makes of a file."""


class BrokenRules(CannotRun):
    """There is a policy, and it cannot be obeyed."""


class Parsed(msgspec.Struct, frozen=True):
    """One plan file, read: exactly one of both is there."""

    blob: Oid
    plan: Plan | None = None
    broken: BrokenPlan | None = None


class ControlTree(msgspec.Struct, frozen=True):
    """What one commit says. `plans` is by path, in the order of paths."""

    commit: Oid
    policy_blob: Oid
    policy: Policy
    plans: dict[str, Parsed]
    scripts: Scripts
    signers: Signers = Signers()


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One line of `git ls-tree`."""

    mode: str
    kind: str
    oid: Oid


def read_tree(
    repo: Repository, commit: Oid, *, use_cache: bool, keep: bool, instead: Policy | None = None
) -> ControlTree | None:
    """The control tree of a commit; None where it has no policy. `keep` makes it what the next reader begins from.

    `instead` is the policy to go by, whatever the commit's own says. Raises BrokenRules where that cannot be obeyed.
    """
    known = memo.load(repo, _MEMO, ControlTree) if use_cache and instead is None else None
    if known is not None and known.commit == commit:
        return known
    found = _Reading(repo, commit, known, instead).tree()
    if found is not None and use_cache and keep and instead is None:
        memo.save(repo, _MEMO, found)
    return found


def last_read(repo: Repository) -> tuple[str, Oid] | None:
    """The control branch (full name) and its commit, as they were when the rules were last read here."""
    known = memo.load(repo, _MEMO, ControlTree)
    return None if known is None else (known.policy.control_ref, known.commit)


def list_files(repo: Repository, commit: Oid, paths: Iterable[str]) -> dict[str, Entry]:
    """Files and folders of a commit at and below some paths, names as git has them."""
    asked = [path for path in paths if path]
    # With no path left it is the whole tree that is asked for.
    fields = repo.git("ls-tree", "-r", "-t", "-z", "--full-tree", commit, "--", *asked).fields()
    found = {}
    for field in fields:
        meta, _, path = field.partition("\t")
        mode, kind, oid = meta.split(" ")
        found[path] = Entry(mode, kind, Oid(oid))
    return found


def plan_paths(policy: Policy, files: Mapping[str, Entry]) -> list[str]:
    """The paths of the plan files among these, sorted."""
    return sorted(path for path, entry in files.items() if entry.kind == "blob" and matches(policy.plans, path))


def scripts_of(policy: Policy, files: Mapping[str, Entry]) -> Scripts:
    """The scripts folder among these files."""
    folder = files.get(policy.scripts)
    if folder is None or folder.kind != "tree":
        return Scripts()
    start = policy.scripts + "/"
    scripts = {
        path.removeprefix(start): Script(entry.mode, entry.oid)
        for path, entry in files.items()
        if path.startswith(start) and entry.kind == "blob" and is_utf8(path)
    }
    return Scripts(folder.oid, scripts)


def folders_of(policy: Policy) -> list[str]:
    """The folders in which plans and scripts are; an empty one is the whole tree."""
    fixed = []
    for part in policy.plans.split("/")[:-1]:
        if set(part) & set("*?[\\"):
            break
        fixed.append(part)
    return ["/".join(fixed), policy.scripts]


class _Reading:
    """Reads one commit, taking what it can from what was read before."""

    def __init__(self, repo: Repository, commit: Oid, known: ControlTree | None, instead: Policy | None) -> None:
        self.repo = repo
        self.commit = commit
        self.known = known
        self.instead = instead
        if known is None:
            # While git looks for the files.
            Aside(_load_parsers)
        self.files = list_files(repo, commit, [_FOLDER])
        self.bodies: dict[Oid, bytes] = {}

    def tree(self) -> ControlTree | None:
        entry = self.files.get(POLICY_PATH)
        if entry is None:
            return None
        policy = self.instead or self._policy(entry.oid)
        elsewhere = [folder for folder in folders_of(policy) if not f"{folder}/".startswith(f"{_FOLDER}/")]
        if elsewhere:
            self.files.update(list_files(self.repo, self.commit, [] if "" in elsewhere else elsewhere))
        paths = plan_paths(policy, self.files)
        self._fetch(self.files[path].oid for path in paths if self._before(path) is None)
        return ControlTree(
            self.commit,
            entry.oid,
            policy,
            {shown(path): self._before(path) or self._parsed(path) for path in paths},
            scripts_of(policy, self.files),
            self._signers(),
        )

    def _signers(self) -> Signers:
        entry = self.files.get(SIGNERS_PATH)
        if entry is None or entry.kind != "blob" or entry.mode == "120000":
            return Signers()
        if self.known is not None and self.known.signers.blob == entry.oid:
            return self.known.signers
        self._fetch([entry.oid])
        body = self.bodies[entry.oid]
        return Signers(entry.oid, body.decode("utf-8", "replace") if len(body) <= SIZE_LIMIT else "")

    def _policy(self, oid: Oid) -> Policy:
        if self.known is not None and self.known.policy_blob == oid:
            return self.known.policy
        from conductor_git.core.planning.policyfile import BrokenPolicy, parse_policy

        # The plans are most likely in the control folder too: one process reads both.
        likely = (
            path for path in self.files if path == SIGNERS_PATH or (path.endswith(".md") and self._before(path) is None)
        )
        self._fetch([oid, *(self.files[path].oid for path in likely)])
        read = parse_policy(self.bodies[oid])
        if isinstance(read, BrokenPolicy):
            more = [f"{error}" for error in read.errors[1:4]]
            raise BrokenRules(
                f"the policy cannot be obeyed: {read.errors[0]}",
                detail="; ".join([*more, f"read from commit '{self.commit[:12]}'"]),
                hint="conductor-git plan commit    # once it is mended in the worktree of the control branch",
            )
        return read

    def _before(self, path: str) -> Parsed | None:
        parsed = self.known.plans.get(path) if self.known else None
        return parsed if parsed is not None and parsed.blob == self.files[path].oid else None

    def _parsed(self, path: str) -> Parsed:
        entry = self.files[path]
        if not is_utf8(path):
            return _broken(path, entry.oid, "the name of the plan file is not UTF-8")
        if entry.mode == "120000":
            return _broken(path, entry.oid, "the plan file is a symbolic link")
        from conductor_git.core.planning.planfile import parse_plan

        read = parse_plan(self.bodies[entry.oid], path)
        return Parsed(entry.oid, plan=read) if isinstance(read, Plan) else Parsed(entry.oid, broken=read)

    def _fetch(self, oids: Iterable[Oid]) -> None:
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self.bodies]
        self.bodies.update({found.oid: found.body for found in read_objects(self.repo, wanted)})
        missing = [oid for oid in wanted if oid not in self.bodies]
        if missing:
            raise CannotRun(f"object '{missing[0][:12]}' of the control tree cannot be read here", hint="git fsck")


def _load_parsers() -> None:
    # They load these late, for most commands parse nothing.
    import tomllib  # noqa: F401

    from conductor_git.core.planning import planfile, policyfile  # noqa: F401


def _broken(path: str, blob: Oid, message: str) -> Parsed:
    name = shown(path)
    return Parsed(blob, broken=BrokenPlan(name, (PlanError(name, 1, "", message),)))


def is_utf8(path: str) -> bool:
    """Whether a path as git has it is text."""
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def shown(path: str) -> str:
    """A path as text, with escapes for what is not UTF-8."""
    return path if is_utf8(path) else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
