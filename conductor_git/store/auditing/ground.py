"""An audit's own git directory: the objects and refs of a repository, and nothing else of it.

No replace refs, no grafts, no commit-graph, no hooks, no configuration and no memo of the repository comes along: what
could make git, or us, see another history than the one that the objects say.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.targets import Oid
from conductor_git.store.plumbing.git import UNCONFIGURED, GitFailed, run
from conductor_git.store.plumbing.refs import HEADS, HUB_COPIES, LEDGER, LEDGER_COPIES, REMOTES, Refs, read_refs
from conductor_git.store.plumbing.repository import ObjectFormat, Repository, discover, quoted
from conductor_git.store.plumbing.settings import Settings, read_settings

_ORIGIN_HEAD = f"{REMOTES}origin/HEAD"
_OURS = (HEADS, REMOTES, LEDGER, LEDGER_COPIES, HUB_COPIES)
_IGNORED = "warning: ignoring "
_SETTINGS = {
    "core.commitGraph": "false",
    "core.multiPackIndex": "false",
    "core.useReplaceRefs": "false",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "gc.auto": "0",
}


class Ground(msgspec.Struct, frozen=True):
    """What an audit reads from."""

    repository: Repository
    """The git directory of the audit's own; bare and sealed."""
    refs: Refs
    origin: str
    """Where refs and objects are from: a path or an URL."""
    configured: str = ""
    """The control branch that the configuration of the audited clone names; empty where it names none."""
    shallow: bool = False
    """Whether the audited clone says that it is shallow."""
    remote: str = ""
    """A remote of the audited clone; empty where it has none."""


@contextmanager
def own_ground(source: Repository) -> Iterator[Ground]:
    """A ground over this repository, removed afterwards. Raises CannotRun where a ref cannot be read."""
    with _folder(source.object_format) as repo:
        _write(
            repo, "objects/info/alternates", f"{quoted(os.path.join(source.common_dir, 'objects'))}\n".encode("ascii")
        )
        shallow = _write_edge(repo) if source.shallow else False
        repo = msgspec.structs.replace(repo, shallow=shallow)
        settings = read_settings(source)
        refs = _refs(source)
        _copy_refs(repo, refs.oids, source)
        remotes = source.git("remote").lines()
        yield Ground(
            repo,
            msgspec.structs.replace(refs, settings=Settings(remotes=settings.remotes)),
            source.worktree or source.git_dir,
            settings.control,
            source.shallow,
            "origin" if "origin" in remotes else next(iter(remotes), ""),
        )


@contextmanager
def fetched_ground(url: str) -> Iterator[Ground]:
    """A ground over all that a remote has, fetched anew. Raises CannotRun where it cannot be fetched."""
    heads = _listed(url)
    wide = any(len(oid) == 64 for ref, oid in heads.items() if ref != "HEAD")
    with _folder("sha256" if wide else "sha1") as repo:
        specs = [f"+{prefix}*:{prefix}*" for prefix in (HEADS, LEDGER, LEDGER_COPIES)]
        specs.append(f"+refs/conductor/*:{HUB_COPIES}origin/*")
        try:
            # With the user's own configuration: it is what reaches the remote.
            run(
                ["--git-dir", repo.git_dir, "-c", f"core.hooksPath={os.devnull}", *_FETCH, url, *specs],
                writes=True,
                timeout=None,
            )
        except GitFailed as error:
            raise CannotRun(f"'{url}' cannot be fetched", detail=error.said) from error
        repo = msgspec.structs.replace(repo, shallow=os.path.exists(os.path.join(repo.git_dir, "shallow")))
        if "HEAD" in heads:
            default = next((ref for ref, oid in heads.items() if ref == heads["HEAD"]), "")
            _set_default(repo, default)
        refs = read_refs(repo)
        # Where its branches come from, so that it can say that it is a hub; there are no copies that would be read.
        above = {ref: f"{REMOTES}origin/{ref.removeprefix(HEADS)}" for ref in refs.oids if ref.startswith(HEADS)}
        refs = msgspec.structs.replace(refs, upstream=above, settings=Settings())
        yield Ground(repo, refs, url, shallow=repo.shallow)


_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow", "--no-auto-maintenance",
          "--recurse-submodules=no", "--end-of-options")  # fmt: skip


def _listed(url: str) -> dict[str, str]:
    """What a remote says that it has; of HEAD, the branch it means."""
    try:
        lines = run(["ls-remote", "--symref", "--end-of-options", url, "HEAD", f"{HEADS}*"]).lines()
    except GitFailed as error:
        raise CannotRun(f"'{url}' cannot be read", detail=error.said) from error
    found: dict[str, str] = {}
    for line in lines:
        value, _, ref = line.partition("\t")
        if value.startswith("ref: "):
            found["HEAD"] = value.removeprefix("ref: ")
        elif ref != "HEAD":
            found[ref] = value
    return found


