"""`.pre-commit-config.yaml`, which pre-commit and prek obey: our entries in it, added and taken out as text.

Source of the keys: pre-commit's manual, "Adding pre-commit plugins to your project" and "Top-level configuration".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conductor_git.core.hooktext import yamltext
from conductor_git.core.hooktext.yamltext import CannotEdit, Node

PRE_COMMIT_CONFIG = ".pre-commit-config.yaml"

_TYPES = "default_install_hook_types"
_BY_US = "  # conductor-git"


def entries_missing(text: str, doors: Sequence[str]) -> tuple[str, ...]:
    """The doors without an entry that works. Raises CannotEdit where the text is no such configuration."""
    config = _config(text)
    hooks = [*_hooks(config, local=False), *(hook for hook in _hooks(config, local=True) if hook == _hook(_door(hook)))]
    return tuple(door for door in doors if not any(_works(hook, door) for hook in hooks))


def entries_by_address(text: str, doors: Sequence[str]) -> tuple[str, ...]:
    """The doors whose entry names this project by address, so that the tool runs a copy of its own."""
    hooks = _hooks(_config(text), local=False)
    return tuple(door for door in doors if any(_works(hook, door) for hook in hooks))


def types_missing(text: str, doors: Sequence[str]) -> tuple[str, ...]:
    """The doors whose hook type a plain `pre-commit install` would leave out."""
    types = _config(text).get(_TYPES, ["pre-commit"])
    return tuple(door for door in doors if not isinstance(types, list) or door not in types)


def add_entries(text: str, doors: Sequence[str]) -> str:
    """The configuration with an entry for each of the doors, and their hook types installed by default.

    Raises CannotEdit, saying why, where that cannot be done without touching what somebody else wrote.
    """
    outdated = [door for door in entries_missing(text, doors) if _local_ids(_config(text)) & {f"conductor-{door}"}]
    if outdated:
        text = remove_entries(text)
    missing = entries_missing(text, doors)
    with_types = _add_types(text, doors)
    if not missing:
        return with_types
    block = "- repo: local\n  hooks:\n" + "".join(yamltext.indent(_entry_text(door), 4) for door in missing)
    added = {"repo": "local", "hooks": [_hook(door) for door in missing]}
    return _checked(with_types, _append_repo(with_types, block), lambda repos: [*repos, added])


def remove_entries(text: str) -> str:
    """The configuration without our local entries; entries by address stay, somebody chose their revision.

    Raises CannotEdit where they cannot be told apart from what somebody else wrote.
    """
    text = "".join(line for line in text.splitlines(keepends=True) if not _is_our_types_line(line))
    root = yamltext.compose(text)
    repos = yamltext.value(root, "repos") if yamltext.is_mapping(root) else None
    if not _local_ids(_config(text)) or repos is None:
        return text
    cuts = [cut for repo in repos.value for cut in _cuts(text, repo)]
    result = text
    for start, end in reversed(cuts):
        result = result[:start] + result[end:]
    if not (_config(result).get("repos")):
        result = _without_repos(result)
    return _checked(text, result, _without_ours)


def new_config(doors: Sequence[str]) -> str:
    """The configuration of a repository that had none."""
    return add_entries("repos: []\n", doors)


def _config(text: str) -> dict[str, Any]:
    config = yamltext.load(text)
    if config is None:
        return {}
    if not isinstance(config, dict) or not isinstance(config.get("repos") or [], list):
        raise CannotEdit("it is not a mapping with a list of 'repos'")
    return config


def _root(text: str) -> Node | None:
    root = yamltext.compose(text)
    if root is not None and not yamltext.is_mapping(root):
        raise CannotEdit("it is written in flow style ('{…}')")
    return root


def _door(hook: dict[str, Any]) -> str:
    return str(hook.get("id", "")).removeprefix("conductor-")


def _works(hook: dict[str, Any], door: str) -> bool:
    return (
        hook.get("id") == f"conductor-{door}"
        and door in hook.get("stages", [door])
        and hook.get("always_run", True) is True
    )


def _hook(door: str) -> dict[str, Any]:
    return {
        "id": f"conductor-{door}",
        "name": f"conductor-git {door}",
        "entry": f"conductor-git-hook {door}",
        "language": "system",
        "stages": [door],
        "always_run": True,
        "pass_filenames": door == "commit-msg",
    }


def _entry_text(door: str) -> str:
    lines = [f"{key}: {_scalar(value)}" for key, value in _hook(door).items()]
    return f"- {lines[0]}\n" + yamltext.indent("\n".join(lines[1:]), 2)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)


def _append_repo(text: str, block: str) -> str:
    root = _root(text)
    if root is None:
        return yamltext.insert(text, len(text), "repos:\n" + yamltext.indent(block, 2))
    found = yamltext.entry(root, "repos")
    if found is None:
        return yamltext.insert(text, yamltext.line_after(text, root), "repos:\n" + yamltext.indent(block, 2))
    name, repos = found
    if yamltext.is_sequence(repos):
        return yamltext.insert(text, yamltext.line_after(text, repos), yamltext.indent(block, repos.start_mark.column))
    if repos.value:
        raise CannotEdit("its 'repos' are written in flow style ('[…]')")
    cleared = text[: name.end_mark.index] + ":" + text[repos.end_mark.index :]
    return yamltext.insert(cleared, yamltext.line_after(cleared, name), yamltext.indent(block, 2))


def _add_types(text: str, doors: Sequence[str]) -> str:
    missing = types_missing(text, doors)
    if not missing:
        return text
    root = _root(text)
    types = None if root is None else yamltext.value(root, _TYPES)
    if types is None:
        wanted = dict.fromkeys(["pre-commit", *doors])
        at = len(text) if root is None else yamltext.line_of(text, root)
        return yamltext.insert(text, at, f"{_TYPES}: [{', '.join(wanted)}]{_BY_US}\n")
    if types.id != "sequence" or not types.value:
        raise CannotEdit(f"its '{_TYPES}' is not a list of hook types")
    if types.flow_style:
        at = types.value[-1].end_mark.index
        return text[:at] + "".join(f", {door}" for door in missing) + text[at:]
    block = yamltext.indent("\n".join(f"- {door}" for door in missing), types.start_mark.column)
    return yamltext.insert(text, yamltext.line_after(text, types), block)


def _hooks(config: dict[str, Any], *, local: bool) -> list[dict[str, Any]]:
    return [
        hook
        for repo in config.get("repos") or ()
        if isinstance(repo, dict) and (repo.get("repo") == "local") is local
        for hook in repo.get("hooks") or ()
        if isinstance(hook, dict)
    ]


def _local_ids(config: dict[str, Any]) -> set[str]:
    return {str(hook.get("id")) for hook in _hooks(config, local=True) if _is_ours(hook)}


def _is_ours(hook: object) -> bool:
    return isinstance(hook, dict) and str(hook.get("entry", "")).startswith("conductor-git-hook ")


def _is_our_types_line(line: str) -> bool:
    return line.startswith(f"{_TYPES}:") and line.rstrip("\n").endswith(_BY_US)


def _cuts(text: str, repo: Node) -> list[tuple[int, int]]:
    """The lines to take out of one item of `repos`: all of it where each of its hooks is ours."""
    hooks = yamltext.value(repo, "hooks") if repo.id == "mapping" else None
    if hooks is None or hooks.id != "sequence" or getattr(yamltext.value(repo, "repo"), "value", "") != "local":
        return []
    ours = [hook for hook in hooks.value if _is_our_node(hook)]
    if ours and len(ours) == len(hooks.value):
        ours = [repo]
    return [(yamltext.line_of(text, node), yamltext.line_after(text, node)) for node in ours]


def _is_our_node(hook: Node) -> bool:
    said = yamltext.value(hook, "entry") if hook.id == "mapping" else None
    return said is not None and str(said.value).startswith("conductor-git-hook ")


def _without_repos(text: str) -> str:
    found = yamltext.entry(yamltext.compose(text), "repos")
    if found is None:
        return text
    at = found[0].end_mark.index
    return f"{text[:at]}: []{text[text.index(':', at) + 1 :]}"


def _without_ours(repos: list[Any]) -> list[Any]:
    kept = []
    for repo in repos:
        if isinstance(repo, dict) and repo.get("repo") == "local":
            hooks = [hook for hook in repo.get("hooks") or () if not _is_ours(hook)]
            if not hooks and repo.get("hooks"):
                continue
            repo = {**repo, "hooks": hooks}
        kept.append(repo)
    return kept


def _checked(before: str, after: str, change: Callable[[list[Any]], list[Any]]) -> str:
    """The text after the change, when reading it says that nothing else has changed."""
    was, now = _config(before), _config(after)
    if now != {**was, "repos": change(was.get("repos") or [])}:
        raise CannotEdit("its layout is not one that lines can be added to safely")
    return after
