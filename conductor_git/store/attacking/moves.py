"""The attacks, carried out: each prepares what it needs with hooks off, then tries its one forbidden step."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from conductor_git.core.events.demand import Trust
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.planning.policytext import render_policy
from conductor_git.core.targets import Target
from conductor_git.store.attacking.field import Attempt, Field
from conductor_git.store.attacking.ground import BRANCH, OTHER, OTHER_BRANCH, PLAN, SCRIPT
from conductor_git.store.hookfiles.receipts import RECEIPT
from conductor_git.store.notes.ledger import append
from conductor_git.store.plumbing.repository import discover

Move = Callable[[Field], Attempt]

_CLAIM = "✅ Wave 1 Complete"
_COMMIT = ("commit", "-q", "--allow-empty", "-m", _CLAIM)
_TIP = f"refs/heads/{BRANCH}"


def _plain_claim(field: Field) -> Attempt:
    return field.attempt("git", *_COMMIT)


def _no_verify(field: Field) -> Attempt:
    return field.attempt("git", *_COMMIT, "--no-verify")


def _manager_skip(field: Field) -> Attempt:
    hooks = "conductor-commit-msg,conductor-pre-commit,conductor-git,commit-msg,pre-commit"
    env = {"SKIP": hooks, "PREK_SKIP": hooks, "HUSKY": "0", "LEFTHOOK": "0", "LEFTHOOK_EXCLUDE": hooks}
    return field.attempt("git", *_COMMIT, env=env)


def _hooks_path_flag(field: Field) -> Attempt:
    return field.attempt("git", "-c", f"core.hooksPath={os.devnull}", *_COMMIT)


def _hooks_path_environment(field: Field) -> Attempt:
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": os.devnull}
    return field.attempt("git", *_COMMIT, env=env)


def _hooks_path_worktree(field: Field) -> Attempt:
    field.quiet("config", "extensions.worktreeConfig", "true")
    field.quiet("config", "--worktree", "core.hooksPath", os.devnull)
    return field.attempt("git", *_COMMIT)


def _raw_ref(field: Field) -> Attempt:
    claim = _unproven(field)
    with open(os.path.join(field.root, ".git", _TIP), "w", encoding="ascii") as file:
        file.write(f"{claim}\n")
    return field.attempt("git", "rev-parse", "--verify", BRANCH)


def _update_ref(field: Field) -> Attempt:
    return field.attempt("git", "update-ref", _TIP, _unproven(field))


def _fast_import(field: Field) -> Attempt:
    text = f"commit {_TIP}\ncommitter drill <drill> 1700000000 +0000\ndata {len(_CLAIM.encode())}\n{_CLAIM}\n"
    return field.attempt("git", "fast-import", "--quiet", stdin=f"{text}from {_TIP}^0\n\n")


def _reset(field: Field) -> Attempt:
    return field.attempt("git", "reset", "-q", "--hard", _unproven(field))


def _rebase(field: Field) -> Attempt:
    side = _commit(field, field.ground.integration, "moved on")
    editor = f"sequence.editor=echo pick {_unproven(field)} >>"
    return field.attempt("git", "-c", editor, "rebase", "-q", "-i", "--empty=keep", side)


def _cherry_pick(field: Field) -> Attempt:
    return field.attempt("git", "cherry-pick", "--allow-empty", _commit(field, field.ground.integration, _CLAIM))


def _fast_forward(field: Field) -> Attempt:
    return field.attempt("git", "merge", "-q", "--ff-only", _unproven(field))


def _forged_receipt(field: Field) -> Attempt:
    # After some honest work: a door that finds no guard files yet judges whatever comes.
    field.attempt("git", "commit", "-q", "--allow-empty", "-m", "work")
    claim = _unproven(field)
    commit = field.quiet("log", "-1", "--format=%T %P", claim)
    _write(field, os.path.join(".git", RECEIPT), f"{_CLAIM}\nConductor-Plan: {PLAN}\n{commit}\n")
    return field.attempt("git", "update-ref", _TIP, claim)


def _branch_replaced(field: Field) -> Attempt:
    field.quiet("checkout", "-q", "--detach")
    field.quiet("update-ref", "refs/heads/spare", _unproven(field))
    return field.attempt("git", "branch", "-C", "spare", BRANCH)


def _amend_after_proof(field: Field) -> Attempt:
    _write(field, "drill.txt", "good, and something else\n")
    return field.attempt("git", "commit", "-q", "-a", "--amend", "--no-edit", "--no-verify")


def _replayed_proof(field: Field) -> Attempt:
    trailers = f"Conductor-Plan: {PLAN}\nConductor-Wave: 1\nConductor-Proof: {field.ground.proof}"
    return field.attempt("git", "update-ref", _TIP, _commit(field, BRANCH, f"{_CLAIM}\n\n{trailers}"))


def _lookalike(field: Field) -> Attempt:
    return field.attempt("git", "commit", "-q", "--allow-empty", "-m", "✔\N{VARIATION SELECTOR-16} Wave 1 Complete")


def _weakened_gate(field: Field) -> Attempt:
    _write(field, f".conductor/scripts/{SCRIPT}", "#!/bin/sh\nexit 0\n")
    field.quiet("add", "--force", ".conductor")
    return field.attempt("git", "commit", "-q", "-m", "tidy up")


def _foreign_merge(field: Field) -> Attempt:
    start = _commit(field, field.ground.integration, f"▶ PLAN {OTHER} START - {OTHER}\n\nConductor-Plan: {OTHER}")
    work = field.quiet("commit-tree", "-p", start, "-m", "work", _smuggled(field))
    field.quiet("update-ref", f"refs/heads/{OTHER_BRANCH}", work)
    return field.attempt("git", "merge", "-q", "--no-ff", "--no-verify", "-m", "take", OTHER_BRANCH)


def _forged_line(field: Field) -> Attempt:
    return _rewrite_line(field, '"writer":"', '"writer":"other-', anew=True)


def _edited_line(field: Field) -> Attempt:
    return _rewrite_line(field, "PASSED", "FAILED", anew=False)


def _ledger_rewound(field: Field) -> Attempt:
    before = field.quiet("rev-parse", field.ground.ledger)
    _remark(field, "a second line")
    field.remember()
    return field.attempt("git", "update-ref", field.ground.ledger, before)


def _invented_result(field: Field) -> Attempt:
    # What it stands on is the proof of wave 0, with another wave's name on it.
    predicate = field.ground.statement["predicate"]
    invented = {
        **field.ground.statement,
        "predicate": {**predicate, "conductor": {**predicate["conductor"], "wave": 1}},
    }
    append(
        discover(field.root),
        writer=predicate["conductor"]["writer"],
        kind="attestation",
        data={"statement": invented},
        target=Target(PLAN, 1),
        now=predicate["conductor"]["ended"],
        signing=field.ground.signing,
    )
    return field.attempt("git", *_COMMIT)


def _conductors_word(field: Field) -> Attempt:
    claim = _unproven(field)
    field.quiet("update-ref", f"refs/heads/{field.ground.trunk}", claim)
    append(discover(field.root), writer="conductor", kind="acceptance", data={"commit": claim}, now=1)
    return field.attempt("git", "rev-parse", "--verify", field.ground.trunk)


def _trust_lowered(field: Field) -> Attempt:
    control = field.ground.control
    policy = render_policy(msgspec.structs.replace(control.policy, trust=Trust()))
    ref = control.policy.control_ref
    blob = field.quiet("hash-object", "-w", "--stdin", stdin=policy)
    env = {"GIT_INDEX_FILE": os.path.join(field.root, ".git", "lowered")}
    field.quiet("read-tree", ref, env=env)
    field.quiet("update-index", "--cacheinfo", f"100644,{blob},{POLICY_PATH}", env=env)
    commit = field.quiet("commit-tree", "-p", ref, "-m", "tidy up", field.quiet("write-tree", env=env))
    return field.attempt("git", "update-ref", ref, commit, env={"CONDUCTOR_WRITER": "conductor"})


def _plan_taken(field: Field) -> Attempt:
    said = {"agent": "intruder", "agent_kind": "", "branch": BRANCH, "workspace": "", "brief": "", "reason": "mine"}
    taken = {**said, "supersedes": field.ground.claim}
    repo, target = discover(field.root), Target(PLAN, 0)
    append(repo, writer="intruder", kind="delegation", data=taken, target=target, now=1)
    append(repo, writer="intruder", kind="reopening", data={"commit": field.ground.claim}, target=target, now=1)
    return field.attempt("git", "rev-parse", "--verify", field.ground.ledger)


def _integration_moved(field: Field) -> Attempt:
    return field.attempt("git", "update-ref", f"refs/heads/{field.ground.trunk}", field.ground.claim)


def _integration_rewound(field: Field) -> Attempt:
    trunk = f"refs/heads/{field.ground.trunk}"
    field.quiet("update-ref", trunk, _landing(field, f"{field.ground.claim}^{{tree}}"))
    field.remember()
    return field.attempt("git", "update-ref", trunk, field.ground.integration)


def _in_conductors_place(field: Field) -> Attempt:
    field.quiet("update-ref", _TIP, _unproven(field))
    place = os.path.join(os.path.dirname(field.root), "conductors")
    field.quiet("worktree", "prune")
    field.quiet("worktree", "add", "-q", "--force", place, field.ground.trunk)
    try:
        merge = ("merge", "-q", "--no-ff", "-m", "land", BRANCH)
        return field.attempt("git", "-C", place, *merge, env={"CONDUCTOR_WRITER": "conductor"})
    finally:
        field.quiet("worktree", "remove", "--force", place)


def _evil_merge(field: Field) -> Attempt:
    evil = _landing(field, _smuggled(field))
    return field.attempt("git", "update-ref", f"refs/heads/{field.ground.trunk}", evil)


def _replace_ref(field: Field) -> Attempt:
    evil = _landing(field, _smuggled(field))
    good = _landing(field, f"{field.ground.claim}^{{tree}}")
    field.quiet("update-ref", f"refs/heads/{field.ground.trunk}", evil)
    return field.attempt("git", "replace", evil, good)


def _unproven(field: Field) -> str:
    """A claim of wave 1 on top of the plan's branch."""
    return _commit(field, BRANCH, f"{_CLAIM}\n\nConductor-Plan: {PLAN}")


