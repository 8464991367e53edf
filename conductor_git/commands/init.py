"""`conductor-git init`: a policy, a first script that really runs, the doors, and this clone's way to the ledger."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import msgspec

from conductor_git.commands.outcome import DONE, NOT_YET, REFUSED, Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.findings import Finding, refused
from conductor_git.core.hooktext.agentsfile import NAME as AGENTS
from conductor_git.core.hooktext.precommitfile import PRE_COMMIT_CONFIG
from conductor_git.core.planning.firstfiles import SCRIPT, first_files, script_path
from conductor_git.core.planning.policy import POLICY_PATH
from conductor_git.core.reporting.validationtext import failed_lines, passed_lines, running_lines
from conductor_git.core.targets import Oid
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.control.founding import Draft, check_founding, commit_draft, draft, write_draft
from conductor_git.store.control.mainline import branch_with_policy, find_mainline
from conductor_git.store.control.ownlines import edit_clean, write_agents_section
from conductor_git.store.files.locks import hold
from conductor_git.store.hookfiles.doorfiles import DOORS
from conductor_git.store.hookfiles.hooks import install_doors
from conductor_git.store.hookfiles.managers import PRE_COMMIT
from conductor_git.store.hookfiles.precommit import install_pre_commit
from conductor_git.store.notes.refspecs import ensure_refspecs
from conductor_git.store.plumbing.config import remove_shared, set_shared
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import HEADS
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.validation.firstproof import INTEGRATION, Watch, prove_integration
from conductor_git.store.validation.flights import StillRunning
from conductor_git.store.validation.logs import log_tail

Say = Callable[[str], None]


class _Asked(msgspec.Struct, frozen=True):
    validate: str
    agents: bool
    control: str
    pre_commit: bool
    commit: bool


class _Told:
    """What was found, done and left alone, in the order it happened."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.did: list[str] = []
        self.kept: list[str] = []
        self.findings: list[Finding] = []

    def lines(self) -> list[str]:
        """For people; where nothing was done, that is said."""
        if not self.did and not self.findings:
            self.kept.append("everything as it was")
        pairs = (("found", self.found), ("did", self.did), ("kept", self.kept))
        return [f"{word + ':':6} {line}" for word, said in pairs for line in said]


def init(
    repo: Repository,
    *,
    validate: str = "",
    agents: bool = False,
    control: str = "",
    pre_commit: bool = False,
    commit: bool = True,
    say: Say,
    now: int,
    max_seconds: float | None = None,
    terminal: bool = False,
) -> Outcome:
    """Begin to coordinate here; where a policy exists, only install. Again changes nothing.

    `validate` is the command that the first script runs, and it is run once on integration as it stands; `control`
    names a branch of its own for policy, plans and scripts. The exit codes: 0, 1 where a door is missing or the first
    run failed, 4 where it goes on after `max_seconds`. Raises CannotRun where nothing could be begun.
    """
    if repo.worktree is None and not repo.bare:
        raise CannotRun("this is inside a git directory", hint=f"cd {shlex.quote(repo.root)}")
    asked, told = _Asked(validate, agents, control, pre_commit, commit), _Told()
    with hold(repo, "init", doing="init"):
        known = _known(repo, control)
        begun = _begin(repo, asked, told) if known is None else None
        if known is not None:
            _keep(repo, asked, told, known)
        book = known or (read_control(repo) if commit else None)
        _install(repo, asked, told, book)
    code, proof = DONE, list[str]()
    if book is not None and validate and _is_first_script(repo, book, validate):
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
    mainline = find_mainline(repo)
    made = draft(repo, mainline, control=asked.control, command=asked.validate)
    policy = made.policy
    check_founding(repo, mainline, policy, commit=asked.commit)
    told.found.append(f"integration branch '{mainline.branch}' ({mainline.why})" + _at(mainline.tip))
    if made.written:
        told.kept.append(f"'{POLICY_PATH}' of the working tree")
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


def _keep(repo: Repository, asked: _Asked, told: _Told, known: Control) -> None:
    told.found.append(f"a policy on '{known.ref.removeprefix(HEADS)}', with {len(known.plans)} plans")
    if asked.validate and not _is_first_script(repo, known, asked.validate):
        told.kept.append(f"the policy's own validation, instead of '{asked.validate}'")
    changed, _ = _edit(repo, asked)
    told.did += [f"changed '{name}'{_where(name, {})}" for name in changed]


def _edit(repo: Repository, asked: _Asked) -> tuple[tuple[str, ...], dict[str, bytes]]:
    root = repo.worktree
    if not (asked.agents or asked.pre_commit):
        return (), {}
    if root is None:
        raise CannotRun("'--agents' and '--pre-commit' change files of a working tree, and there is none here")

    def edit() -> tuple[str, ...]:
        sections = write_agents_section(root) if asked.agents else ()
        return (*sections, *(PRE_COMMIT.add(root, DOORS) if asked.pre_commit else ()))

    return edit_clean(repo, [AGENTS, PRE_COMMIT_CONFIG], edit)


def _install(repo: Repository, asked: _Asked, told: _Told, book: Control | None) -> None:
    if asked.pre_commit and repo.worktree is not None:
        done, finding = install_pre_commit(repo.worktree, DOORS)
        told.did += [done] if done else []
        told.findings += [finding] if finding else []
    doors = install_doors(repo, book)
    told.did += doors.done
    told.findings += doors.findings
    told.did += [f"'git fetch {remote}' brings the ledger now" for remote in ensure_refspecs(repo)]


def _is_first_script(repo: Repository, known: Control, validate: str) -> bool:
    path = script_path(known.policy)
    (wanted,) = (body for name, body in first_files(known.policy, validate).items() if name == path)
    return [read.body for read in read_objects(repo, [f"{known.oid}:{path}"])] == [wanted]


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
        notes = [
            f"note: nothing can be proven yet: name a script of '{policy.scripts}/' as 'default' in '{POLICY_PATH}'"
        ]
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
