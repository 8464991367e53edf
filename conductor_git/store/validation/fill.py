"""What a tree only points to: submodules and LFS content. Refused, left as it is, or filled in, as the policy says."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator

import msgspec

from conductor_git.core.errors import CannotRun
from conductor_git.core.planning.policy import Content, ValidationPolicy
from conductor_git.store.plumbing.git import GitFailed, run
from conductor_git.store.plumbing.repository import Repository
from conductor_git.store.validation.cache import worktree_roots
from conductor_git.store.validation.checkout import Checkout, Entry, file_digest

_GITLINK = "160000"
# git-lfs, docs/spec.md "The Pointer": at most 1024 bytes; `version` first, the other keys sorted.
_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize [0-9]+\n"
)
_POINTER_SIZE = 1024
_MOST_NAMED = 5


class Filled(msgspec.Struct, frozen=True):
    """What was done: a word each for the attestation, and every checkout with its place in the whole."""

    submodules: str
    lfs: str
    checkouts: tuple[tuple[str, Checkout], ...]
    """Prefix of its paths (empty, or ending in `/`), and the checkout; the outermost first."""


def fill(outermost: Checkout, policy: ValidationPolicy, spare: str) -> Filled:
    """Treat submodules (nested ones too) and LFS pointers as the policy says; `spare` is a folder for fetched objects.

    Raises CannotRun, naming the paths, where they are refused or cannot be had.
    """
    checkouts = [("", outermost)]
    submodules = lfs = "none"
    for prefix, checkout in checkouts:
        pointers = _pointers(checkout)
        if pointers:
            lfs = _decide(policy.lfs, "lfs", "LFS files", [prefix + entry.path for entry in pointers])
            if lfs == "filled":
                _fill_lfs(checkout, pointers)
        links = [entry for entry in checkout.entries if entry.mode == _GITLINK]
        if links:
            paths = [prefix + entry.path for entry in links]
            submodules = _decide(policy.submodules, "submodules", "submodules", paths)
            if submodules == "filled":
                checkouts += [(f"{prefix}{link.path}/", inner) for link, inner in _fill_links(checkout, links, spare)]
    return Filled(submodules, lfs, tuple(checkouts))


def resolve_url(base: str, url: str) -> str:
    """A submodule's URL, where `./` and `../` are relative to the superproject's (git-submodule, "add")."""
    if not url.startswith(("./", "../")):
        return url
    base = base.rstrip("/")
    separator = "/"
    while True:
        if url.startswith("./"):
            url = url.removeprefix("./")
        elif url.startswith("../"):
            url = url.removeprefix("../")
            # `host:path` has a colon where its last slash would be.
            separator = "/" if "/" in base else ":"
            base = base.rpartition(separator)[0]
        else:
            return f"{base}{separator}{url}"


def _decide(content: Content, setting: str, kind: str, paths: list[str]) -> str:
    if content == "refuse":
        raise CannotRun(
            f"the product tree has {kind}: {_named(paths)}",
            detail=f"validation.{setting} of the policy is 'refuse' ('fill' gets them, 'leave' runs without them);"
            " nothing was run",
        )
    return {"leave": "left", "fill": "filled"}[content]


def _named(paths: list[str]) -> str:
    named = ", ".join(f"'{path}'" for path in paths[:_MOST_NAMED])
    return f"{named} and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else named


def _pointers(checkout: Checkout) -> list[Entry]:
    """Pointer files as git-lfs itself would see them: with the attribute, and with a pointer as content."""
    entries = checkout.entries
    if not any(entry.path.rpartition("/")[2] == ".gitattributes" for entry in entries):
        return []
    tracked = checkout.with_attribute("filter=lfs")
    small = [
        entry
        for entry in entries
        if entry.path in tracked and entry.mode.startswith("100") and _size(checkout, entry) <= _POINTER_SIZE
    ]
    blobs = checkout.blobs({entry.oid for entry in small})
    return [entry for entry in small if _POINTER.fullmatch(blobs[entry.oid])]


def _size(checkout: Checkout, entry: Entry) -> int:
    return os.path.getsize(os.path.join(checkout.work, entry.path))


def _fill_lfs(checkout: Checkout, pointers: list[Entry]) -> None:
    blobs = checkout.blobs({entry.oid for entry in pointers})
    store = _lfs_store(checkout.source)
    lacking = []
    for entry in pointers:
        found = _POINTER.fullmatch(blobs[entry.oid])
        oid = found[1].decode("ascii") if found else ""
        content = os.path.join(store, oid[:2], oid[2:4], oid)
        place = os.path.join(checkout.work, entry.path)
        try:
            # Over the file that git made, so that the executable bit stays.
            shutil.copyfile(content, place)
        except OSError:
            lacking.append(entry.path)
            continue
        if file_digest(place) != oid:
            lacking.append(entry.path)
        checkout.replaced[entry.path] = oid
    if lacking:
        raise CannotRun(
            f"the LFS content of {_named(lacking)} is not in this clone, or is damaged",
            hint="git lfs fetch",
            detail="nothing was run",
        )


def _lfs_store(source: Repository) -> str:
    storage = source.config("lfs.storage") or "lfs"
    return os.path.join(source.common_dir, storage, "objects")


def _fill_links(checkout: Checkout, links: list[Entry], spare: str) -> Iterator[tuple[Entry, Checkout]]:
    declared = _declared(checkout)
    for link in links:
        name, url = declared.get(link.path, ("", ""))
        source = _local_source(checkout.source, link, name) or _fetched(checkout.source, link, name, url, spare)
        tree = source.resolve(link.oid, kind="tree")
        if tree is None:
            raise _no_submodule(link, "its commit has no tree")
        yield link, Checkout(source, os.path.join(checkout.work, link.path), tree)


def _declared(checkout: Checkout) -> dict[str, tuple[str, str]]:
    """Name and URL by path, as the tree's .gitmodules has them."""
    blobs = checkout.blobs(entry.oid for entry in checkout.entries if entry.path == ".gitmodules")
    names: dict[str, str] = {}
    urls: dict[str, str] = {}
    for raw in blobs.values():
        listed = run(["config", "--file", "-", "-z", "--list"], stdin=raw, ok=(0, 1, 3, 128))
        for field in listed.fields():
            key, _, value = field.partition("\n")
            name, _, what = key.removeprefix("submodule.").rpartition(".")
            if what == "path":
                names[value] = name
            elif what == "url":
                urls[name] = value
    return {path: (name, urls.get(name, "")) for path, name in names.items() if _is_name(name)}


