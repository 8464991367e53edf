"""Policy, plans and scripts as the working tree has them: what the control branch could become."""

from __future__ import annotations

import os
import stat

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.signers import SIGNERS_PATH, Signers
from conductor_git.core.planning.edits import Edits, Version, compare
from conductor_git.core.planning.globs import matches
from conductor_git.core.planning.plan import BrokenPlan, Plan, PlanError
from conductor_git.core.planning.planfile import parse_plan
from conductor_git.core.planning.policy import POLICY_PATH, TEMPLATES_FOLDER, Policy
from conductor_git.core.planning.policyfile import BrokenPolicy, parse_policy
from conductor_git.core.planning.rules import Script, Scripts
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import Control, NoPolicy, read_control
from conductor_git.store.control.controltree import BrokenRules, folders_of, is_utf8, list_files, shown
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.repository import Repository

_LINK = "120000"
_NAMED = (POLICY_PATH, SIGNERS_PATH)
"""Rules that are one file each."""


class Drafts(msgspec.Struct, frozen=True):
    """What stands in the working tree. `control` is None while there is no policy on any branch."""

    control: Control | None
    policy: Policy
    plans: tuple[Plan, ...]
    broken: tuple[BrokenPlan, ...]
    scripts: Scripts
    signers: Signers
    files: dict[str, Version]
    """Policy, allowed signers, plan files and scripts by path, as `git add` would take them."""


def read_drafts(repo: Repository) -> Drafts:
    """Read the working tree; without a policy file in it, by the control branch's policy.

    Raises CannotRun where there is no working tree, no policy, or one that cannot be obeyed.
    """
    root = repo.in_worktree("rev-parse", "--show-toplevel").text()
    control = _control(repo, root)
    policy = _policy(root, control)
    files = _Files(repo, root, policy)
    read = [_plan(files, path) for path in files.versions if matches(policy.plans, path)]
    return Drafts(
        control,
        policy,
        tuple(plan for plan in read if isinstance(plan, Plan)),
        tuple(plan for plan in read if isinstance(plan, BrokenPlan)),
        _scripts(files, policy),
        _signers(files),
        files.versions,
    )


def edits_of(repo: Repository, drafts: Drafts) -> Edits:
    """What the working tree changed since it last had the control branch's files."""
    if drafts.control is None:
        return compare({}, drafts.files, {})
    there = _committed(repo, drafts.control.oid, drafts.policy)
    base = repo.git("merge-base", drafts.control.oid, "HEAD", ok=(0, 1, 128)).text()
    if not base:
        return compare({}, drafts.files, there)
    return compare(
        there if base == drafts.control.oid else _committed(repo, Oid(base), drafts.policy), drafts.files, there
    )


def contents(repo: Repository, edits: Edits) -> dict[str, bytes | None]:
    """The bytes to commit for each edit, cleaned as `git add` cleans them."""
    root = repo.in_worktree("rev-parse", "--show-toplevel").text()
    links = [path for path, version in edits.made.items() if version is not None and version.mode == _LINK]
    if links:
        raise CannotRun(f"'{links[0]}' is a symbolic link, and rules are files", detail="nothing was committed")
    paths = [path for path, version in edits.made.items() if version is not None]
    oids = _hashed(repo, root, paths, write=True)
    bodies = {found.oid: found.body for found in read_objects(repo, oids.values())}
    return {path: bodies[oids[path]] if path in oids else None for path in edits.made}


def keep_scripts(repo: Repository, drafts: Drafts) -> None:
    """Write the scripts' contents into the object database, where nothing refers to them yet: so they can be run."""
    start = drafts.policy.scripts + "/"
    root = repo.in_worktree("rev-parse", "--show-toplevel").text()
    there = [path for path, version in drafts.files.items() if path.startswith(start) and version.mode != _LINK]
    _hashed(repo, root, [path for path in there if os.path.isfile(os.path.join(root, path))], write=True)


def write_draft(repo: Repository, path: str, text: str) -> None:
    """Write a new file into the working tree. Raises CannotRun where there is one already."""
    full = os.path.join(repo.in_worktree("rev-parse", "--show-toplevel").text(), path)
    try:
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CannotRun(f"'{path}' is there already", detail="it was left as it is") from error
    except OSError as error:
        raise CannotRun(f"'{path}' cannot be written: {error.strerror}") from error