@contextmanager
def _folder(object_format: ObjectFormat) -> Iterator[Repository]:
    with tempfile.TemporaryDirectory(prefix="conductor-audit-") as folder:
        place = os.path.realpath(folder)
        made = ["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", place]
        run(made, env=UNCONFIGURED, writes=True)
        lines = "".join(_setting(key, value) for key, value in _SETTINGS.items())
        with open(os.path.join(place, "config"), "a", encoding="utf-8") as file:
            file.write(lines)
        yield msgspec.structs.replace(discover(place), sealed=True)


def _setting(key: str, value: str) -> str:
    section, _, name = key.partition(".")
    return f"[{section}]\n\t{name} = {value}\n"


def _write(repo: Repository, name: str, content: bytes) -> None:
    path = os.path.join(repo.git_dir, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _write_edge(repo: Repository) -> bool:
    """Write git's list of shallow commits: those whose parents are really missing, whatever the clone's own list says.

    A list made by hand would hide history that is here.
    """
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").lines()
    commits = [line.removeprefix("commit ") for line in listed if line.startswith("commit ")]
    out = repo.git("cat-file", "--batch", "--buffer", stdin="".join(f"{oid}\n" for oid in commits).encode()).out
    there, edge, position = set(commits), [], 0
    for oid in commits:
        end = out.index(b"\n", position)
        size = int(out[position:end].split(b" ")[2])
        head = out[end + 1 : end + 1 + size].partition(b"\n\n")[0]
        parents = [line[7:].decode("ascii") for line in head.split(b"\n") if line.startswith(b"parent ")]
        if not there.issuperset(parents):
            edge.append(oid)
        position = end + 1 + size + 1
    if edge:
        _write(repo, "shallow", "".join(f"{oid}\n" for oid in sorted(edge)).encode())
    return bool(edge)


def _refs(source: Repository) -> Refs:
    """The refs of the clone. Raises CannotRun for one that git passes over: nothing may be judged without it."""
    said = source.git("for-each-ref", "--format=%(refname)", *_OURS).err.decode("utf-8", "replace")
    for line in said.splitlines():
        ref = line.rpartition(" ")[2]
        if line.startswith(_IGNORED) and ref.startswith(_OURS):
            raise CannotRun(f"'{ref}' is broken: git passes it over", detail=line, hint="git fsck")
    refs = read_refs(source)
    above = {
        ref: copy
        for ref in refs.oids
        if ref.startswith(HEADS) and (copy := f"{REMOTES}origin/{ref.removeprefix(HEADS)}") in refs.oids
    }
    # What a branch's upstream is stands in the configuration; where that is silent, origin's branch of that name.
    return msgspec.structs.replace(refs, upstream={**above, **refs.upstream})


def _copy_refs(repo: Repository, oids: Mapping[str, Oid], source: Repository) -> None:
    _check_tips(repo, oids)
    commands = b"".join(f"create {ref}\0{oid}\0".encode("utf-8", "surrogateescape") for ref, oid in oids.items())
    repo.git("update-ref", "--stdin", "-z", stdin=commands, writes=True)
    _set_default(repo, source.git("symbolic-ref", "--quiet", _ORIGIN_HEAD, ok=(0, 1, 128)).text())


def _set_default(repo: Repository, ref: str) -> None:
    """Let origin's default branch be found, as a clone has it."""
    branch = ref.removeprefix(f"{REMOTES}origin/").removeprefix(HEADS)
    if branch:
        repo.git("symbolic-ref", _ORIGIN_HEAD, f"{REMOTES}origin/{branch}", writes=True)


def _check_tips(repo: Repository, oids: Mapping[str, Oid]) -> None:
    stdin = "".join(f"{oid}\n" for oid in oids.values()).encode("ascii")
    answers = repo.git("cat-file", "--batch-check=%(objecttype)", stdin=stdin).lines() if oids else []
    for (ref, oid), answer in zip(oids.items(), answers, strict=True):
        if answer.endswith(" missing"):
            raise CannotRun(f"'{ref}' points to '{oid}', which is not here", hint="git fsck")


def missing_hint(ground: Ground) -> str:
    """The command that gets what is missing; empty where nobody here knows one."""
    if not ground.remote:
        return ""
    specs = f"'+{HEADS}*:{REMOTES}{ground.remote}/*' '+{LEDGER}*:{LEDGER_COPIES}{ground.remote}/*'"
    if ground.shallow:
        return f"git fetch --unshallow {ground.remote} {specs}"
    return f'conductor-git audit --from "$(git remote get-url {ground.remote})"'


def present(repo: Repository, oids: Iterable[str]) -> set[Oid]:
    """Those of these objects that are here."""
    asked = list(oids)
    stdin = "".join(f"{oid}\n" for oid in asked).encode("ascii")
    answers = repo.git("cat-file", "--batch-check=%(objectname)", stdin=stdin).lines() if asked else []
    return {Oid(answer) for answer in answers if " " not in answer}
