"""`conductor-git init`: a policy, a first script that really runs, the doors, and this clone's way to the ledger."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import msgspec

from conductor_git.commands.outcome import DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.signers import SIGNERS_PATH
from conductor_git.core.findings import Finding, refused
from conductor_git.core.hooktext.agentsfile import NAME as AGENTS
from conductor_git.core.hooktext.precommitfile import PRE_COMMIT_CONFIG
from conductor_git.core.planning.firstfiles import SCRIPT, first_script, script_path
from conductor_git.core.planning.policy import POLICY_PATH, Policy
from conductor_git.core.reporting.validationtext import failed_lines, passed_lines, running_lines
from conductor_git.core.targets import INTEGRATION, Oid
from conductor_git.store.control.control import Control, founded_elsewhere, read_control
from conductor_git.store.control.firstscript import commit_first_script, is_first_script
from conductor_git.store.control.firstsigner import commit_first_signer, signs_already
from conductor_git.store.control.founding import Draft, check_founding, commit_draft, draft, write_draft
from conductor_git.store.control.mainline import branch_with_policy, find_mainline
from conductor_git.store.control.ownlines import edit_clean, write_agents_section
from conductor_git.store.files.locks import hold
from conductor_git.store.hookfiles.doorfiles import MANAGED
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.hookfiles.managers import PRE_COMMIT
from conductor_git.store.hookfiles.precommit import install_pre_commit
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.notes.signing import KEY_SETTING, conductors_signing, public_half
from conductor_git.store.notes.writer import whoami
from conductor_git.store.plumbing.config import remove_shared, set_shared
from conductor_git.store.plumbing.refs import HEADS, read_refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.validation.firstproof import Watch, prove_integration
from conductor_git.store.validation.flights import StillRunning
from conductor_git.store.validation.logs import log_tail

Say = Callable[[str], None]

_NOTHING = "nothing was changed"


class _Asked(msgspec.Struct, frozen=True):
    validate: str
    integration: str
    agents: bool
    control: str
    pre_commit: bool
    commit: bool
    sign: str


class _Told:
    """What was found, done and left alone, in the order it happened."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.did: list[str] = []
        self.kept: list[str] = []
        self.notes: list[str] = []
        self.findings: list[Finding] = []

    def lines(self) -> list[str]:
        """For people; where nothing was done, that is said."""
        if not self.did and not self.findings:
            self.kept.append("everything as it was")
        pairs = (("found", self.found), ("did", self.did), ("kept", self.kept))
        return [*(f"{word + ':':6} {line}" for word, said in pairs for line in said), *self.notes]


def init(
    repo: Repository,
    *,
    validate: str | None = None,
    integration: str = "",
    agents: bool = False,
    control: str = "",
    pre_commit: bool = False,
    commit: bool = True,
    sign: str = "",
    say: Say,
    now: int,
    max_seconds: float | None = None,
    terminal: bool = False,
) -> Outcome:
    """Begin to coordinate here; where a policy exists, only install. Again changes nothing.

    `validate` is the command that the first script runs, and it is run once on integration as it stands;
    `integration` is that branch where it cannot be found, or is another one than would be; `control` names a branch
    of its own for policy, plans and scripts; `sign` is the key that the conductor's decisions must be signed with from
    now on. The exit codes: 0, 1 where a door is missing or the first
    run failed, 4 where it goes on after `max_seconds`. Raises CannotRun where nothing could be begun.
    """
    if repo.worktree is None and not repo.bare:
        raise CannotRun("this is inside a git directory", hint=f"cd {shlex.quote(repo.root)}")
    if validate is not None and not validate.strip():
        hint = "conductor-git init --validate 'make test'"
        raise CannotRun("'--validate' names no command, and nothing proves nothing", detail=_NOTHING, hint=hint)
    asked, told = _Asked(validate or "", integration, agents, control, pre_commit, commit, sign), _Told()
    if sign and not commit:
        raise CannotRun("'--sign' changes what is committed, and '--no-commit' commits nothing", detail=_NOTHING)
    with hold(repo, "init", doing="init"):
        known = _known(repo, control)
        begun = _begin(repo, asked, told) if known is None else None
        if known is not None:
            known = _keep(repo, asked, told, known)
        book = known or (read_control(repo) if commit else None)
        if sign and book is not None:
            book = _sign(repo, told, book, sign, begun=begun is not None)
        _install(repo, asked, told, book)
    code, proof = DONE, list[str]()
    if book is not None and validate and is_first_script(repo, book, validate):
        code, proof = _first_proof(repo, asked, told, book, Watch(say, now, max_seconds, terminal))
    lines = [*told.lines(), *proof, *_next(book, begun)]
    data = {"schema": 1, "found": told.found, "did": told.did, "kept": told.kept}
    return Outcome(REFUSED if refused(told.findings) else code, "\n".join(lines), data, tuple(told.findings))