class _Files:
    """The working tree's files that matter: tracked or untracked, but not ignored."""

    def __init__(self, repo: Repository, root: str, policy: Policy) -> None:
        self.root = root
        self.repo = repo
        self.index: dict[str, Version] = {}
        self.sparse: set[str] = set()
        named = [f":(top,literal){path}" for path in (*_NAMED, policy.scripts, TEMPLATES_FOLDER)]
        specs = [*named, f":(top,glob){policy.plans}"]
        command = ["ls-files", "--cached", "--others", "--exclude-standard", "--stage", "-t", "-z", "--full-name"]
        listed = repo.in_worktree(*command, "--", *specs, worktree=root).fields()
        found = sorted({self._noted(field) for field in listed})
        present = [path for path in found if path not in self.sparse and self._is_there(path)]
        oids = _hashed(repo, root, [path for path in present if not self._is_link(path)], write=False)
        # Where the file system has no such bit, the index knows which files are executable.
        by_index = repo.config("core.fileMode", kind="bool") == "false"
        self.versions = {
            path: self.index[path] if path in self.sparse else self._version(path, oids.get(path), by_index=by_index)
            for path in sorted({*self.sparse, *present})
        }

    def body(self, path: str) -> bytes:
        """The content of a file; in a sparse checkout that of the index."""
        if path in self.sparse:
            return next(read_objects(self.repo, [self.versions[path].oid])).body
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def _noted(self, field: str) -> str:
        tag, _, rest = field.partition(" ")
        if tag == "?":
            return rest
        meta, _, path = rest.partition("\t")
        mode, oid, _ = meta.split(" ")
        self.index[path] = Version(mode, Oid(oid))
        if tag == "S":
            self.sparse.add(path)
        return path

    def _is_there(self, path: str) -> bool:
        full = os.path.join(self.root, path)
        return os.path.isfile(full) or os.path.islink(full)

    def _is_link(self, path: str) -> bool:
        return os.path.islink(os.path.join(self.root, path))

    def _version(self, path: str, oid: Oid | None, *, by_index: bool) -> Version:
        if oid is None:
            target = os.readlink(os.fsencode(os.path.join(self.root, path)))
            return Version(_LINK, self.repo.hash("blob", target))
        if by_index:
            return Version(self.index[path].mode if path in self.index else "100644", oid)
        executable = os.stat(os.path.join(self.root, path)).st_mode & stat.S_IXUSR
        return Version("100755" if executable else "100644", oid)


def _control(repo: Repository, root: str) -> Control | None:
    try:
        return read_control(repo)
    except NoPolicy:
        return None
    except BrokenRules:
        # Whoever mends the policy is helped by the one that is being written, and whoever does not is told.
        changed = repo.in_worktree("diff", "--name-only", "HEAD", "--", POLICY_PATH, worktree=root, ok=(0, 128))
        if changed.code == 0 and not changed.out:
            raise
        return read_control(repo, instead=_policy(root, None))


def _policy(root: str, control: Control | None) -> Policy:
    path = os.path.join(root, POLICY_PATH)
    if not os.path.isfile(path):
        if control is None:
            raise NoPolicy("there is no policy", hint="conductor-git init")
        return control.policy
    with open(path, "rb") as file:
        read = parse_policy(file.read())
    if isinstance(read, BrokenPolicy):
        more = "\n".join(map(str, read.errors[1:]))
        hint = f"conductor-git plan check    # again, once '{POLICY_PATH}' is mended"
        raise CannotRun(f"the policy cannot be obeyed: {read.errors[0]}", detail=more, hint=hint)
    return read


def _plan(files: _Files, path: str) -> Plan | BrokenPlan:
    name = shown(path)
    if files.versions[path].mode == _LINK:
        return BrokenPlan(name, (PlanError(name, 1, "", "the plan file is a symbolic link"),))
    if not is_utf8(path):
        return BrokenPlan(name, (PlanError(name, 1, "", "the name of the plan file is not UTF-8"),))
    return parse_plan(files.body(path), path)


def _scripts(files: _Files, policy: Policy) -> Scripts:
    start = policy.scripts + "/"
    return Scripts(
        None,
        {
            path.removeprefix(start): Script(version.mode, version.oid)
            for path, version in files.versions.items()
            if path.startswith(start) and is_utf8(path)
        },
    )


def _signers(files: _Files) -> Signers:
    version = files.versions.get(SIGNERS_PATH)
    if version is None or version.mode == _LINK:
        return Signers()
    return Signers(version.oid, files.body(SIGNERS_PATH).decode("utf-8", "replace"))


def _committed(repo: Repository, commit: Oid, policy: Policy) -> dict[str, Version]:
    """Policy, plan files and scripts of a commit."""
    folders, ruled = folders_of(policy), (f"{policy.scripts}/", f"{TEMPLATES_FOLDER}/")
    listed = list_files(repo, commit, [] if "" in folders else [*_NAMED, TEMPLATES_FOLDER, *folders])
    return {
        path: Version(entry.mode, entry.oid)
        for path, entry in listed.items()
        if entry.kind == "blob" and (path in _NAMED or path.startswith(ruled) or matches(policy.plans, path))
    }


def _hashed(repo: Repository, root: str, paths: list[str], *, write: bool) -> dict[str, Oid]:
    """The blob that `git add` would make of each file."""
    if not paths:
        return {}
    broken = [path for path in paths if "\n" in path]
    if broken:
        raise CannotRun(f"the name of '{shown(broken[0])}' has a line break in it")
    stdin = "".join(f"{path}\n" for path in paths).encode("utf-8", "surrogateescape")
    command = ["hash-object", *(["-w"] if write else []), "--stdin-paths"]
    oids = repo.in_worktree(*command, worktree=root, stdin=stdin, writes=write).lines()
    return {path: Oid(oid) for path, oid in zip(paths, oids, strict=True)}