def _commit(field: Field, parent: str, message: str) -> str:
    return field.quiet("commit-tree", "-p", parent, "-m", message, f"{parent}^{{tree}}")


def _landing(field: Field, tree: str) -> str:
    parents = ("-p", field.ground.integration, "-p", field.ground.claim)
    return field.quiet("commit-tree", *parents, "-m", "land", field.quiet("rev-parse", tree))


def _smuggled(field: Field) -> str:
    """The claim's tree with one more file."""
    blob = field.quiet("hash-object", "-w", "--stdin", stdin="smuggled\n")
    listed = field.quiet("ls-tree", "-z", field.ground.claim)
    return field.quiet("mktree", "-z", stdin=f"{listed}100644 blob {blob}\tsmuggled.txt\0")


def _write(field: Field, path: str, text: str) -> None:
    with open(os.path.join(field.root, path), "w", encoding="utf-8") as file:
        file.write(text)


def _remark(field: Field, text: str) -> None:
    """One more honest line in the ledger."""
    writer = field.ground.statement["predicate"]["conductor"]["writer"]
    append(discover(field.root), writer=writer, kind="memory", data={"text": text}, now=1)


def _rewrite_line(field: Field, old: str, new: str, *, anew: bool) -> Attempt:
    """Put a changed line into the ledger by plain git: beside the one that it was, as a note of its own, or in its
    place."""
    mode, _, rest = field.quiet("ls-tree", "-r", field.ground.ledger).splitlines()[0].partition(" blob ")
    oid, _, path = rest.partition("\t")
    line = field.quiet("cat-file", "blob", oid).replace(old, new)
    made = field.quiet("hash-object", "-w", "--stdin", stdin=f"{line}\n")
    env = {"GIT_INDEX_FILE": os.path.join(field.root, ".git", "forged")}
    field.quiet("read-tree", field.ground.ledger, env=env)
    place = f"{made[:2]}/{made[2:]}" if anew else path
    field.quiet("update-index", "--add", "--cacheinfo", f"{mode},{made},{place}", env=env)
    commit = field.quiet("commit-tree", "-p", field.ground.ledger, "-m", "conductor: clock 2 known 2",
                         field.quiet("write-tree", env=env))  # fmt: skip
    return field.attempt("git", "update-ref", field.ground.ledger, commit)


