"""Laying out the scratch repository: the user's set-up as it stands, and a small history of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events import attestation
from conductor_git.core.events.attestation import Attestation
from conductor_git.core.events.signers import SIGNERS_PATH
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.planning.policytext import render_policy
from conductor_git.core.planning.rules import RuleSet, rules_of
from conductor_git.core.standing import RUNNER_PREFIX
from conductor_git.core.targets import Oid, Target
from conductor_git.store.attacking.keys import Keys, make_keys
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.hookfiles.hookfolders import HookFolder, find_folders
from conductor_git.store.notes.clone import clone_id
from conductor_git.store.notes.ledger import append, ledger_ref
from conductor_git.store.notes.signing import Signing
from conductor_git.store.plumbing.git import run
from conductor_git.store.plumbing.repository import Repository, discover, quoted
from conductor_git.store.plumbing.staged import product_of
from conductor_git.store.validation.platform import platform_tag

PLAN, AGENT, BRANCH, SCRIPT = "drill", "drill", "drill/work", "drill.sh"
OTHER = "other"
"""Another plan, of another agent; nothing is done for it yet."""
OTHER_BRANCH = f"{OTHER}/work"
_PLAN_TEXT = f"""\
---
plan: {PLAN}
title: Drill
agent: {AGENT}
branch: {BRANCH}
validation: {SCRIPT}
waves:
  0: {{title: Proven}}
  1: {{title: Not proven}}
---
"""
_OTHER_TEXT = f"""\
---
plan: {OTHER}
title: Somebody else's
agent: {OTHER}
branch: {OTHER_BRANCH}
validation: {SCRIPT}
waves:
  0: {{title: Not proven}}
---
"""
_SCRIPT_TEXT = "#!/bin/sh\ngrep -q good drill.txt\n"
_KEPT = ("core.", "hook.", "conductor.", "gpg.", "merge.")
_LEFT = (
    "core.worktree", "core.bare", "core.hookspath", "core.fsmonitor", "core.repositoryformatversion", "core.sparse",
    "core.editor", "core.sshcommand", "conductor.writer",
)  # fmt: skip


class Ground(msgspec.Struct, frozen=True):
    """The scratch repository with the names of what is in it. `control` are the rules as they are read there."""

    root: str
    repository: Repository
    control: Control
    integration: str
    """The first commit, where integration stands."""
    claim: str
    """The proven claim of wave 0, the tip of the plan's branch."""
    statement: dict[str, Any]
    """What its attestation says."""
    ledger: str
    """The ref that has it."""
    signing: Signing | None

    @property
    def proof(self) -> str:
        """Digest of the attestation."""
        return attestation.digest(self.statement)

    @property
    def trunk(self) -> str:
        """The integration branch."""
        return self.control.policy.integration


def lay_ground(repo: Repository, control: Control, root: str, now: int) -> Ground:
    """Make the repository. Raises CannotRun where a part of the set-up cannot be copied."""
    run(["init", "--quiet", "--template=", f"--object-format={repo.object_format}", root], writes=True)
    scratch = discover(root)
    _lend_objects(repo, scratch)
    _copy_config(repo, scratch)
    policy = _policy(control.policy)
    keys = make_keys(os.path.dirname(root), policy)
    begun = _begin(repo, scratch, control, policy, keys)
    folder = _folder_of(repo)
    _git(scratch, "checkout", "--quiet", "-b", BRANCH, begun)
    _copy_hooks(repo, scratch, folder)
    return _proven(scratch, begun, keys, now)


def _policy(policy: Policy) -> Policy:
    """The user's, judged from the beginning, with rooms that need nothing."""
    plain = msgspec.structs.replace(policy.validation, default=SCRIPT, setup="", keep=(), baseline=False)
    return msgspec.structs.replace(
        policy,
        since="",
        plans=".conductor/plans/*.md",
        scripts=".conductor/scripts",
        validation=plain,
        people={"drill-conductor": ("conductor",), "drill": (AGENT, f"{RUNNER_PREFIX}{AGENT}")},
        trust=msgspec.structs.replace(policy.trust, since=""),
    )


