"""Reading the policy file: TOML with kebab-case keys. Writing one is `policytext`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from conductor_git.core.events.demand import Demand, Trust
from conductor_git.core.planning.plan import PlanError
from conductor_git.core.planning.policy import (
    FORMAT,
    POLICY_PATH,
    Content,
    Direct,
    LandingPolicy,
    Limits,
    Policy,
    Runner,
    ValidationPolicy,
)
from conductor_git.core.planning.problems import Problems, decoded, unknown
from conductor_git.core.planning.refnames import branch_problem
from conductor_git.core.planning.tomlvalues import Read, count, flag, one_of, seconds, shown, text, texts
from conductor_git.core.planning.values import (
    inner_path_problem,
    login_problem,
    oid_problem,
    pattern_problem,
    repository_problem,
    unprintable,
    writer_problem,
)


class BrokenPolicy(msgspec.Struct, frozen=True):
    """A policy file that cannot be obeyed: nothing can be judged by it."""

    path: str
    errors: tuple[PlanError, ...]


_VALIDATION: dict[str, Read] = {
    "default": text(inner_path_problem, empty=True),
    "setup": text(unprintable, empty=True),
    "timeout": seconds,
    "keep": texts(inner_path_problem),
    "submodules": one_of(Content),
    "lfs": one_of(Content),
    "attested-by": one_of(Runner),
    "min-tests": count(0),
    "baseline": flag,
}
_LANDING: dict[str, Read] = {
    "validation": text(inner_path_problem, empty=True),
    "waves": flag,
}
_LIMITS: dict[str, Read] = {
    "event-bytes": count(1024),
    "log-bytes": count(1024),
    "silent": seconds,
    "blocker-low": seconds,
    "blocker-high": seconds,
    "blocker-critical": seconds,
}
_TRUST: dict[str, Read] = {
    "attestations": one_of(Demand),
    "conductor": flag,
    "since": text(oid_problem, empty=True),
}
_Table = ValidationPolicy | LandingPolicy | Limits | Trust
_TABLES: dict[str, tuple[type[_Table], dict[str, Read]]] = {
    "validation": (ValidationPolicy, _VALIDATION),
    "landing": (LandingPolicy, _LANDING),
    "limits": (Limits, _LIMITS),
    "trust": (Trust, _TRUST),
}
_PEOPLE = "people"
_TOP: dict[str, Read] = {
    "repository": text(repository_problem),
    "since": text(oid_problem, empty=True),
    "integration": text(branch_problem),
    "control": text(branch_problem, empty=True),
    "direct": one_of(Direct),
    "plans": text(pattern_problem),
    "scripts": text(inner_path_problem),
    "protect": texts(pattern_problem),
}


def parse_policy(source: str | bytes, path: str = POLICY_PATH) -> Policy | BrokenPolicy:
    """Read a policy file. Never raises: what cannot be obeyed is a BrokenPolicy with every error in it."""
    problems = Problems(path)
    toml = decoded(source, problems)
    table = None if toml is None else _loaded(toml, problems)
    if toml is None or table is None:
        return BrokenPolicy(path, problems.found())
    reading = _Reading(_key_lines(toml), problems)
    version = table.pop("format", None)
    if type(version) is not int or not 1 <= version <= FORMAT:
        # Keys of another format may mean something else: nothing further is said about them.
        reading.fault("format", _format_message(version))
        return BrokenPolicy(path, problems.found())
    values = reading.values(table, "", _TOP)
    if "repository" not in table:
        reading.fault("repository", "'repository' is missing")
    policy = Policy(**{"repository": "", **values})
    if policy.trust.attestations == "runner" != policy.validation.attested_by:
        # Agents' results stay unsigned then: they must not count as the last word.
        reading.fault("trust.attestations", "'trust.attestations' = 'runner' needs 'validation.attested-by' = 'runner'")
    errors = problems.found()
    return BrokenPolicy(path, errors) if errors else policy


class _Reading:
    """One pass over the tables of a file."""

    def __init__(self, lines: Mapping[str, int], problems: Problems) -> None:
        self.lines = lines
        self.problems = problems

    def fault(self, key: str, message: str) -> None:
        """Note a fault at the line of the key, else of the table that it is in."""
        line = self.lines.get(key) or self.lines.get(key.rpartition(".")[0], 1)
        self.problems.add(line, key, message)

    def values(self, table: Mapping[str, Any], prefix: str, known: Mapping[str, Read]) -> dict[str, Any]:
        """The fields of a struct from a table's keys; what is wrong is left out."""
        found: dict[str, Any] = {}
        for name, value in table.items():
            key = f"{prefix}.{name}" if prefix else name
            if not prefix and name in _TABLES:
                found[name] = self._table(name, value)
            elif not prefix and name == _PEOPLE:
                found[name] = self._people(value)
            elif name not in known:
                self.fault(key, unknown("key", name, (*known, *_TABLES, _PEOPLE) if not prefix else known))
            else:
                try:
                    found[name.replace("-", "_")] = known[name](value)
                except ValueError as error:
                    self.fault(key, f"'{key}' {error}")
        return found

    def _table(self, name: str, value: Any) -> _Table:
        kind, known = _TABLES[name]
        if not isinstance(value, dict):
            self.fault(name, f"'{name}' is a table, not {shown(value)}")
            return kind()
        return kind(**self.values(value, name, known))

    def _people(self, value: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, dict):
            self.fault(_PEOPLE, f"'{_PEOPLE}' is a table, not {shown(value)}")
            return {}
        found = {}
        for login, writers in value.items():
            key = f"{_PEOPLE}.{login}"
            try:
                found[login] = texts(writer_problem)([writers] if isinstance(writers, str) else writers)
            except ValueError as error:
                self.fault(key, f"'{key}' {error}")
            if problem := login_problem(login):
                self.fault(key, f"'{login}' is no login: {problem}")
        return found


def _format_message(version: Any) -> str:
    if version is None:
        return "'format' is missing"
    if type(version) is int and version > FORMAT:
        return f"'format' {version} is newer than this conductor-git, which knows {FORMAT}; upgrade it"
    return f"'format' is {FORMAT}, not {shown(version)}"


def _loaded(toml: str, problems: Problems) -> dict[str, Any] | None:
    import tomllib

    try:
        return tomllib.loads(toml)
    except RecursionError:
        problems.add(1, "", "not TOML: nested too deeply")
    except ValueError as error:
        said = str(error)
        place = re.search(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$", said)
        end = toml.rstrip("\n").count("\n") + 1
        line = 1 if place is None else int(place[1] or end)
        reason = said[: place.start()] if place else said
        problems.add(line, "", f"not TOML: {reason[:1].lower()}{reason[1:]}")
    return None


_WORD = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=")


def _key_lines(toml: str) -> dict[str, int]:
    """The line where each dotted key first seems to stand: tomllib does not tell."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(toml.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _dotted(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = _dotted(key[1])
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