def _known(repo: Repository, control: str) -> Control | None:
    """The policy that is there already, also where only this command line says on which branch."""
    try:
        return read_control(repo)
    except CannotRun as error:
        current = (repo.head_ref() or "").removeprefix(HEADS)
        named = [control, repo.config("conductor.control") or "", current, "main", "master"]
        branch = branch_with_policy(repo, list(dict.fromkeys(filter(None, named))))
        if branch is None:
            return None
        before = repo.config("conductor.control")
        set_shared(repo, "conductor.control", branch)
        try:
            return read_control(repo)
        except CannotRun:
            remove_shared(repo, "conductor.control", branch)
            if before is not None:
                set_shared(repo, "conductor.control", before)
            raise error from None


def _begin(repo: Repository, asked: _Asked, told: _Told) -> Draft:
    # Another policy would be another repository's, and no proof would count under both.
    if elsewhere := founded_elsewhere(repo, read_refs(repo)):
        raise elsewhere
    mainline = find_mainline(repo, asked.integration)
    made = draft(repo, mainline, control=asked.control, command=asked.validate)
    policy = made.policy
    check_founding(repo, mainline, policy, commit=asked.commit)
    told.found.append(f"integration branch '{mainline.branch}' ({mainline.why})" + _at(mainline.tip))
    if made.written:
        told.kept.append(f"'{POLICY_PATH}' of the working tree")
        if asked.validate and first_script(policy, asked.validate).items() - made.files.items():
            _keep_validation(asked, told, policy)
    here = repo.head_ref() == policy.control_ref
    changed, ready = _edit(repo, asked)
    if not asked.commit:
        write_draft(repo, made)
        told.did.append(f"wrote {_names(made.files)}; nothing was committed")
        told.did += [f"changed '{name}'" for name in changed]
        return made
    oid = commit_draft(repo, made, mainline, ready if here else {})
    told.did.append(f"committed {_names(made.files)} to '{policy.control or policy.integration}' as {oid[:12]}")
    told.did += [f"changed '{name}'{_where(name, ready if here else {})}" for name in changed]
    return made


def _keep(repo: Repository, asked: _Asked, told: _Told, known: Control) -> Control:
    policy, branch = known.policy, known.ref.removeprefix(HEADS)
    told.found.append(f"a policy on '{branch}', with {len(known.plans)} plan{'s' * (len(known.plans) != 1)}")
    if asked.integration and asked.integration != policy.integration:
        told.kept.append(f"integration branch '{policy.integration}', instead of '{asked.integration}'")
        told.notes.append(_to_change("'integration'", POLICY_PATH, policy))
    if asked.validate and not is_first_script(repo, known, asked.validate):
        conducts = asked.commit and whoami(repo, known.plans).role == "conductor"
        oid = commit_first_script(repo, known, asked.validate) if conducts else None
        if oid is None:
            _keep_validation(asked, told, policy)
        else:
            told.did.append(
                f"committed '{script_path(policy)}' to '{branch}' as {oid[:12]}, and named it in the policy"
            )
            known = read_control(repo)
    changed, _ = _edit(repo, asked)
    told.did += [f"changed '{name}'{_where(name, {})}" for name in changed]
    return known


def _keep_validation(asked: _Asked, told: _Told, policy: Policy) -> None:
    script = policy.validation.default
    path = f"{policy.scripts}/{script or SCRIPT}"
    what = f"'{path}' as the validation" if script else "a policy that names no validation"
    told.kept.append(f"{what}, instead of '{asked.validate}'")
    told.notes.append(_to_change("it", path if script else POLICY_PATH, policy))


def _to_change(what: str, path: str, policy: Policy) -> str:
    branch = policy.control or policy.integration
    return f"note: to change {what}: edit '{path}' where '{branch}' is checked out, then conductor-git plan commit"


def _edit(repo: Repository, asked: _Asked) -> tuple[tuple[str, ...], dict[str, bytes]]:
    root = repo.worktree
    if not (asked.agents or asked.pre_commit):
        return (), {}
    if root is None:
        raise CannotRun("'--agents' and '--pre-commit' change files of a working tree, and there is none here")

    def edit() -> tuple[str, ...]:
        sections = write_agents_section(root) if asked.agents else ()
        return (*sections, *(PRE_COMMIT.add(root, MANAGED) if asked.pre_commit else ()))

    return edit_clean(repo, [AGENTS, PRE_COMMIT_CONFIG], edit)


