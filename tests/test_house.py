"""The house rules, read from the syntax tree and from what Python really loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import conductor_git

ROOT = Path(conductor_git.__file__).parent
PACKAGE = "conductor_git"

RINGS = {
    "core": ("core",),
    "store": ("core", "store"),
    "commands": ("core", "store", "commands.outcome"),
    "doors": ("core", "store", "doors", "lifetime"),
    "cli": ("core", "store", "commands", "cli"),
    # What it asks of git before the command is loaded.
    "__main__": ("cli", "lifetime", "store.plumbing.ahead"),
    "lifetime": (),
    "conductor": ("core", "store", "commands"),
    "": ("conductor",),
}
"""Which parts of the house each part may import; a journey that is a package may import its own modules."""

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(importing module, imported module) -> why it may be."""

IMPURE = {
    "os", "sys", "subprocess", "time", "random", "secrets", "socket", "shutil", "tempfile", "pathlib", "datetime",
    "threading", "multiprocessing", "asyncio", "logging", "getpass", "platform", "click", "git",
}  # fmt: skip
"""What the core may not know: the machine, the clock, chance, the terminal, git."""

PROCESSES = {"commands.demo.stage": "it plays people at their shells, who type git and conductor-git themselves"}
"""Modules outside the store that start processes -> why they may."""

NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base", "shared", "tools"}
LONGEST = 400


@cache
def modules() -> dict[str, ast.Module]:
    """Dotted name below the package -> syntax tree, for every module of the package."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = ast.parse(path.read_text("utf-8"))
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a tree; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a module lives"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def edges() -> frozenset[tuple[str, str]]:
    """Who imports whom inside the package, late imports too: a late import hides a cycle, it does not break it."""
    own = modules()
    pairs = ((name, target.removeprefix(f"{PACKAGE}.")) for name, tree in own.items() for target in imported(tree))
    return frozenset((name, target) for name, target in pairs if target in own and target != name and target)


def within(module: str, parts: tuple[str, ...]) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def test_every_ring_imports_only_what_lies_inside_it() -> None:
    wrong = [
        (name, target)
        for name, target in edges()
        if not within(target, (*RINGS[name.partition(".")[0]], ".".join(name.split(".")[:2])))
        # The package of a ring is imported with any of its modules and says nothing.
        and target not in RINGS
        and not any(inner.startswith(f"{target}.") for inner in RINGS[name.partition(".")[0]])
        and (name, target) not in EXCEPTIONS
    ]
    assert wrong == []


def test_every_exception_is_still_needed() -> None:
    assert set(EXCEPTIONS) <= edges()
    assert set(PROCESSES) <= {name for name, tree in modules().items() if "subprocess" in set(imported(tree))}


def test_the_core_knows_no_machine() -> None:
    wrong = {
        (name, target)
        for name, tree in modules().items()
        if within(name, ("core",))
        for target in imported(tree)
        if target.partition(".")[0] in IMPURE
    }
    assert wrong == set()


def test_the_core_opens_no_file() -> None:
    wrong = [
        name
        for name, tree in modules().items()
        if within(name, ("core",))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}
    ]
    assert wrong == []


def test_only_the_store_starts_processes() -> None:
    wrong = [
        name
        for name, tree in modules().items()
        if not within(name, ("store",)) and name not in PROCESSES
        if {"subprocess", "os.system", "os.popen", "multiprocessing"} & set(imported(tree))
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {}
    for name, target in edges():
        graph.setdefault(name, set()).add(target)
    assert _cycle(graph) == []


def test_no_room_imports_itself_through_others() -> None:
    """A room is a folder of a ring, or a module that stands in the ring itself."""
    graph: dict[str, set[str]] = {}
    for name, target in edges():
        here, there = _room(name), _room(target)
        if here != there and "." in there:
            graph.setdefault(here, set()).add(there)
    assert _cycle(graph) == []


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        return next((found for target in sorted(graph.get(name, ())) if (found := visit(target, [*path, name]))), [])

    return next((found for name in sorted(graph) if (found := visit(name, []))), [])


def test_module_names_say_what_is_inside() -> None:
    assert [name for name in modules() if name.rpartition(".")[2] in NAMELESS] == []


def test_no_module_is_long() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_module_and_public_function_has_a_docstring(name: str) -> None:
    tree = modules()[name]
    assert ast.get_docstring(tree), "the module"
    assert [node.name for node in public(tree) if not ast.get_docstring(node) and node.name not in promised()] == []


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public classes and functions, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@cache
def promised() -> frozenset[str]:
    """Methods that a Protocol of the package describes; its implementations need not say the same again."""
    return frozenset(
        method.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Protocol" in {ast.unparse(base) for base in node.bases}
        for method in node.body
        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
    )


def test_the_command_line_loads_nothing_heavy() -> None:
    assert third_party("-c", "import conductor_git.cli") == {"click", "msgspec", "typing_extensions"}


def test_an_ordinary_commit_message_loads_nothing_heavy(repo_dir: Path) -> None:
    message = repo_dir / "message"
    message.write_text("wave hello\n")
    started = ("-c", "from conductor_git.doors import leave; leave()", "commit-msg", str(message))
    assert third_party(*started, cwd=repo_dir) == {"msgspec", "typing_extensions"}
    # What typing_extensions would load: it is asked for by msgspec, and is not given.
    assert "inspect" not in _loaded(*started, cwd=repo_dir)


def third_party(*args: str, cwd: Path | None = None) -> set[str]:
    """The top-level modules that a Python run imports, without the standard library's and our own."""
    started = _loaded("-c", "pass", cwd=cwd)
    return _loaded(*args, cwd=cwd) - started - sys.stdlib_module_names - {PACKAGE}


def own_modules(*args: str, cwd: Path) -> set[str]:
    """Our modules that a Python run imports, as named inside the package."""
    return {name.removeprefix(f"{PACKAGE}.") for name in _all_loaded(*args, cwd=cwd) if name.startswith(f"{PACKAGE}.")}


def _loaded(*args: str, cwd: Path | None) -> set[str]:
    return {name.partition(".")[0] for name in _all_loaded(*args, cwd=cwd)}


def _all_loaded(*args: str, cwd: Path | None) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *args], cwd=cwd, capture_output=True, text=True, check=True
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
