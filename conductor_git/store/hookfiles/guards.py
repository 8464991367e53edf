"""The small files that let hook files answer without Python: what each branch may not touch."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Container, Iterable
from contextlib import suppress

from conductor_git.core.hooktext.guards import (
    control_paths,
    guard_specs,
    guarded_refs,
    known,
    questions,
    render_executors,
    render_specs,
)
from conductor_git.core.judgement.snapshot import Freeze
from conductor_git.core.targets import Oid, Target, is_target, parse_target
from conductor_git.store.control.control import Control, read_control
from conductor_git.store.files.refused import cannot
from conductor_git.store.plumbing.repository import Repository

_DRAFT = ".tmp-"
_DRAFT_AGE = 3600
"""Seconds after which a draft was left by a process that died."""


def write_guards(repo: Repository, control: Control, *, anew: bool = False, frozen: Iterable[Target] = ()) -> None:
    """Write what the hook files need for this control commit, unless it stands already; sweep what is older.

    `frozen` are waves that froze paths by now, besides those that were named before. `anew` writes it in any case, as
    a new version of conductor-git must. Raises CannotRun where the git directory cannot be written.
    """
    folder = guards_folder(repo)
    known = _read_frozen(repo)
    waves = known | {str(target) for target in frozen}
    try:
        os.makedirs(folder, exist_ok=True)
        if waves != known:
            _write_if_other(_frozen_file(repo), "".join(f"{wave}\n" for wave in sorted(waves)))
        if anew or waves != known or not _stands(os.path.join(folder, control.oid)):
            _put(folder, control, frozenset(map(parse_target, waves)))
        # Last: until now hook files look for the guards of the old control commit, or ask Python.
        _write_if_other(os.path.join(repo.private, "control-ref"), _control_ref(repo, control))
        _sweep(folder, control.oid)
    except OSError as error:
        raise cannot("written", folder, error, detail="nothing was changed") from error


def note_frozen(repo: Repository, freezes: Iterable[Freeze]) -> None:
    """Let the doors hear of waves that froze paths, where they stand and did not know."""
    waves = [freeze.target for freeze in freezes]
    if os.path.isdir(guards_folder(repo)) and {str(wave) for wave in waves} - _read_frozen(repo):
        write_guards(repo, read_control(repo), frozen=waves)


def _frozen_file(repo: Repository) -> str:
    return os.path.join(repo.private, "frozen")


def _read_frozen(repo: Repository) -> set[str]:
    """The waves that are known to have frozen paths. It only grows: the judge says what is frozen."""
    with suppress(OSError, UnicodeDecodeError), open(_frozen_file(repo), encoding="ascii") as file:
        return {line for line in file.read().splitlines() if is_target(line)}
    return set()


def remove_guards(repo: Repository) -> None:
    """Take away what `write_guards` wrote."""
    shutil.rmtree(guards_folder(repo), ignore_errors=True)
    for name in ("control-ref", "frozen"):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(repo.private, name))


def guards_folder(repo: Repository) -> str:
    """Where they stand while the doors are installed."""
    return os.path.join(repo.private, "guards")


def _stands(place: str) -> bool:
    return all(os.path.isfile(os.path.join(place, name)) for name in ("default", "known", "executors"))


def _put(folder: str, control: Control, frozen: Container[Target]) -> None:
    draft = tempfile.mkdtemp(prefix=f"{control.oid}{_DRAFT}", dir=folder)
    try:
        for ref in guarded_refs(control.policy, control.plans):
            # '~' ends no ref: branches 'a' and 'a/b' have a file and a folder.
            path = os.path.join(draft, f"{ref}~")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _write(path, render_specs(guard_specs(control.policy, control.plans, ref, frozen)))
            for name, question in questions(control.policy, control.plans, ref, frozen).items():
                _write(f"{path}{name}", question)
        _write(os.path.join(draft, "paths"), "".join(f"{path}\n" for path in control_paths(control.policy)))
        _write(os.path.join(draft, "known"), known(control.policy))
        _write(os.path.join(draft, "executors"), render_executors(control.plans))
        _write(os.path.join(draft, "default"), render_specs(guard_specs(control.policy, control.plans, "", frozen)))
        _swap(draft, os.path.join(folder, control.oid))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _swap(draft: str, place: str) -> None:
    try:
        os.rename(draft, place)
    except OSError:
        # A folder with files in it cannot be replaced in one step. Hook files that look in between ask Python.
        old = f"{draft}.old"
        with suppress(FileNotFoundError):
            os.rename(place, old)
        try:
            os.rename(draft, place)
        except OSError:
            # Another process put the same guards there first.
            if not _stands(place):
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


def _control_ref(repo: Repository, control: Control) -> str:
    watched = {control.ref: control.oid, **_copies(repo, control)}
    return f"{control.oid}\n" + "".join(f"{ref} {oid}\n" for ref, oid in sorted(watched.items()))


def _copies(repo: Repository, control: Control) -> dict[str, Oid]:
    """The control branch here, and its upstream as last seen: when one moves, the other may be what counts."""
    branch = control.policy.control_ref
    said = repo.git("for-each-ref", "--format=%(refname) %(objectname) %(upstream)", branch).lines()
    local = next((line.split(" ") for line in said if line.startswith(f"{branch} ")), None)
    if local is None:
        return {}
    found = {branch: Oid(local[1])}
    upstream = repo.resolve(local[2]) if local[2] else None
    return found if upstream is None else {**found, local[2]: upstream}


def _sweep(folder: str, current: Oid) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name != current and (_DRAFT not in name or _older(path)):
            shutil.rmtree(path, ignore_errors=True)


def _older(path: str) -> bool:
    try:
        return os.stat(path).st_mtime < time.time() - _DRAFT_AGE
    except FileNotFoundError:
        return False


def _write_if_other(path: str, text: str) -> None:
    with suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as file:
        if file.read() == text:
            return
    draft = f"{path}{_DRAFT}{os.getpid()}"
    _write(draft, text)
    os.replace(draft, path)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