def _install(repo: Repository, asked: _Asked, told: _Told, book: Control | None) -> None:
    if asked.pre_commit and repo.worktree is not None:
        done, finding = install_pre_commit(repo.worktree, MANAGED)
        told.did += [done] if done else []
        told.findings += [finding] if finding else []
    doors = install_doors(repo, book)
    told.did += doors.done
    told.findings += doors.findings
    told.did += [f"'git fetch {remote}' brings the ledger now" for remote in ensure_refspecs(repo)]


def _sign(repo: Repository, told: _Told, book: Control, key: str, *, begun: bool) -> Control:
    """Let the conductor's decisions count with this key's signature only."""
    policy, branch = book.policy, book.ref.removeprefix(HEADS)
    signing = conductors_signing(repo, policy, key)
    public = public_half(signing)
    if not signs_already(book, public):
        conducts = whoami(repo, book.plans).role == "conductor"
        tip = "" if begun else repo.resolve(policy.integration_ref) or ""
        oid = commit_first_signer(repo, book, public, since=tip) if conducts else None
        if oid is None:
            told.kept.append(f"'[trust]' and '{SIGNERS_PATH}' as they are on '{branch}'")
            told.notes.append(_to_change("who may sign", SIGNERS_PATH, policy))
            return book
        told.did.append(f"committed '{SIGNERS_PATH}' and '[trust]' to '{branch}' as {oid[:12]}")
        book = read_control(repo)
    if set_shared(repo, KEY_SETTING, signing.key):
        told.did.append(f"the conductor signs with '{signing.key}' here")
    if book.policy.trust.attestations == "none":
        told.notes += _UNSIGNED_RESULTS
    return book


_UNSIGNED_RESULTS = (
    "note: results are not signed yet. Each agent and runner makes a key (ssh-keygen -t ed25519 -f ~/.ssh/agent-2) and",
    "      names it where it works: export CONDUCTOR_SIGNING_KEY=~/.ssh/agent-2",
    f"      '{SIGNERS_PATH}' allows it: agent-2 namespaces=\"conductor-git/agent@v1\" ssh-ed25519 AAAA…",
    f"      (a runner as runner-NAME, conductor-git/runner@v1); then, under '[trust]' of '{POLICY_PATH}',",
    '      attestations = "agent" (or "runner"), and conductor-git plan commit',
)


def _first_proof(repo: Repository, asked: _Asked, told: _Told, book: Control, watch: Watch) -> tuple[int, list[str]]:
    answer = prove_integration(repo, watch)
    if answer is None:
        return DONE, ["note: there is nothing to validate yet: integration has no files of its own"]
    if isinstance(answer, Finding):
        told.findings.append(answer)
        return REFUSED, []
    branch = book.policy.integration
    log = [f"log: {answer.log}"] if answer.log else []
    if isinstance(answer, StillRunning):
        again = f"conductor-git init --validate {shlex.quote(asked.validate)}"
        return NOT_YET, [*_named(running_lines(INTEGRATION, SCRIPT, answer.seconds, again), branch), *log]
    proof = answer.attestation
    if proof.passed:
        return DONE, [*_named(passed_lines(proof, reused=answer.reused, now=watch.now), branch), *log]
    tail = [] if watch.terminal else log_tail(answer.log)
    return REFUSED, [*_named(failed_lines(proof, answer.changed, tail), branch), *log]


def _named(lines: list[str], branch: str) -> list[str]:
    # People know the branch, and not the name that its proofs go by.
    return [lines[0].replace(f"plan {INTEGRATION}", f"'{branch}'", 1), *lines[1:]]


def _next(book: Control | None, begun: Draft | None) -> list[str]:
    policy = book.policy if book else begun.policy if begun else None
    notes = []
    if policy is not None and not policy.validation.default and not (book and book.plans):
        notes = ["note: nothing can be proven yet; this says how: conductor-git init --validate 'CMD'"]
    if book is None:
        return [*notes, "next: git add .conductor && git commit -m 'Coordinate the work on this repository'"]
    if book.plans:
        return [*notes, "next: conductor-git status"]
    return [*notes, "next: conductor-git delegate 'TITLE' --wave 'FIRST STEP'"]


def _names(files: dict[str, bytes]) -> str:
    return ", ".join(f"'{path}'" for path in files if not path.endswith("/.gitkeep"))


def _at(tip: Oid | None) -> str:
    return f" at {tip[:12]}" if tip else ""


def _where(name: str, committed: dict[str, bytes]) -> str:
    if name in committed:
        return ", committed too"
    return f"; to share it: git add {name} && git commit -m 'Change {name}' -- {name}"
