"""conductor-git from Python: `read_memory`, `write_memory`, and `Conductor(".").memory` as a mapping."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from time import time
from typing import Any

from conductor_git.commands import memory as journeys
from conductor_git.commands.outcome import Outcome
from conductor_git.core.errors import CannotRun
from conductor_git.core.events.memory import current, derived, histories
from conductor_git.store.plumbing.repository import Repository, discover
from conductor_git.store.snapshot import take


class Conductor:
    """The repository that a folder is in. Raises CannotRun where there is none."""

    def __init__(self, where: str = ".") -> None:
        self._repo = discover(where)

    @property
    def memory(self) -> Memory:
        """What the team remembers."""
        return Memory(self._repo)


class Memory(MutableMapping[str, Any]):
    """Values by key. Keys like `agent-2-wave-3-complete` are answered from history: they are in no listing, and
    cannot be set. CannotRun says why something could not be read or recorded."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo

    def __getitem__(self, key: str) -> Any:
        if derived(key):
            return _value(journeys.read(self._repo, key, now=_now()))
        return self._current()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        _done(journeys.write(self._repo, key, value, now=_now(), say=_quiet))

    def __delitem__(self, key: str) -> None:
        if key not in self._current() and not derived(key):
            raise KeyError(key)
        _done(journeys.forget(self._repo, key, now=_now(), say=_quiet))

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> dict[str, Any]:
        return {key: entry.value for key, entry in current(histories(take(self._repo).ledger)).items()}


def read_memory(key: str, default: Any = None, *, where: str = ".") -> Any:
    """The value of a key; `default` where nobody wrote it. Raises CannotRun."""
    return Conductor(where).memory.get(key, default)


def write_memory(key: str, value: Any, *, where: str = ".") -> None:
    """Give a key a JSON value. Raises CannotRun, and then nothing was recorded."""
    Conductor(where).memory[key] = value


def _done(outcome: Outcome) -> None:
    for finding in outcome.findings:
        raise CannotRun(finding.message, hint=finding.hint, detail=outcome.unchanged)


def _value(outcome: Outcome) -> Any:
    data = outcome.data
    return data["value"] if isinstance(data, dict) else None


def _now() -> int:
    return int(time())


def _quiet(text: str) -> None:
    """A program asks for values, and not for news."""
