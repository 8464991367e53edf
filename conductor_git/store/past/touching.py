"""Who else changed what conflicts."""

from __future__ import annotations

from collections.abc import Iterable

from conductor_git.core.judgement.snapshot import Snapshot
from conductor_git.core.messages import message
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.repository import Repository

_MOST = 5


def touched_by(
    repo: Repository, snapshot: Snapshot, base: Oid, source: Oid, paths: Iterable[str]
) -> dict[str, tuple[Oid, str]]:
    """By path: the step of integration that changed it last since the two parted, and whose; of the first few."""
    found: dict[str, tuple[Oid, str]] = {}
    # Not `^source`: with a path and --first-parent, git 2.39 then leaves out merges that brought that path.
    bases = [f"^{oid}" for oid in repo.git("merge-base", "--all", base, source, ok=(0, 1)).lines()]
    for path in list(paths)[:_MOST]:
        args = ("log", "-1", "--first-parent", "-m", "--format=%H", base, *bases, "--", f":(literal){path}")
        said = repo.git("-c", "log.showSignature=false", *args, ok=(0, 128)).lines()
        if said:
            found[path] = (Oid(said[0]), _whose(snapshot, Oid(said[0])))
    return found


def _whose(snapshot: Snapshot, step: Oid) -> str:
    history = snapshot.history
    for parent in history.graph.parents(step)[1:]:
        note = history.notes.get(parent)
        spoken = message.parse(note.line) if note else None
        trailers = message.read_trailers(note.trailers) if note else None
        said = spoken.plan if isinstance(spoken, message.Claim) else None
        named = trailers.plan if isinstance(trailers, message.Trailers) else None
        if said or named:
            return f"plan {said or named}"
    return "a commit of its own" if len(history.graph.parents(step)) < 2 else "a merge"
