"""`lefthook.yml`: our commands in it, added and taken out as text.

Source of the keys: lefthook's manual, "Configuration": `<hook>.commands.<name>.run` or `<hook>.jobs[].run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conductor_git.core.hooktext import yamltext
from conductor_git.core.hooktext.yamltext import CannotEdit, Node

_NAME = "conductor-git"


def commands_missing(text: str, doors: Sequence[str]) -> tuple[str, ...]:
    """The doors without a command that works. Raises CannotEdit where the text is no such configuration."""
    config = _config(text)
    return tuple(door for door in doors if _run(door) not in _runs(config.get(door)))


def add_commands(text: str, doors: Sequence[str]) -> str:
    """The configuration with a command for each of the doors.

    Raises CannotEdit, saying why, where that cannot be done without touching what somebody else wrote.
    """
    for door in commands_missing(text, doors):
        # What an older version of ours wrote gives way.
        text = _checked(_remove(text, door), door)
    return text


def remove_commands(text: str, doors: Sequence[str]) -> str:
    """The configuration without our commands, nor what only held them."""
    for door in doors:
        text = _remove(text, door)
    return text


def _config(text: str) -> dict[str, Any]:
    config = yamltext.load(text)
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise CannotEdit("it is not a mapping")
    return config


def _run(door: str) -> str:
    if door == "pre-push":
        return 'conductor-git-hook pre-push "{1}" "{2}"'
    # lefthook puts the argument in as it is, and the path of a linked worktree's message may have spaces.
    return f'conductor-git-hook {door} "{{1}}"' if door == "commit-msg" else f"conductor-git-hook {door}"


def _runs(hook: object) -> list[object]:
    if not isinstance(hook, dict):
        return []
    commands, jobs = hook.get("commands"), hook.get("jobs")
    found = [*(commands.values() if isinstance(commands, dict) else ()), *(jobs if isinstance(jobs, list) else ())]
    return [item.get("run") for item in found if isinstance(item, dict)]


def _quoted(door: str) -> str:
    return f"'{_run(door)}'" if '"' in _run(door) else _run(door)


def _keys(door: str) -> str:
    return f"run: {_quoted(door)}" + ("\n  use_stdin: true" if door == "pre-push" else "")


def _add(text: str, door: str) -> str:
    command = f"{_NAME}:\n  {_keys(door)}"
    root = yamltext.compose(text)
    if root is not None and not yamltext.is_mapping(root):
        raise CannotEdit("it is written in flow style ('{…}')")
    found = None if root is None else yamltext.entry(root, door)
    if found is None:
        block = f"{door}:\n" + yamltext.indent(f"commands:\n{yamltext.indent(command, 2)}", 2)
        return yamltext.insert(text, len(text) if root is None else yamltext.line_after(text, root), block)
    name, hook = found
    if yamltext.is_empty(hook):
        block = yamltext.indent(f"commands:\n{yamltext.indent(command, 2)}", 2)
        return yamltext.insert(text, yamltext.line_after(text, name), block)
    if not yamltext.is_mapping(hook):
        raise CannotEdit(f"its '{door}' is written in flow style")
    return _add_to_hook(text, hook, door, command)


def _add_to_hook(text: str, hook: Node, door: str, command: str) -> str:
    jobs, commands = yamltext.value(hook, "jobs"), yamltext.value(hook, "commands")
    for node, block in ((jobs, f"- name: {_NAME}\n  {_keys(door)}"), (commands, command)):
        if node is None:
            continue
        if not (yamltext.is_sequence(node) or yamltext.is_mapping(node)):
            raise CannotEdit(f"the jobs or commands of its '{door}' are empty or written in flow style")
        return yamltext.insert(text, yamltext.line_after(text, node), yamltext.indent(block, node.start_mark.column))
    block = yamltext.indent(f"commands:\n{yamltext.indent(command, 2)}", hook.start_mark.column)
    return yamltext.insert(text, yamltext.line_after(text, hook), block)


def _remove(text: str, door: str) -> str:
    root = yamltext.compose(text)
    if not yamltext.is_mapping(root) or root is None:
        return text
    chain = _ours(root, door)
    if not chain:
        return text
    # The outermost that holds nothing but ours.
    first, last = chain.pop()
    while chain and len(chain[-1][1].value) == 1:
        first, last = chain.pop()
    return text[: yamltext.line_of(text, first)] + text[yamltext.line_after(text, last) :]


def _ours(root: Node, door: str) -> list[tuple[Node, Node]]:
    """(first node, last node) of the hook, of its list, and of our command in it, outermost first; or nothing."""
    hook = yamltext.entry(root, door)
    if hook is None or not yamltext.is_mapping(hook[1]):
        return []
    for kind in ("commands", "jobs"):
        listed = yamltext.entry(hook[1], kind)
        if listed is None:
            continue
        for item in listed[1].value:
            first, last = item if listed[1].id == "mapping" else (item, item)
            run = yamltext.value(last, "run") if last.id == "mapping" else None
            if run is not None and str(run.value).startswith("conductor-git-hook "):
                return [hook, listed, (first, last)]
    return []


def _checked(before: str, door: str) -> str:
    """The text with our command, when reading it says that taking the command out gives what was there before."""
    after = _add(before, door)
    if _run(door) not in _runs(_config(after).get(door)) or _written(_remove(after, door)) != _written(before):
        raise CannotEdit("its layout is not one that lines can be added to safely")
    return after


def _written(text: str) -> dict[str, Any]:
    return {key: value for key, value in _config(text).items() if value is not None}