def _is_name(name: str) -> bool:
    # As git refuses them (CVE-2018-11235): the name becomes a path below `modules/`.
    return bool(name) and not os.path.isabs(name) and ".." not in re.split(r"[/\\]", name)


def _local_source(source: Repository, link: Entry, name: str) -> Repository | None:
    for git_dir in _places(source, link, name):
        if os.path.isdir(os.path.join(git_dir, "objects")):
            found = Repository(git_dir, git_dir, None, source.object_format, bare=True, shallow=False)
            if found.resolve(link.oid) is not None:
                return found
    return None


def _places(source: Repository, link: Entry, name: str) -> Iterator[str]:
    linked = os.path.join(source.common_dir, "worktrees")
    owners: Iterable[str] = [source.common_dir, source.git_dir]
    if os.path.isdir(linked):
        owners = [*owners, *(os.path.join(linked, worktree) for worktree in sorted(os.listdir(linked)))]
    if name:
        yield from (os.path.join(owner, "modules", name) for owner in owners)
    # As git made them before 1.7.8, and as `git clone` into a worktree makes them still.
    yield from (os.path.join(root, link.path, ".git") for root in worktree_roots(source))


def _fetched(source: Repository, link: Entry, name: str, url: str, spare: str) -> Repository:
    configured = source.config(f"submodule.{name}.url") if name else None
    url = configured or resolve_url(source.config("remote.origin.url") or source.root, url)
    if not url:
        raise _no_submodule(link, "it is not in this clone, and .gitmodules names no URL")
    git_dir = os.path.join(spare, f"submodule-{link.oid}")
    run(["init", "-q", "--bare", "--template=", f"--object-format={source.object_format}", git_dir], writes=True)
    bare = Repository(git_dir, git_dir, None, source.object_format, bare=True, shallow=False)
    said = ""
    for wanted in (["--depth=1", "--", url, link.oid], ["--", url, "+refs/*:refs/fetched/*"]):
        try:
            # Not from the user: the URL stands in the tree under test, so git's own rules for such URLs count.
            bare.git(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *wanted),
                env={"GIT_PROTOCOL_FROM_USER": "0", "GIT_TERMINAL_PROMPT": "0"},
                writes=True,
                timeout=3600,
            )
        except GitFailed as error:
            said = error.said
        if bare.resolve(link.oid) is not None:
            return bare
    raise _no_submodule(link, said or f"'{url}' does not have it")


def _no_submodule(link: Entry, why: str) -> CannotRun:
    return CannotRun(
        f"submodule '{link.path}' cannot be checked out at '{link.oid[:7]}'",
        hint="git submodule update --init --recursive",
        detail=f"{why}; nothing was run",
    )
