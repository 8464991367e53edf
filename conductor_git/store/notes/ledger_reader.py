"""Reading the ledger: a constant number of git processes, and no note is read twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.events.event import BadLine, Event, parse_line
from conductor_git.core.events.ledger import Ledger, assemble
from conductor_git.core.targets import Oid
from conductor_git.store.files import memo
from conductor_git.store.plumbing import loose
from conductor_git.store.plumbing.missing import fetch_blobs
from conductor_git.store.plumbing.objects import read_objects
from conductor_git.store.plumbing.refs import LEDGER, LEDGER_COPIES, Refs
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.plumbing.seen import was_seen
from conductor_git.store.plumbing.settings import read_settings

_MEMO = "ledger"


class _Note(msgspec.Struct, frozen=True, array_like=True):
    """One note under its own key, in a ledger of this name (`<writer>.<clone>`) or any copy of it."""

    id: Oid
    name: str
    raw: bytes


class _Misplaced(msgspec.Struct, frozen=True, array_like=True):
    """Something in a ledger that is no note under its own key."""

    id: Oid
    name: str
    why: str


class _Read(msgspec.Struct, frozen=True):
    """What was read so far: notes as they stand in git, parsed anew each time so that a newer parser sees them all."""

    tips: dict[str, Oid] = {}
    trees: dict[str, Oid] = {}
    notes: list[_Note] = []
    misplaced: list[_Misplaced] = []


class _Entry(msgspec.Struct, frozen=True):
    """A file that a ledger's tree has gained."""

    mode: str
    id: Oid
    path: str

    @property
    def is_note(self) -> bool:
        """Whether it is a blob under its own name; `git notes` may have changed how the name is cut into folders."""
        return self.mode == "100644" and self.path.replace("/", "") == self.id


def read_ledger(repo: Repository, *, refs: Refs | None = None, use_cache: bool = True) -> Ledger:
    """The union of all ledgers that are known here; `refs` where the caller has read them already.

    Raises GitFailed where git cannot read a ledger's objects.
    """
    tips = _tips(repo) if refs is None else refs.ledger()
    before = (memo.load(repo, _MEMO, _Read) if use_cache else None) or _Read()
    after = _brought_up(repo, before, tips)
    if use_cache and after is not before:
        memo.save(repo, _MEMO, after)
    return assemble(_lines(after), tips, fetched=_is_fetched(repo, tips, refs))


def _tips(repo: Repository) -> dict[str, Oid]:
    listed = repo.git("for-each-ref", "--format=%(objectname) %(refname)", LEDGER, LEDGER_COPIES)
    return {ref: Oid(oid) for oid, ref in (line.split(" ", 1) for line in listed.lines())}


def _brought_up(repo: Repository, known: _Read, tips: Mapping[str, Oid]) -> _Read:
    """`known` with what came since; `known` itself where nothing moved."""
    if known.tips == tips:
        return known
    moved = {ref: tip for ref, tip in tips.items() if known.tips.get(ref) != tip}
    trees = _trees(repo, moved)
    fetch_blobs(repo, trees.values())
    if known.tips.keys() <= tips.keys() and known.trees.keys() & moved.keys() <= trees.keys():
        gained = _gained(repo, {ref: (known.trees.get(ref), tree) for ref, tree in trees.items()})
        if gained is not None:
            treeless = [
                _Misplaced(tip, _name(ref), "it is no ledger") for ref, tip in moved.items() if ref not in trees
            ]
            return _extended(repo, known, tips, trees, gained, treeless)
    # A ref is gone, was rewound, or lost a line: only what stands in the trees of now counts.
    return _brought_up(repo, _Read(), tips)


def _trees(repo: Repository, tips: Mapping[str, Oid]) -> dict[str, Oid]:
    """The tree of each tip; a tip that has none is left out."""
    trees = {ref: tree for ref, tip in tips.items() if (tree := loose.read_tree_of(repo, tip))}
    packed = [ref for ref in tips if ref not in trees]
    if packed:
        asked = "".join(f"{tips[ref]}^{{tree}}\n" for ref in packed).encode()
        answers = repo.git("cat-file", "--batch-check=%(objectname)", stdin=asked).lines()
        trees |= {ref: Oid(answer) for ref, answer in zip(packed, answers, strict=True) if " " not in answer}
    return trees