def _git(scratch: Repository, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
    own = {f"GIT_{role}_{what}": "drill" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    argv = ["-c", f"core.hooksPath={os.devnull}", *args]
    return run(argv, cwd=scratch.worktree, stdin=stdin, env={**own, **(env or {})}, writes=True).text()


def _lend_objects(repo: Repository, scratch: Repository) -> None:
    with open(os.path.join(scratch.git_dir, "objects", "info", "alternates"), "w", encoding="ascii") as file:
        file.write(f"{quoted(os.path.join(repo.common_dir, 'objects'))}\n")


def _copy_config(repo: Repository, scratch: Repository) -> None:
    """What of the configuration can change how hooks run and what is judged; nothing that leads to another place."""
    for entry in repo.git("config", "--local", "--list", "-z").fields():
        key, _, value = entry.partition("\n")
        if key.startswith(_KEPT) and not key.startswith(_LEFT):
            _git(scratch, "config", "--add", key, value)
    for key in ("commit.gpgsign", "gc.auto", "maintenance.auto"):
        _git(scratch, "config", key, "false" if key != "gc.auto" else "0")


def _begin(repo: Repository, scratch: Repository, control: Control, policy: Policy, keys: Keys | None) -> str:
    """The first commit, on integration, and on control where that is a branch of its own."""
    tip = repo.resolve(policy.integration_ref) or control.oid
    # What hook managers are told stands in the root and in hidden folders; the rest is nobody's business here.
    kept = [
        entry
        for entry in repo.git("ls-tree", "-z", tip).fields()
        if not entry.endswith("\t.conductor") and (" tree " not in entry or "\t." in entry) and " commit " not in entry
    ]
    good = _git(scratch, "hash-object", "-w", "--stdin", stdin=b"good\n")
    product = [*(entry for entry in kept if not entry.endswith("\tdrill.txt")), f"100644 blob {good}\tdrill.txt"]
    rules = f"040000 tree {_rules_tree(scratch, control, policy, keys)}\t.conductor"
    apart = bool(policy.control) and policy.control != policy.integration
    tree = _tree(scratch, product if apart else [*product, rules])
    begun = _git(scratch, "commit-tree", "-m", "begin", tree)
    _git(scratch, "update-ref", policy.integration_ref, begun)
    if apart:
        begun_apart = _git(scratch, "commit-tree", "-m", "rules", _tree(scratch, [rules]))
        _git(scratch, "update-ref", policy.control_ref, begun_apart)
        _git(scratch, "config", "conductor.control", policy.control)
    return begun


def _tree(scratch: Repository, entries: list[str]) -> str:
    raw = "".join(f"{entry}\0" for entry in entries).encode("utf-8", "surrogateescape")
    return _git(scratch, "mktree", "-z", "--missing", stdin=raw)


def _rules_tree(scratch: Repository, control: Control, policy: Policy, keys: Keys | None) -> str:
    plans = {f".conductor/plans/{plan}.md": text for plan, text in ((PLAN, _PLAN_TEXT), (OTHER, _OTHER_TEXT))}
    files = {POLICY_PATH: render_policy(policy), **plans}
    signers = control.signers.text + (keys.lines if keys else "")
    if signers:
        files[SIGNERS_PATH] = signers
    index = {"GIT_INDEX_FILE": os.path.join(scratch.git_dir, "rules")}
    script = (f".conductor/scripts/{SCRIPT}", _SCRIPT_TEXT, "100755")
    for path, text, mode in [*((*each, "100644") for each in files.items()), script]:
        blob = _git(scratch, "hash-object", "-w", "--stdin", stdin=text.encode())
        entry = f"{mode},{blob},{path.removeprefix('.conductor/')}"
        _git(scratch, "update-index", "--add", "--cacheinfo", entry, env=index)
    return _git(scratch, "write-tree", env=index)


def _folder_of(repo: Repository) -> HookFolder:
    """Where this worktree's git takes hooks from."""
    here = repo.worktree or repo.common_dir
    folders = find_folders(repo)
    return next((folder for folder in folders if here in folder.worktrees), folders[0])


def _copy_hooks(repo: Repository, scratch: Repository, folder: HookFolder) -> None:
    if folder.kind == "shared":
        _git(scratch, "config", "core.hooksPath", folder.path)
    elif folder.kind == "own":
        _copy_files(folder.path, os.path.join(scratch.git_dir, "hooks"))
        if folder.scope:
            _git(scratch, "config", "core.hooksPath", os.path.join(scratch.git_dir, "hooks"))
    else:
        inside = os.path.relpath(folder.path, os.path.realpath(folder.worktrees[0]))
        _git(scratch, "config", "core.hooksPath", inside)
        os.makedirs(os.path.join(scratch.git_dir, "info"), exist_ok=True)
        with open(os.path.join(scratch.git_dir, "info", "exclude"), "w", encoding="utf-8") as file:
            file.write(f"/{inside.partition(os.sep)[0]}/\n")
        # What husky's hooks call stands in the folder above theirs.
        for each in filter(None, (os.path.dirname(inside), inside)):
            _copy_files(os.path.join(folder.worktrees[0], each), os.path.join(str(scratch.worktree), each))


def _copy_files(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    for entry in os.scandir(source) if os.path.isdir(source) else ():
        if entry.is_file():
            try:
                shutil.copy(entry.path, os.path.join(target, entry.name))
            except OSError as error:
                raise CannotRun(f"hook '{entry.path}' cannot be read: {error.strerror}") from error


def _proven(scratch: Repository, begun: str, keys: Keys | None, now: int) -> Ground:
    """The plan's start commit, a proof of wave 0 of its content, and the claim that stands on it."""
    control = read_control(scratch)
    plan = next(plan for plan in control.plans if plan.plan == PLAN)
    target = Target(PLAN, 0)
    rules = rules_of(control.policy, plan, target, control.scripts)
    if not isinstance(rules, RuleSet):
        raise CannotRun(f"the scratch clone has no rules: {rules.message}")
    tree = _git(scratch, "rev-parse", f"{begun}^{{tree}}")
    start = _commit(scratch, begun, tree, f"▶ PLAN {PLAN} START - {AGENT}\n\nConductor-Plan: {PLAN}\n")
    runner = rules.attested_by == "runner" or control.policy.trust.attestations == "runner"
    writer = f"{RUNNER_PREFIX}{AGENT}" if runner else AGENT
    proof = Attestation(
        target=target,
        tree=product_of(scratch, Oid(tree)).oid,
        passed=True,
        outcome="passed",
        repository=control.policy.repository,
        rules=rules.digest,
        script=rules.script,
        script_digest=rules.script_digest,
        control=control.oid,
        platform=platform_tag(),
        writer=writer,
        started=now,
        ended=now,
        exit_code=0,
        role="runner" if runner else "agent",
    )
    said = attestation.statement(proof)
    signing = keys.signing(writer) if keys else None
    append(
        scratch, writer=writer, kind="attestation", data={"statement": said}, target=target, now=now, signing=signing
    )
    trailers = f"Conductor-Plan: {PLAN}\nConductor-Wave: 0\nConductor-Proof: {attestation.digest(said)}\n"
    trailers += f"Conductor-Rules: {rules.digest}\n"
    claim = _commit(scratch, start, tree, f"✅ Wave 0 Complete\n\n{trailers}")
    _git(scratch, "reset", "--quiet", "--hard", claim)
    ledger = ledger_ref(writer, clone_id(scratch))
    return Ground(str(scratch.worktree), scratch, control, begun, claim, said, ledger, signing)


def _commit(scratch: Repository, parent: str, tree: str, message: str) -> str:
    return _git(scratch, "commit-tree", "-p", parent, tree, stdin=message.encode())