MOVES: dict[str, Move] = {
    "plain-claim": _plain_claim,
    "no-verify": _no_verify,
    "manager-skip": _manager_skip,
    "hooks-path-flag": _hooks_path_flag,
    "hooks-path-environment": _hooks_path_environment,
    "hooks-path-worktree": _hooks_path_worktree,
    "raw-ref": _raw_ref,
    "update-ref": _update_ref,
    "fast-import": _fast_import,
    "reset": _reset,
    "rebase": _rebase,
    "cherry-pick": _cherry_pick,
    "fast-forward": _fast_forward,
    "forged-receipt": _forged_receipt,
    "branch-replaced": _branch_replaced,
    "amend-after-proof": _amend_after_proof,
    "replayed-proof": _replayed_proof,
    "lookalike": _lookalike,
    "weakened-gate": _weakened_gate,
    "foreign-merge": _foreign_merge,
    "forged-line": _forged_line,
    "edited-line": _edited_line,
    "ledger-rewound": _ledger_rewound,
    "invented-result": _invented_result,
    "conductors-word": _conductors_word,
    "trust-lowered": _trust_lowered,
    "plan-taken": _plan_taken,
    "integration-moved": _integration_moved,
    "integration-rewound": _integration_rewound,
    "in-conductors-place": _in_conductors_place,
    "evil-merge": _evil_merge,
    "replace-ref": _replace_ref,
}
"""How each attack of the table is carried out."""