def _gained(repo: Repository, moves: Mapping[str, tuple[Oid | None, Oid]]) -> dict[str, list[_Entry]] | None:
    """What each ref's tree has that its old one had not; None when one has lost or changed something."""
    empty = repo.hash("tree", b"")
    pairs = {ref: f"{old or empty} {new}" for ref, (old, new) in moves.items()}
    asked = "".join(f"{pair}\n" for pair in dict.fromkeys(pairs.values())).encode()
    # Each pair is answered by itself as a heading, then one line a change (git-diff-tree, "raw output format").
    found: dict[str, list[_Entry]] = {}
    entries: list[_Entry] = []
    for line in repo.git("diff-tree", "--stdin", "-r", "--raw", "--no-abbrev", "--always", stdin=asked).lines():
        if not line.startswith(":"):
            found[line] = entries = []
            continue
        change, _, path = line.partition("\t")
        _, mode, _, oid, status = change.split(" ")
        if status != "A":
            return None
        entries.append(_Entry(mode, Oid(oid), path))
    for ref, pair in pairs.items():
        if pair not in found:
            if moves[ref][0] is None:
                raise CannotRun(f"the tree of '{ref}' cannot be read", hint="git fsck")
            return None
    return {ref: found[pair] for ref, pair in pairs.items()}


def _extended(
    repo: Repository,
    known: _Read,
    tips: Mapping[str, Oid],
    trees: Mapping[str, Oid],
    gained: Mapping[str, list[_Entry]],
    misplaced: list[_Misplaced],
) -> _Read:
    carried: dict[tuple[Oid, str], None] = {}
    for ref, entries in gained.items():
        for entry in entries:
            if entry.is_note:
                carried[entry.id, _name(ref)] = None
            else:
                misplaced.append(_Misplaced(entry.id, _name(ref), f"its key is '{entry.path}'"))
    for note in known.notes:
        carried.pop((note.id, note.name), None)
    bodies = _bodies(repo, {id for id, _ in carried})
    notes = [_Note(id, name, bodies[id]) for id, name in carried]
    return _Read(dict(tips), {**known.trees, **trees}, known.notes + notes, known.misplaced + misplaced)


def _bodies(repo: Repository, ids: set[Oid]) -> dict[Oid, bytes]:
    bodies = {found.oid: found.body for found in read_objects(repo, ids)}
    missing = sorted(ids - bodies.keys())
    if missing:
        # Never half a ledger: a blocker or a failed validation might be what is missing.
        raise CannotRun(
            f"{len(missing)} events of the ledger are missing, the first is '{missing[0]}'", hint="git fsck"
        )
    return bodies


def _name(ref: str) -> str:
    """What is the same in a ref and in all its copies."""
    return ref.rsplit("/", 1)[-1]


def _lines(read: _Read) -> Iterator[Event | BadLine]:
    """Events and bad lines, under the own ref of that name where there is one, else under a copy's."""
    own_last = sorted(read.tips, key=lambda ref: (ref.startswith(LEDGER), ref))
    refs = {_name(ref): ref for ref in own_last}
    for note in read.notes:
        yield parse_line(note.raw, id=note.id, ref=refs[note.name])
    for misplaced in read.misplaced:
        yield BadLine(misplaced.id, refs[misplaced.name], misplaced.why, code="CG605")


def _is_fetched(repo: Repository, tips: Mapping[str, Oid], refs: Refs | None) -> bool:
    """Whether what others recorded is here as far as this clone can have it: its own events are no sign of that."""
    if any(ref.startswith(LEDGER_COPIES) for ref in tips) or was_seen(repo):
        return True
    remotes = (read_settings(repo) if refs is None else refs.told(repo)).remotes
    # With the refspec, a clone that writes has asked for the ledger, and the remote had none.
    # A mirror takes over all refs as they are.
    asked = (f":{LEDGER_COPIES}" in value or value.endswith((":refs/*", ":refs/notes/*")) for value in remotes)
    return not remotes or (bool(tips) and any(asked))
